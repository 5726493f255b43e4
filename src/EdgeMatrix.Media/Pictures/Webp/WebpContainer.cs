using System.Buffers.Binary;

namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>The parts of a WebP file that its (first) picture is in.</summary>
/// <param name="Lossless">Whether <paramref name="Pixels"/> are VP8L; else VP8.</param>
/// <param name="Pixels">Where the pixels are in the file.</param>
/// <param name="Alpha">Where the chunk ALPH is; empty: the picture is opaque, or VP8L holds its alpha.</param>
/// <remarks>https://developers.google.com/speed/webp/docs/riff_container (RFC 9649)</remarks>
internal sealed record WebpContainer(PictureInfo Info, bool Lossless, Range Pixels, Range Alpha)
{
    private const int HeaderBytes = 12;
    private const int FrameHeaderBytes = 16;
    private const byte AnimationFlag = 2;

    /// <summary>Null: no WebP picture.</summary>
    public static WebpContainer? Read(ReadOnlySpan<byte> file)
    {
        var (moves, orientation) = (false, Orientation.Upright);
        WebpContainer? found = null;
        var alpha = 0..0;
        foreach (var (name, chunk) in Chunks(file, HeaderBytes, file.Length))
        {
            var data = file[chunk];
            switch (name)
            {
                case "VP8X" when data.Length >= 10:
                    moves = (data[0] & AnimationFlag) != 0;
                    break;
                case "ANMF" when found is null && data.Length >= FrameHeaderBytes:
                    var frameAlpha = 0..0;
                    foreach (var (part, inner) in Chunks(file, chunk.Start.Value + FrameHeaderBytes, chunk.End.Value))
                    {
                        frameAlpha = part == "ALPH" ? inner : frameAlpha;
                        found ??= ReadPixels(file, part, inner, frameAlpha);
                    }

                    break;
                case "ALPH":
                    alpha = chunk;
                    break;
                case "EXIF":
                    orientation = Orientation.OfExif(data.StartsWith("Exif\0\0"u8) ? data[6..] : data);
                    break;
                default:
                    found ??= ReadPixels(file, name, chunk, alpha);
                    break;
            }
        }

        return found is null ? null : found with { Info = found.Info with { Moves = moves, Orientation = orientation } };
    }

    private static WebpContainer? ReadPixels(ReadOnlySpan<byte> file, string name, Range chunk, Range alpha)
    {
        var data = file[chunk];
        switch (name)
        {
            // Three bytes of frame tag, the start code, then 14 bits each.
            case "VP8 " when data.Length >= 10 && data[3..6].SequenceEqual<byte>([0x9D, 0x01, 0x2A]):
                var width = BinaryPrimitives.ReadUInt16LittleEndian(data[6..]) & 0x3FFF;
                var height = BinaryPrimitives.ReadUInt16LittleEndian(data[8..]) & 0x3FFF;
                return Of(width, height, lossless: false);

            // The signature, then 14 bits each, less one.
            case "VP8L" when data.Length >= 5 && data[0] == 0x2F:
                var bits = BinaryPrimitives.ReadUInt32LittleEndian(data[1..]);
                return Of((int)(bits & 0x3FFF) + 1, (int)((bits >> 14) & 0x3FFF) + 1, lossless: true);
            default:
                return null;
        }

        WebpContainer? Of(int width, int height, bool lossless) => width == 0 || height == 0
            ? null
            : new WebpContainer(new PictureInfo(PictureTypes.Webp, width, height, Orientation.Upright, Moves: false), lossless, chunk, alpha);
    }

    private static List<(string Name, Range Data)> Chunks(ReadOnlySpan<byte> file, int at, int end)
    {
        const int MaxChunks = 64;
        var chunks = new List<(string, Range)>();
        while (at + 8 <= end && chunks.Count < MaxChunks)
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(file[(at + 4)..]);
            var name = System.Text.Encoding.Latin1.GetString(file.Slice(at, 4));
            at += 8;
            if (length > end - at)
            {
                // A file that was cut off: what is there of the last chunk may do.
                length = (uint)(end - at);
            }

            chunks.Add((name, at..(at + (int)length)));
            at += (int)(length + (length & 1));
        }

        return chunks;
    }
}
