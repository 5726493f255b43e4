using System.Buffers;
using System.Text;

namespace EdgeMatrix.Media.Previews;

/// <summary>Reads the bytes of a page as text: by its byte order mark, what HTTP says, what the page says, or what the bytes look like.</summary>
/// <remarks>After https://html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding</remarks>
public static class PageCharset
{
    // "user agents … should … scan the first 1024 bytes"
    private const int Prescan = 1_024;

    private const int LeastToCut = 4_096;

    private static readonly SearchValues<char> _endsLabel = SearchValues.Create(" \t\r\n\"';/>,");

    /// <param name="contentType">As HTTP says it; null for nothing.</param>
    /// <returns>Null if it is in a charset that cannot be read here, such as Shift_JIS.</returns>
    public static string? Read(ReadOnlySpan<byte> page, string? contentType)
    {
        if (page.StartsWith<byte>([0xEF, 0xBB, 0xBF]))
        {
            return Encoding.UTF8.GetString(page[3..]);
        }

        if (page.StartsWith<byte>([0xFF, 0xFE]) || page.StartsWith<byte>([0xFE, 0xFF]))
        {
            return (page[0] == 0xFF ? Encoding.Unicode : Encoding.BigEndianUnicode).GetString(page[2..]);
        }

        var label = LabelIn(contentType ?? "") ?? LabelIn(Encoding.Latin1.GetString(page[..Math.Min(page.Length, Prescan)]));
        return label switch
        {
            null when IsUtf8(page) => Encoding.UTF8.GetString(page),
            null => SingleByteCharset.Windows1252.Read(page),
            "utf-8" or "utf8" or "unicode-1-1-utf-8" => Encoding.UTF8.GetString(page),
            "utf-16" or "utf-16le" => Encoding.Unicode.GetString(page),
            "utf-16be" => Encoding.BigEndianUnicode.GetString(page),
            _ => SingleByteCharset.Find(label)?.Read(page) ?? (IsUtf8(page) ? Encoding.UTF8.GetString(page) : null),
        };
    }

    // "charset=…" in a Content-Type, in meta charset or in meta http-equiv: they are written alike.
    private static string? LabelIn(string text)
    {
        var at = text.IndexOf("charset", StringComparison.OrdinalIgnoreCase);
        if (at < 0)
        {
            return null;
        }

        var value = text.AsSpan(at + "charset".Length).TrimStart();
        if (value is not ['=', ..])
        {
            return null;
        }

        value = value[1..].TrimStart(" \t\r\n\"'");
        var end = value.IndexOfAny(_endsLabel);
        return (end < 0 ? value : value[..end]) is { Length: > 0 and < 40 } label ? label.ToString().ToLowerInvariant() : null;
    }

    // A page that was cut off may end within a character.
    private static bool IsUtf8(ReadOnlySpan<byte> page)
    {
        var most = page.Length >= LeastToCut ? 3 : 0;
        for (var cut = 0; cut <= most; cut++)
        {
            if (System.Text.Unicode.Utf8.IsValid(page[..^cut]))
            {
                return true;
            }
        }

        return false;
    }
}
