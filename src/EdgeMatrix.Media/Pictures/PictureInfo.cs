using System.Buffers.Binary;
using EdgeMatrix.Media.Pictures.Webp;
using StbImageSharp;

namespace EdgeMatrix.Media.Pictures;

/// <summary>What a file says of its picture before a pixel is read.</summary>
/// <param name="Type">Of <see cref="PictureTypes"/>.</param>
/// <param name="Width">As it is stored, before it is turned.</param>
/// <param name="Height">Likewise.</param>
/// <param name="Orientation">Of <see cref="Pictures.Orientation"/>.</param>
/// <param name="Moves">Whether there is more than one picture.</param>
public sealed record PictureInfo(string Type, int Width, int Height, int Orientation, bool Moves)
{
    public static PictureInfo? Read(ReadOnlySpan<byte> file, Stream stream)
    {
        switch (PictureTypes.Of(file))
        {
            case PictureTypes.Webp:
                return WebpContainer.Read(file)?.Info;
            case { } type when ImageInfo.FromStream(stream) is { Width: > 0, Height: > 0 } info:
                var orientation = type == PictureTypes.Jpeg ? Pictures.Orientation.OfJpeg(file) : Pictures.Orientation.Upright;
                var moves = (type == PictureTypes.Gif && GifMoves(file)) || (type == PictureTypes.Png && PngMoves(file));
                return new PictureInfo(type, info.Width, info.Height, orientation, moves);
            default:
                return null;
        }
    }

    // APNG: its chunk acTL stands before the pixels.
    private static bool PngMoves(ReadOnlySpan<byte> file)
    {
        for (var at = 8; at + 12 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            var chunk = file.Slice(at + 4, 4);
            if (chunk.SequenceEqual("acTL"u8))
            {
                return true;
            }

            if (chunk.SequenceEqual("IDAT"u8) || length > (uint)(file.Length - at - 12))
            {
                return false;
            }

            at += 12 + (int)length;
        }

        return false;
    }

    // Blocks of GIF89a: a second image descriptor makes it move.
    private static bool GifMoves(ReadOnlySpan<byte> file)
    {
        if (file.Length < 13)
        {
            return false;
        }

        var images = 0;
        var at = 13 + ColorTable(file[10]);
        while (at < file.Length)
        {
            switch (file[at])
            {
                case (byte)'!':
                    at += 2;
                    break;
                case (byte)',' when at + 10 < file.Length:
                    if (++images == 2)
                    {
                        return true;
                    }

                    at += 11 + ColorTable(file[at + 9]);
                    break;
                default:
                    return false;
            }

            while (at < file.Length && file[at] != 0)
            {
                at += 1 + file[at];
            }

            at++;
        }

        return false;
    }

    private static int ColorTable(byte flags) => (flags & 0x80) != 0 ? 3 << ((flags & 7) + 1) : 0;
}
