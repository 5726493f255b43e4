namespace EdgeMatrix.Media;

/// <summary>What strangers say of a file, as far as it can be given back as a header.</summary>
public static class MediaNames
{
    private const int MaxLength = 255;

    /// <returns>The Content-Type; null if it is none that could be given back.</returns>
    public static string? Type(string? type) =>
        type is { Length: > 0 and <= MaxLength } && !type.AsSpan().ContainsAnyExceptInRange(' ', '~') ? type : null;

    /// <returns>
    /// A file name without what is none of a name: control characters, halves of surrogate pairs, more than 255 characters; null if nothing is left.
    /// </returns>
    public static string? Clean(string? name)
    {
        if (name is null)
        {
            return null;
        }

        var clean = string.Concat(name.EnumerateRunes().Where(rune => rune.Value >= ' ' && rune.Value is not (>= 0x7f and < 0xa0)));
        return clean.Length == 0 ? null
            : clean.Length <= MaxLength ? clean
            : clean[..(char.IsHighSurrogate(clean[MaxLength - 1]) ? MaxLength - 1 : MaxLength)];
    }
}
