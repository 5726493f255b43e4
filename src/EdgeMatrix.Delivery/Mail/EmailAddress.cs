using System.Buffers;
using System.Globalization;
using System.Text;

namespace EdgeMatrix.Delivery.Mail;

/// <summary>E-mail addresses as they are used here: without quotes and comments, which hardly any mailbox has; before the @ in any alphabet.</summary>
/// <remarks>RFC 5321, and RFC 6531 for what is not ASCII</remarks>
public static class EmailAddress
{
    // RFC 5321, 4.5.3.1: 64 octets before the @, and 256 of a path with its brackets.
    private const int MaxLocal = 64;
    private const int MaxLength = 254;

    private static readonly SearchValues<char> _local =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.!#$%&'*+-/=?^_`{|}~");

    private static readonly SearchValues<char> _domain = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.-");

    /// <summary>The one way in which an address is stored and compared: in small letters, its domain in ASCII.</summary>
    /// <remarks>Two mailboxes that differ in the case of a letter are possible, but none are known; people type their own either way.</remarks>
    /// <returns>Null if it is no address, or one that this server does not write to.</returns>
    public static string? Canonical(string text)
    {
        var at = text.LastIndexOf('@');
        if (at < 1 || text.Length > MaxLength)
        {
            return null;
        }

        var local = text[..at].ToLowerInvariant();
        var localBytes = Encoding.UTF8.GetByteCount(local);
        if (localBytes > MaxLocal || !IsLocal(local) || !HasGoodDots(local) || AsciiDomain(text[(at + 1)..]) is not { } domain)
        {
            return null;
        }

        return localBytes + 1 + domain.Length <= MaxLength ? $"{local}@{domain}" : null;
    }

    /// <summary>Whether an address of <see cref="Canonical"/> takes a mail server that speaks SMTPUTF8.</summary>
    public static bool NeedsUtf8(string address) => !Ascii.IsValid(address);

    // What is not seen, or turns the writing around, is in no mailbox that anybody means.
    private static bool IsLocal(string local)
    {
        foreach (var rune in local.EnumerateRunes())
        {
            if (rune.IsAscii ? !_local.Contains((char)rune.Value) : rune == Rune.ReplacementChar || !IsWritten(Rune.GetUnicodeCategory(rune)))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsWritten(UnicodeCategory category) => category is
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter
        or UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
        or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    private static string? AsciiDomain(string text)
    {
        string domain;
        try
        {
            domain = new IdnMapping { UseStd3AsciiRules = true }.GetAscii(text).ToLowerInvariant();
        }
        catch (ArgumentException)
        {
            return null;
        }

        return !domain.AsSpan().ContainsAnyExcept(_domain) && HasGoodDots(domain) && domain.Split('.').All(label => label[0] != '-' && label[^1] != '-')
            ? domain
            : null;
    }

    private static bool HasGoodDots(string text) => text is [not '.', .., not '.'] or [not '.'] && !text.Contains("..", StringComparison.Ordinal);
}
