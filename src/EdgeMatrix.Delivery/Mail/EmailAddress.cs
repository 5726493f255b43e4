using System.Buffers;
using System.Globalization;

namespace EdgeMatrix.Delivery.Mail;

/// <summary>E-mail addresses as they are used here: without quotes, comments and other alphabets before the @, which hardly any mailbox has.</summary>
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
        if (local.Length > MaxLocal || local.AsSpan().ContainsAnyExcept(_local) || !HasGoodDots(local) || AsciiDomain(text[(at + 1)..]) is not { } domain)
        {
            return null;
        }

        return local.Length + 1 + domain.Length <= MaxLength ? $"{local}@{domain}" : null;
    }

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
