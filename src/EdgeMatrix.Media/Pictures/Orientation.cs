using System.Buffers.Binary;

namespace EdgeMatrix.Media.Pictures;

/// <summary>How a photograph must be turned to be the right way up: the tag Orientation of Exif, 1 to 8.</summary>
/// <remarks>Exif 2.32 (CIPA DC-008), 4.6.4 A: 1 is upright; from 5 on, rows are columns.</remarks>
public static class Orientation
{
    public const int Upright = 1;

    private const int Tag = 0x0112;
    private const int EntryBytes = 12;

    /// <summary>Whether height and width change places.</summary>
    public static bool Transposes(int orientation) => orientation >= 5;

    public static Picture Turn(Picture picture, int orientation)
    {
        if (orientation == Upright)
        {
            return picture;
        }

        var (right, bottom) = (picture.Width - 1, picture.Height - 1);
        var (width, height) = Transposes(orientation) ? (picture.Height, picture.Width) : (picture.Width, picture.Height);
        var turned = new byte[picture.Rgba.Length];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var (fromX, fromY) = orientation switch
                {
                    2 => (right - x, y),
                    3 => (right - x, bottom - y),
                    4 => (x, bottom - y),
                    5 => (y, x),
                    6 => (y, bottom - x),
                    7 => (right - y, bottom - x),
                    _ => (right - y, x),
                };
                picture.Rgba.AsSpan(((fromY * picture.Width) + fromX) * 4, 4).CopyTo(turned.AsSpan(((y * width) + x) * 4));
            }
        }

        return new Picture(width, height, turned);
    }

    /// <summary>That of a JPEG file; upright where it does not say.</summary>
    public static int OfJpeg(ReadOnlySpan<byte> file)
    {
        var at = 2;
        while (at + 4 <= file.Length && file[at] == 0xFF)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (length < 2 || at + 2 + length > file.Length || file[at + 1] == 0xDA)
            {
                break;
            }

            var segment = file.Slice(at + 4, length - 2);
            if (file[at + 1] == 0xE1 && segment.StartsWith("Exif\0\0"u8))
            {
                return OfExif(segment[6..]);
            }

            at += 2 + length;
        }

        return Upright;
    }

    /// <param name="exif">From the TIFF header on.</param>
    public static int OfExif(ReadOnlySpan<byte> exif)
    {
        if (exif.Length < 8)
        {
            return Upright;
        }

        var little = exif[0] == 'I';
        var directory = little ? BinaryPrimitives.ReadUInt32LittleEndian(exif[4..]) : BinaryPrimitives.ReadUInt32BigEndian(exif[4..]);
        if (directory > exif.Length - 2)
        {
            return Upright;
        }

        var entries = exif[((int)directory + 2)..];
        for (var left = Short(exif[(int)directory..], little); left > 0 && entries.Length >= EntryBytes; left--, entries = entries[EntryBytes..])
        {
            if (Short(entries, little) == Tag)
            {
                return Short(entries[8..], little) is >= 1 and <= 8 and var orientation ? orientation : Upright;
            }
        }

        return Upright;
    }

    private static int Short(ReadOnlySpan<byte> bytes, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);
}
