using System.Buffers.Binary;

namespace EdgeMatrix.Media.Pictures;

/// <summary>How large a picture says that it is, read from its first bytes by code that cannot leave them: for files of strangers in the server's own process.</summary>
public static class PictureHeader
{
    /// <summary>The kind of picture, of <see cref="PictureTypes"/>, and its size as it is stored; null: none that is known.</summary>
    public static (string Type, int Width, int Height)? Read(ReadOnlySpan<byte> file)
    {
        var type = PictureTypes.Of(file);
        var size = type switch
        {
            PictureTypes.Png when file.Length >= 24 => (Big32(file[16..]), Big32(file[20..])),
            PictureTypes.Gif when file.Length >= 10 =>
                (BinaryPrimitives.ReadUInt16LittleEndian(file[6..]), BinaryPrimitives.ReadUInt16LittleEndian(file[8..])),
            PictureTypes.Jpeg => OfJpeg(file),
            PictureTypes.Webp when file.Length >= 30 => OfWebp(file),
            _ => default((int Width, int Height)),
        };
        return size is { Item1: > 0, Item2: > 0 } ? (type!, size.Item1, size.Item2) : null;
    }

    // The segments before the first scan; one of them, SOF0 to SOF15, says the size. ITU-T T.81, B.2.
    private static (int Width, int Height) OfJpeg(ReadOnlySpan<byte> file)
    {
        for (var at = 2; at + 9 <= file.Length && file[at] == 0xFF;)
        {
            var marker = file[at + 1];
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                return (BinaryPrimitives.ReadUInt16BigEndian(file[(at + 7)..]), BinaryPrimitives.ReadUInt16BigEndian(file[(at + 5)..]));
            }

            at += marker == 0xFF ? 1 : 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
        }

        return default;
    }

    // The first chunk says the size: https://developers.google.com/speed/webp/docs/riff_container, and RFC 6386, 9.1 for VP8.
    private static (int Width, int Height) OfWebp(ReadOnlySpan<byte> file) => file[12..16] switch
    {
        var chunk when chunk.SequenceEqual("VP8X"u8) => (1 + Little24(file[24..]), 1 + Little24(file[27..])),
        var chunk when chunk.SequenceEqual("VP8L"u8) && BinaryPrimitives.ReadUInt32LittleEndian(file[21..]) is var bits =>
            (1 + (int)(bits & 0x3FFF), 1 + (int)((bits >> 14) & 0x3FFF)),
        var chunk when chunk.SequenceEqual("VP8 "u8) =>
            (BinaryPrimitives.ReadUInt16LittleEndian(file[26..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(file[28..]) & 0x3FFF),
        _ => default,
    };

    private static int Little24(ReadOnlySpan<byte> bytes) => bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);

    private static int Big32(ReadOnlySpan<byte> bytes) => (int)Math.Min(int.MaxValue, BinaryPrimitives.ReadUInt32BigEndian(bytes));
}
