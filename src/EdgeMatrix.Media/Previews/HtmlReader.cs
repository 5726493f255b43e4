using System.Net;

namespace EdgeMatrix.Media.Previews;

internal enum HtmlPart
{
    Text,
    Start,
    End,
}

/// <summary>
/// Goes through HTML from its beginning to its end, whatever it is: tags and the text between them. It builds no tree, calls itself never,
/// and looks at each character a fixed number of times, so that no page can make it long or deep.
/// </summary>
/// <remarks>After the tokenizer of https://html.spec.whatwg.org/multipage/parsing.html#tokenization, as far as a preview needs it.</remarks>
internal ref struct HtmlReader(ReadOnlySpan<char> html)
{
    private const int MaxAttributes = 64;

    private readonly ReadOnlySpan<char> _html = html;
    private readonly List<(Range Name, Range Value)> _attributes = [];
    private ReadOnlySpan<char> _text;
    private string? _raw;
    private int _at;

    /// <summary>What was read last.</summary>
    public HtmlPart Part { get; private set; }

    /// <summary>The name of a tag, in small letters.</summary>
    public string Name { get; private set; } = "";

    /// <summary>The text between two tags, its character references resolved where there may be any.</summary>
    public readonly string Text => _raw is "script" or "style" or "iframe" or "xmp" ? "" : Decode(_text);

    /// <summary>Reads on. Of scripts, styles and the like the content is one text, and their end a tag.</summary>
    /// <returns>False at the end.</returns>
    public bool Read()
    {
        while (_at < _html.Length)
        {
            if (_raw is not null)
            {
                ReadRaw(_raw);
                return true;
            }

            var left = _html[_at..];
            if (left[0] != '<')
            {
                var length = left.IndexOf('<');
                Take(length < 0 ? left.Length : length);
                return true;
            }

            if (left.StartsWith("<!--"))
            {
                Skip(left, "-->", 4);
            }
            else if (left.Length > 1 && left[1] is '!' or '?')
            {
                Skip(left, ">", 2);
            }
            else if (left.Length > 1 && char.IsAsciiLetter(left[1]))
            {
                ReadTag(1, HtmlPart.Start);
                return true;
            }
            else if (left.Length > 2 && left[1] == '/' && char.IsAsciiLetter(left[2]))
            {
                ReadTag(2, HtmlPart.End);
                return true;
            }
            else
            {
                Take(1);
                return true;
            }
        }

        return false;
    }

    /// <summary>The value of an attribute of the tag that was read; null if it has none of that name.</summary>
    /// <param name="name">In small letters.</param>
    public readonly string? Attribute(string name)
    {
        foreach (var (key, value) in _attributes)
        {
            if (_html[key].Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return Decode(_html[value]);
            }
        }

        return null;
    }

    private static string Decode(ReadOnlySpan<char> text) => text.Contains('&') ? WebUtility.HtmlDecode(text.ToString()) : text.ToString();

    private void Take(int length)
    {
        Part = HtmlPart.Text;
        _text = _html.Slice(_at, length);
        _at += length;
    }

    private void Skip(ReadOnlySpan<char> left, string end, int from)
    {
        var found = left.Length > from ? left[from..].IndexOf(end) : -1;
        _at = found < 0 ? _html.Length : _at + from + found + end.Length;
    }

    // "If the end tag token is an appropriate end tag token": all before it is text, even what looks like tags.
    private void ReadRaw(string name)
    {
        var left = _html[_at..];
        var end = 0;
        while (true)
        {
            var found = left[end..].IndexOf("</");
            end = found < 0 ? left.Length : end + found;
            if (found < 0 || left[(end + 2)..].StartsWith(name, StringComparison.OrdinalIgnoreCase))
            {
                break;
            }

            end += 2;
        }

        if (end > 0)
        {
            Take(end);
            return;
        }

        _raw = null;
        ReadTag(2, HtmlPart.End);
    }

    private void ReadTag(int from, HtmlPart part)
    {
        var at = _at + from;
        var start = at;
        while (at < _html.Length && !IsSpace(_html[at]) && _html[at] is not ('>' or '/'))
        {
            at++;
        }

        Name = at - start <= 16 ? _html[start..at].ToString().ToLowerInvariant() : "";
        Part = part;
        _attributes.Clear();
        _at = ReadAttributes(at);
        _raw = part == HtmlPart.Start && Name is "script" or "style" or "title" or "textarea" or "iframe" or "xmp" ? Name : null;
    }

    /// <returns>Behind the end of the tag.</returns>
    private readonly int ReadAttributes(int at)
    {
        while (at < _html.Length)
        {
            if (_html[at] == '>')
            {
                return at + 1;
            }

            if (IsSpace(_html[at]) || _html[at] == '/')
            {
                at++;
                continue;
            }

            var name = at++;
            while (at < _html.Length && !IsSpace(_html[at]) && _html[at] is not ('=' or '>' or '/'))
            {
                at++;
            }

            var nameEnd = at;
            var equals = SkipSpaces(at);
            var value = at..at;
            if (equals < _html.Length && _html[equals] == '=')
            {
                (value, at) = ReadValue(SkipSpaces(equals + 1));
            }

            if (_attributes.Count < MaxAttributes)
            {
                _attributes.Add((name..nameEnd, value));
            }
        }

        return at;
    }

    private readonly (Range Value, int End) ReadValue(int at)
    {
        if (at < _html.Length && _html[at] is '"' or '\'')
        {
            var length = _html[(at + 1)..].IndexOf(_html[at]);
            var end = length < 0 ? _html.Length : at + 1 + length;
            return ((at + 1)..end, Math.Min(end + 1, _html.Length));
        }

        var start = at;
        while (at < _html.Length && !IsSpace(_html[at]) && _html[at] != '>')
        {
            at++;
        }

        return (start..at, at);
    }

    private readonly int SkipSpaces(int at)
    {
        while (at < _html.Length && IsSpace(_html[at]))
        {
            at++;
        }

        return at;
    }

    private static bool IsSpace(char character) => character is ' ' or '\t' or '\n' or '\r' or '\f';
}
