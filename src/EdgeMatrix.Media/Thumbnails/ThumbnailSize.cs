using System.Globalization;

namespace EdgeMatrix.Media.Thumbnails;

/// <summary>What a thumbnail is to be like, as far as it is made: what was asked for, rounded up to one of few sizes.</summary>
/// <param name="Width">Pixels, at least.</param>
/// <param name="Height">Pixels, at least.</param>
/// <param name="Crop">Cut to exactly this form; else the whole picture.</param>
/// <param name="Animated">Whether it may move.</param>
public readonly record struct ThumbnailSize(int Width, int Height, bool Crop, bool Animated)
{
    /// <summary>Beyond this the original is as good.</summary>
    public const int Largest = 1600;

    // How many forms there are of a cropped thumbnail: its shorter side is so many parts of the longer one.
    private const int Forms = 16;

    // "Servers SHOULD produce thumbnails with the following dimensions and methods"; more of "scale" for small and large screens.
    private static readonly (int Width, int Height)[] Scales = [(32, 32), (96, 96), (320, 240), (640, 480), (800, 600), (Largest, 1200)];

    // Each divides by the number of forms.
    private static readonly int[] CropSides = [32, 96, 160, 320, 640, 800, Largest];

    /// <summary>As it is named in a file name and on a command line.</summary>
    public string Name => string.Create(
        CultureInfo.InvariantCulture, $"{Width}x{Height}-{(Crop ? "crop" : "scale")}{(Animated ? "-animated" : "")}");

    /// <summary>The size to make for a request; every picture that is smaller is its own thumbnail.</summary>
    public static ThumbnailSize For(int width, int height, bool crop, bool animated)
    {
        if (crop)
        {
            return Math.Max(width, height) <= Largest ? ForCrop(width, height, animated) : Original(animated);
        }

        foreach (var (w, h) in Scales)
        {
            if (width <= w && height <= h)
            {
                return new ThumbnailSize(w, h, crop, animated);
            }
        }

        return Original(animated);
    }

    public static bool TryParse(string name, out ThumbnailSize size)
    {
        size = default;
        var parts = name.Split('-');
        if (parts is not ([_, "crop" or "scale"] or [_, "crop" or "scale", "animated"])
            || parts[0].Split('x') is not [var width, var height]
            || !int.TryParse(width, NumberStyles.None, CultureInfo.InvariantCulture, out var w)
            || !int.TryParse(height, NumberStyles.None, CultureInfo.InvariantCulture, out var h)
            || w == 0 || h == 0)
        {
            return false;
        }

        size = new ThumbnailSize(w, h, parts[1] == "crop", parts.Length == 3);
        return true;
    }

    /// <summary>How the picture is shrunk; null: it is not, for "servers MUST NOT upscale thumbnails under any circumstance".</summary>
    /// <param name="width">Of the picture, the right way up.</param>
    public ThumbnailGeometry? Fit(int width, int height)
    {
        // "Servers MUST NOT return a smaller thumbnail than requested": it covers what was asked for.
        var scale = Math.Max(Width / (double)width, Height / (double)height);
        if (scale >= 1)
        {
            return null;
        }

        var (fullWidth, fullHeight) = (Round(width * scale, Width), Round(height * scale, Height));
        return Crop
            ? new ThumbnailGeometry(fullWidth, fullHeight, (fullWidth - Width) / 2, (fullHeight - Height) / 2, Width, Height)
            : new ThumbnailGeometry(fullWidth, fullHeight, 0, 0, fullWidth, fullHeight);
    }

    private static ThumbnailSize ForCrop(int width, int height, bool animated)
    {
        var longer = CropSides.First(side => side >= Math.Max(width, height));
        var parts = (int)Math.Ceiling(Forms * (double)Math.Min(width, height) / Math.Max(width, height));
        var shorter = longer / Forms * parts;
        return width >= height ? new ThumbnailSize(longer, shorter, Crop: true, animated) : new ThumbnailSize(shorter, longer, Crop: true, animated);
    }

    private static ThumbnailSize Original(bool animated) => new(int.MaxValue, int.MaxValue, Crop: false, animated);

    private static int Round(double length, int least) => Math.Max((int)Math.Round(length), least);
}

/// <summary>The whole picture shrunk to <paramref name="FullWidth"/> by <paramref name="FullHeight"/>, and the part of it that is shown.</summary>
public readonly record struct ThumbnailGeometry(int FullWidth, int FullHeight, int Left, int Top, int Width, int Height)
{
    /// <summary>The same of the picture whose rows are columns.</summary>
    public ThumbnailGeometry Transpose() => new(FullHeight, FullWidth, Top, Left, Height, Width);
}
