using EdgeMatrix.Media.Thumbnails;

namespace EdgeMatrix.Media.Pictures;

/// <summary>Shrinks a picture that comes row by row: each pixel becomes the mean of those that it covers.</summary>
public sealed class PictureShrinker
{
    private readonly int _width;
    private readonly int _left;
    private readonly int _top;
    private readonly int _sourceWidth;
    private readonly double _scaleX;
    private readonly double _scaleY;
    private readonly byte[] _rgba;
    private readonly float[] _row;
    private readonly float[] _sum;
    private int _source;
    private int _made;

    /// <param name="width">Of the picture that comes.</param>
    public PictureShrinker(int width, int height, ThumbnailGeometry geometry)
    {
        (_sourceWidth, _left, _top, _width) = (width, geometry.Left, geometry.Top, geometry.Width);
        (_scaleX, _scaleY) = (geometry.FullWidth / (double)width, geometry.FullHeight / (double)height);
        _rgba = new byte[geometry.Width * geometry.Height * 4];
        _row = new float[_width * 4];
        _sum = new float[_width * 4];
        Result = new Picture(geometry.Width, geometry.Height, _rgba);
    }

    /// <summary>Whole when every row was added.</summary>
    public Picture Result { get; }

    /// <param name="pixels">The next row; three bytes a pixel (opaque), or four.</param>
    public void Add(ReadOnlySpan<byte> pixels, int bytesOfPixel)
    {
        var from = (_source * _scaleY) - _top;
        var to = (++_source * _scaleY) - _top;
        if (to <= 0 || _made == Result.Height)
        {
            return;
        }

        ShrinkRow(pixels, bytesOfPixel);

        // Nothing is made larger, so a row touches two of the thumbnail's at most. The last may end a hair below its end.
        var end = Math.Min(to, _made + 1);
        AddRow((float)(end - Math.Max(from, _made)));
        if (to >= _made + 1 - 1e-6)
        {
            Emit();
            if (to > _made && _made < Result.Height)
            {
                AddRow((float)(to - Math.Max(from, _made)));
            }
        }
    }

    private void ShrinkRow(ReadOnlySpan<byte> pixels, int bytesOfPixel)
    {
        Array.Clear(_row);
        for (var i = 0; i < _width; i++)
        {
            var (from, to) = ((_left + i) / _scaleX, (_left + i + 1) / _scaleX);
            var last = Math.Min((int)Math.Ceiling(to), _sourceWidth);
            for (var x = (int)from; x < last; x++)
            {
                var weight = (float)((Math.Min(x + 1, to) - Math.Max(x, from)) * _scaleX);
                var pixel = pixels.Slice(x * bytesOfPixel, bytesOfPixel);
                var alpha = bytesOfPixel == 4 ? weight * pixel[3] : weight * byte.MaxValue;
                _row[i * 4] += alpha * pixel[0];
                _row[(i * 4) + 1] += alpha * pixel[1];
                _row[(i * 4) + 2] += alpha * pixel[2];
                _row[(i * 4) + 3] += alpha;
            }
        }
    }

    private void AddRow(float weight)
    {
        for (var i = 0; i < _sum.Length; i++)
        {
            _sum[i] += weight * _row[i];
        }
    }

    private void Emit()
    {
        var row = _rgba.AsSpan(_made++ * _width * 4, _width * 4);
        for (var i = 0; i < row.Length; i += 4)
        {
            if (_sum[i + 3] is > 0 and var alpha)
            {
                row[i] = Byte(_sum[i] / alpha);
                row[i + 1] = Byte(_sum[i + 1] / alpha);
                row[i + 2] = Byte(_sum[i + 2] / alpha);
                row[i + 3] = Byte(alpha);
            }
        }

        Array.Clear(_sum);
    }

    private static byte Byte(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);
}
