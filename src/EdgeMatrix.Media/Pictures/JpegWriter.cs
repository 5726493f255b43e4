using System.Buffers.Binary;

namespace EdgeMatrix.Media.Pictures;

/// <summary>Writes JPEG: baseline, color at half the resolution, with the tables that the standard gives as examples. Alpha is ignored.</summary>
/// <remarks>ITU-T T.81, https://www.w3.org/Graphics/JPEG/itu-t81.pdf; the file is JFIF 1.01.</remarks>
public sealed class JpegWriter
{
    // Annex K.1, for what the eye sees best and worst.
    private static ReadOnlySpan<byte> LumaQuantization =>
    [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ];

    private static ReadOnlySpan<byte> ChromaQuantization =>
    [
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    ];

    // Figure A.6: the order of the coefficients.
    private static ReadOnlySpan<byte> ZigZag =>
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];

    private readonly Stream _output;
    private readonly Picture _picture;
    private readonly byte[][] _quantization;
    private readonly JpegHuffman[] _codes = [JpegHuffman.LumaDc, JpegHuffman.LumaAc, JpegHuffman.ChromaDc, JpegHuffman.ChromaAc];
    private readonly float[] _block = new float[64];
    private readonly float[] _cosines = new float[64];
    private readonly int[] _dc = new int[3];
    private uint _bits;
    private int _bitCount;

    private JpegWriter(Picture picture, Stream output, int quality)
    {
        (_picture, _output) = (picture, output);
        _quantization = [Scale(LumaQuantization, quality), Scale(ChromaQuantization, quality)];
        for (var u = 0; u < 8; u++)
        {
            for (var x = 0; x < 8; x++)
            {
                _cosines[(u * 8) + x] = (float)(Math.Cos(((2 * x) + 1) * u * Math.PI / 16) * (u == 0 ? Math.Sqrt(0.125) : 0.5));
            }
        }
    }

    /// <param name="quality">1 to 100.</param>
    public static void Write(Picture picture, Stream output, int quality) => new JpegWriter(picture, output, quality).Write();

    private void Write()
    {
        WriteHeaders();
        for (var y = 0; y < _picture.Height; y += 16)
        {
            for (var x = 0; x < _picture.Width; x += 16)
            {
                WriteBlock(0, x, y, 1);
                WriteBlock(0, x + 8, y, 1);
                WriteBlock(0, x, y + 8, 1);
                WriteBlock(0, x + 8, y + 8, 1);
                WriteBlock(1, x, y, 2);
                WriteBlock(2, x, y, 2);
            }
        }

        // The last byte is filled with ones.
        WriteBits(0x7F, 7);
        _output.Write([0xFF, 0xD9]);
    }

    private void WriteHeaders()
    {
        _output.Write([0xFF, 0xD8]);
        WriteSegment(0xE0, [.. "JFIF\0"u8, 1, 1, 0, 0, 1, 0, 1, 0, 0]);
        for (byte table = 0; table < 2; table++)
        {
            var quantization = _quantization[table];
            WriteSegment(0xDB, [table, .. ZigZag.ToArray().Select(at => quantization[at])]);
        }

        // Three components, the first of twice the resolution of the others.
        var frame = new byte[] { 8, 0, 0, 0, 0, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1 };
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), (ushort)_picture.Height);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(3), (ushort)_picture.Width);
        WriteSegment(0xC0, frame);
        for (var i = 0; i < _codes.Length; i++)
        {
            // Class (0: DC, 1: AC) and number of the table.
            WriteSegment(0xC4, [(byte)(((i & 1) << 4) | (i >> 1)), .. _codes[i].Counts, .. _codes[i].Symbols]);
        }

        WriteSegment(0xDA, [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
    }

    private void WriteSegment(byte marker, ReadOnlySpan<byte> data)
    {
        var length = data.Length + 2;
        _output.Write([0xFF, marker, (byte)(length >> 8), (byte)length]);
        _output.Write(data);
    }

    private void WriteBlock(int component, int left, int top, int step)
    {
        for (var i = 0; i < 64; i++)
        {
            _block[i] = Sample(component, left + (i % 8 * step), top + (i / 8 * step), step) - 128;
        }

        Transform();
        var quantization = _quantization[component == 0 ? 0 : 1];
        var (dcCodes, acCodes) = component == 0 ? (_codes[0], _codes[1]) : (_codes[2], _codes[3]);
        var dc = Quantize(0, quantization);
        WriteValue(dcCodes, 0, dc - _dc[component]);
        _dc[component] = dc;

        var zeros = 0;
        for (var i = 1; i < 64; i++)
        {
            var value = Quantize(ZigZag[i], quantization);
            if (value == 0)
            {
                zeros++;
                continue;
            }

            for (; zeros >= 16; zeros -= 16)
            {
                WriteCode(acCodes, 0xF0);
            }

            WriteValue(acCodes, zeros, value);
            zeros = 0;
        }

        if (zeros > 0)
        {
            WriteCode(acCodes, 0);
        }
    }

    private int Quantize(int at, byte[] quantization) => (int)MathF.Round(_block[at] / quantization[at]);

    // Y, Cb or Cr of JFIF, the mean of step by step pixels; the picture's edge goes on beyond it.
    private float Sample(int component, int left, int top, int step)
    {
        var sum = 0f;
        for (var i = 0; i < step * step; i++)
        {
            var (x, y) = (Math.Min(left + (i % step), _picture.Width - 1), Math.Min(top + (i / step), _picture.Height - 1));
            var pixel = _picture.Rgba.AsSpan(((y * _picture.Width) + x) * 4, 3);
            sum += component switch
            {
                0 => (0.299f * pixel[0]) + (0.587f * pixel[1]) + (0.114f * pixel[2]),
                1 => (-0.168736f * pixel[0]) - (0.331264f * pixel[1]) + (0.5f * pixel[2]) + 128,
                _ => (0.5f * pixel[0]) - (0.418688f * pixel[1]) - (0.081312f * pixel[2]) + 128,
            };
        }

        return sum / (step * step);
    }

    // The discrete cosine transform of A.3.3, rows and then columns.
    private void Transform()
    {
        Span<float> rows = stackalloc float[64];
        for (var y = 0; y < 8; y++)
        {
            for (var u = 0; u < 8; u++)
            {
                var sum = 0f;
                for (var x = 0; x < 8; x++)
                {
                    sum += _cosines[(u * 8) + x] * _block[(y * 8) + x];
                }

                rows[(y * 8) + u] = sum;
            }
        }

        for (var v = 0; v < 8; v++)
        {
            for (var u = 0; u < 8; u++)
            {
                var sum = 0f;
                for (var y = 0; y < 8; y++)
                {
                    sum += _cosines[(v * 8) + y] * rows[(y * 8) + u];
                }

                _block[(v * 8) + u] = sum;
            }
        }
    }

    private void WriteValue(JpegHuffman codes, int zeros, int value)
    {
        var size = 32 - int.LeadingZeroCount(Math.Abs(value));
        WriteCode(codes, (zeros << 4) | size);
        WriteBits((uint)(value < 0 ? value - 1 : value) & ((1u << size) - 1), size);
    }

    private void WriteCode(JpegHuffman codes, int symbol)
    {
        var (code, length) = codes.Of(symbol);
        WriteBits(code, length);
    }

    private void WriteBits(uint bits, int count)
    {
        _bits = (_bits << count) | bits;
        for (_bitCount += count; _bitCount >= 8; _bitCount -= 8)
        {
            var value = (byte)(_bits >> (_bitCount - 8));
            _output.WriteByte(value);
            if (value == 0xFF)
            {
                _output.WriteByte(0);
            }
        }
    }

    // Quality as libjpeg counts it, so that the numbers mean what people know.
    private static byte[] Scale(ReadOnlySpan<byte> table, int quality)
    {
        var percent = quality < 50 ? 5000 / quality : 200 - (quality * 2);
        var scaled = new byte[64];
        for (var i = 0; i < 64; i++)
        {
            scaled[i] = (byte)Math.Clamp(((table[i] * percent) + 50) / 100, 1, 255);
        }

        return scaled;
    }
}
