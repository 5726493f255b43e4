namespace EdgeMatrix.Media.Pictures;

/// <summary>What kind of picture bytes are, of those that a thumbnail may be.</summary>
public static class PictureTypes
{
    public const string Jpeg = "image/jpeg";
    public const string Png = "image/png";
    public const string Gif = "image/gif";
    public const string Webp = "image/webp";

    private const int LongestStart = 12;

    /// <summary>The Content-Type of the picture in a file; null: none that is known.</summary>
    public static async Task<string?> OfFileAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = File.OpenRead(path);
        var start = new byte[LongestStart];
        return Of(start.AsSpan(0, await file.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken)));
    }

    /// <param name="start">The first bytes, a dozen at least.</param>
    public static string? Of(ReadOnlySpan<byte> start) =>
        start.StartsWith<byte>([0xFF, 0xD8, 0xFF]) ? Jpeg
        : start.StartsWith<byte>([0x89, (byte)'P', (byte)'N', (byte)'G']) ? Png
        : start.StartsWith("GIF8"u8) ? Gif
        : start.StartsWith("RIFF"u8) && start.Length >= LongestStart && start[8..LongestStart].SequenceEqual("WEBP"u8) ? Webp
        : null;
}
