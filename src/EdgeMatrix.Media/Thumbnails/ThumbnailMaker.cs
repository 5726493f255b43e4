using EdgeMatrix.Media.Pictures;
using EdgeMatrix.Media.Pictures.Webp;
using StbImageSharp;

namespace EdgeMatrix.Media.Thumbnails;

/// <summary>Reads a picture and writes its thumbnail, which does not move: JPEG, or PNG where it is see-through.</summary>
/// <remarks>The decoder of all but WebP is C in the clothes of C#: this runs in a process of its own, see <see cref="ThumbnailWorker"/>.</remarks>
public static class ThumbnailMaker
{
    private const int JpegQuality = 80;
    private const long MaxFileBytes = 100 * 1024 * 1024;

    // Of what is decoded: the decoders hold seven bytes for each, or so.
    private const long MaxPixels = 40_000_000;

    public static ThumbnailVerdict Make(string path, ThumbnailSize size, Stream output)
    {
        using var stream = File.OpenRead(path);
        if (stream.Length > MaxFileBytes)
        {
            return ThumbnailVerdict.TooLarge;
        }

        var file = new byte[stream.Length];
        stream.ReadExactly(file);
        try
        {
            return Make(file, size, output);
        }
        catch (OutOfMemoryException)
        {
            return ThumbnailVerdict.TooLarge;
        }
        catch (Exception exception) when (exception is InvalidDataException or InvalidOperationException or IndexOutOfRangeException
            or ArgumentException or NullReferenceException or OverflowException)
        {
            // The ways in which decoders stumble over what is no picture.
            return ThumbnailVerdict.NoPicture;
        }
    }

    private static ThumbnailVerdict Make(byte[] file, ThumbnailSize size, Stream output)
    {
        using var stream = new MemoryStream(file);
        if (PictureInfo.Read(file, stream) is not { } info)
        {
            return ThumbnailVerdict.NoPicture;
        }

        var (width, height) = Orientation.Transposes(info.Orientation) ? (info.Height, info.Width) : (info.Width, info.Height);
        var geometry = size.Fit(width, height);
        if (geometry is null && (size.Animated || !info.Moves))
        {
            return ThumbnailVerdict.Original;
        }

        if ((long)info.Width * info.Height > MaxPixels)
        {
            return ThumbnailVerdict.TooLarge;
        }

        var fit = geometry ?? new ThumbnailGeometry(width, height, 0, 0, width, height);
        if (Orientation.Transposes(info.Orientation))
        {
            fit = fit.Transpose();
        }

        var shrinker = new PictureShrinker(info.Width, info.Height, fit);
        Decode(info, file, stream, shrinker);
        var thumbnail = Orientation.Turn(shrinker.Result, info.Orientation);
        if (thumbnail.IsOpaque())
        {
            JpegWriter.Write(thumbnail, output, JpegQuality);
        }
        else
        {
            PngWriter.Write(thumbnail, output);
        }

        return ThumbnailVerdict.Made;
    }

    private static unsafe void Decode(PictureInfo info, byte[] file, MemoryStream stream, PictureShrinker shrinker)
    {
        if (info.Type == PictureTypes.Webp)
        {
            var picture = WebpReader.Read(file);
            for (var y = 0; y < picture.Height; y++)
            {
                shrinker.Add(picture.Rgba.AsSpan(y * picture.Width * 4, picture.Width * 4), 4);
            }

            return;
        }

        // A photograph has no alpha; three bytes a pixel are enough for it. The process ends before the memory is missed.
        stream.Position = 0;
        int width, height, components;
        var bytes = info.Type == PictureTypes.Jpeg ? 3 : 4;
        var pixels = StbImage.stbi__load_and_postprocess_8bit(new StbImage.stbi__context(stream), &width, &height, &components, bytes);
        if (pixels is null || width != info.Width || height != info.Height)
        {
            throw new InvalidDataException("No picture");
        }

        for (var y = 0; y < height; y++)
        {
            shrinker.Add(new ReadOnlySpan<byte>(pixels + ((long)y * width * bytes), width * bytes), bytes);
        }
    }
}
