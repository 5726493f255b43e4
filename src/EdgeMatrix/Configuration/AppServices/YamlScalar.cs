using System.Globalization;
using System.Text;

namespace EdgeMatrix.Configuration.AppServices;

/// <summary>Reads one scalar: all of a text.</summary>
internal static class YamlScalar
{
    public static YamlValue.Scalar Read(string text, int line)
    {
        if (text.Length == 0)
        {
            return new YamlValue.Scalar("", Quoted: false, line);
        }

        switch (text[0])
        {
            case '\'':
                CheckClosed(text, line);
                return new YamlValue.Scalar(text[1..^1].Replace("''", "'", StringComparison.Ordinal), Quoted: true, line);
            case '"':
                CheckClosed(text, line);
                return new YamlValue.Scalar(Unescape(text[1..^1], line), Quoted: true, line);
            case '&' or '*' or '!':
                throw new YamlException(line, $"{text} is an anchor, an alias or a tag, which are not read here; if it is text, put it in quotes");
            case '|' or '>':
                throw new YamlException(line, $"{text[0]} begins a text of several lines, which is not read here; write it in quotes on one line");
            case '@' or '`' or '%' or ',' or ']' or '}':
                throw new YamlException(line, $"a text must not begin with {text[0]} unless it is in quotes");
            case '?' or '-' or ':' when text.Length == 1 || text[1] == ' ':
                throw new YamlException(line, $"{text[0]} stands where a value is wanted");
        }

        return text.Contains(": ", StringComparison.Ordinal) || text[^1] == ':'
            ? throw new YamlException(line, $"\"{text}\" has a second colon: put the value in quotes")
            : new YamlValue.Scalar(text, Quoted: false, line);
    }

    private static void CheckClosed(string text, int line)
    {
        var end = YamlLine.ClosingQuote(text, 0);
        if (end != text.Length - 1)
        {
            throw new YamlException(line, end < 0
                ? $"the quote {text} is not closed on its line"
                : $"\"{text[(end + 1)..].Trim()}\" stands behind the quote");
        }
    }

    private static string Unescape(string text, int line)
    {
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                result.Append(text[i]);
                continue;
            }

            i++;
            var digits = text[i] switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
            if (digits > 0)
            {
                if (i + digits >= text.Length
                    || !int.TryParse(text.AsSpan(i + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
                    || (digits == 8 && !Rune.IsValid(code)))
                {
                    throw new YamlException(line, $"\\{text[i]} has not the {digits} hexadecimal digits of a character behind it");
                }

                result.Append(digits == 8 ? new Rune(code).ToString() : ((char)code).ToString());
                i += digits;
                continue;
            }

            result.Append(text[i] switch
            {
                '\\' or '"' or '/' or ' ' => text[i],
                '0' => '\0',
                'a' => '\a',
                'b' => '\b',
                't' => '\t',
                'n' => '\n',
                'v' => '\v',
                'f' => '\f',
                'r' => '\r',
                'e' => '\u001b',
                _ => throw new YamlException(line, $"\\{text[i]} is no escape of YAML; in a pattern in double quotes a backslash is written twice"),
            });
        }

        return result.ToString();
    }
}
