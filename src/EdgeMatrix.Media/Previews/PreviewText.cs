using System.Text;

namespace EdgeMatrix.Media.Previews;

/// <summary>Text of a page as it may stand in a preview.</summary>
internal static class PreviewText
{
    /// <summary>On one line, without what is no character of a text, with one space where there were several.</summary>
    public static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        var space = false;
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsWhiteSpace(rune) || Rune.IsControl(rune))
            {
                space = clean.Length > 0;
                continue;
            }

            if (space)
            {
                clean.Append(' ');
                space = false;
            }

            clean.Append(rune.ToString());
        }

        return clean.ToString();
    }

    /// <summary>As <see cref="Clean"/>, and no longer than so many characters; null for nothing.</summary>
    public static string? Clean(string? text, int most)
    {
        // What is cut off need not be cleaned: spaces may be half of a text, and rarely more.
        var clean = text is null ? "" : Clean(text.Length > 4 * most ? text[..(4 * most)] : text);
        if (clean.Length > most)
        {
            clean = clean[..(char.IsHighSurrogate(clean[most - 2]) ? most - 2 : most - 1)].TrimEnd() + "…";
        }

        return clean.Length == 0 ? null : clean;
    }
}
