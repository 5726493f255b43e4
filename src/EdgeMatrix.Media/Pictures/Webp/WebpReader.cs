namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>Reads WebP: lossy, lossless, see-through; of a moving one the first picture.</summary>
/// <remarks>RFC 9649; VP8 is RFC 6386.</remarks>
public static class WebpReader
{
    /// <exception cref="InvalidDataException">It is none.</exception>
    public static Picture Read(ReadOnlySpan<byte> file)
    {
        if (WebpContainer.Read(file) is not { } parts)
        {
            throw new InvalidDataException("No WebP picture");
        }

        var (width, height) = (parts.Info.Width, parts.Info.Height);
        var pixels = file[parts.Pixels];
        if (parts.Lossless)
        {
            return FromArgb(width, height, new Vp8lReader(pixels[5..]).Read(width, height), hasAlpha: (pixels[4] & 0x10) != 0);
        }

        var rgba = new Vp8Reader(pixels, width, height).Read().ToRgba();
        var alpha = file[parts.Alpha];
        if (alpha.Length > 1)
        {
            AlphaReader.Read(alpha, width, height, rgba);
        }

        return new Picture(width, height, rgba);
    }

    private static Picture FromArgb(int width, int height, uint[] argb, bool hasAlpha)
    {
        var rgba = new byte[argb.Length * 4];
        for (var i = 0; i < argb.Length; i++)
        {
            var pixel = argb[i];
            rgba[i * 4] = (byte)(pixel >> 16);
            rgba[(i * 4) + 1] = (byte)(pixel >> 8);
            rgba[(i * 4) + 2] = (byte)pixel;
            rgba[(i * 4) + 3] = hasAlpha ? (byte)(pixel >> 24) : byte.MaxValue;
        }

        return new Picture(width, height, rgba);
    }
}
