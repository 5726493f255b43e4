using System.Text;

namespace EdgeMatrix.Protocol.Identifiers;

/// <summary>What user ids, room ids, aliases and event ids have in common: a sigil, at most 255 bytes, and legal Unicode.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#common-identifier-format</remarks>
internal static class IdentifierText
{
    /// <summary>The length that no identifier may exceed, in bytes of UTF-8, sigil and domain included.</summary>
    public const int MaxBytes = 255;

    /// <summary>Whether the text has the sigil, fits, and holds neither NUL nor a surrogate without its other half.</summary>
    public static bool IsLegal(string? text, char sigil)
    {
        // A UTF-16 unit is at least one byte of UTF-8, so most oversized texts are refused without counting.
        if (text is null || text.Length is < 2 or > MaxBytes || text[0] != sigil || Encoding.UTF8.GetByteCount(text) > MaxBytes)
        {
            return false;
        }

        for (var index = 1; index < text.Length; index++)
        {
            var character = text[index];
            if (character == '\0' || char.IsLowSurrogate(character))
            {
                return false;
            }

            if (char.IsHighSurrogate(character) && (++index == text.Length || !char.IsLowSurrogate(text[index])))
            {
                return false;
            }
        }

        return true;
    }
}
