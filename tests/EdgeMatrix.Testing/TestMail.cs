using System.Text;
using System.Text.RegularExpressions;

namespace EdgeMatrix.Testing;

/// <summary>A mail as a <see cref="TestMailServer"/> took it.</summary>
/// <param name="From">Of the envelope, as is <paramref name="To"/>.</param>
/// <param name="Data">Header and body, without the dots of the transfer.</param>
public sealed partial record TestMail(string From, string To, string Data)
{
    /// <summary>The plain text.</summary>
    public string Text => Decode(Part("text/plain"));

    /// <summary>The HTML; fails where there is none.</summary>
    public string Html => Decode(Part("text/html"));

    /// <summary>The first link in the text.</summary>
    public string Link => Regex.Match(Text, "https?://\\S+").Value;

    /// <summary>The value of a header field, unfolded and with its encoded words read; null: there is none.</summary>
    public string? Header(string name)
    {
        var head = Data[..Data.IndexOf("\r\n\r\n", StringComparison.Ordinal)].Replace("\r\n ", " ", StringComparison.Ordinal);
        var line = head.Split("\r\n").SingleOrDefault(field => field.StartsWith(name + ": ", StringComparison.Ordinal));
        return line is null ? null : EncodedWord().Replace(
            line[(name.Length + 2)..].Replace("?= =?", "?==?", StringComparison.Ordinal),
            word => Encoding.UTF8.GetString(Convert.FromBase64String(word.Groups[1].Value)));
    }

    [GeneratedRegex(@"=\?utf-8\?B\?([A-Za-z0-9+/=]*)\?=")]
    private static partial Regex EncodedWord();

    private string Part(string type)
    {
        var at = Data.IndexOf($"Content-Type: {type}", StringComparison.Ordinal);
        var body = Data[(Data.IndexOf("\r\n\r\n", at, StringComparison.Ordinal) + 4)..];
        var end = body.IndexOf("\r\n--=_", StringComparison.Ordinal);
        return end < 0 ? body : body[..end];
    }

    private static string Decode(string quotedPrintable)
    {
        var bytes = new List<byte>();
        var text = quotedPrintable.Replace("=\r\n", "", StringComparison.Ordinal).Replace("\r\n", "\n", StringComparison.Ordinal);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '=')
            {
                bytes.Add(Convert.ToByte(text.Substring(i + 1, 2), 16));
                i += 2;
            }
            else
            {
                bytes.Add((byte)text[i]);
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
