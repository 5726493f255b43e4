namespace EdgeMatrix.Configuration.AppServices;

/// <summary>A line that holds something, without its comment.</summary>
/// <param name="Indent">How many columns stand before the text.</param>
internal readonly record struct YamlLine(int Number, int Indent, string Text)
{
    public bool IsItem => Text == "-" || Text.StartsWith("- ", StringComparison.Ordinal);

    /// <exception cref="YamlException">There are tabs before a text, or several documents.</exception>
    public static List<YamlLine> Split(string text)
    {
        var lines = new List<YamlLine>();
        var number = 0;
        var ended = false;
        foreach (var raw in text.TrimStart('\uFEFF').Split('\n'))
        {
            number++;
            var line = WithoutComment(raw.TrimEnd('\r')).TrimEnd(' ', '\t');
            var start = line.AsSpan().IndexOfAnyExcept(' ');
            if (start < 0)
            {
                continue;
            }

            if (start == 0 && line == "---" && lines.Count == 0 && !ended)
            {
                continue;
            }

            if (start == 0 && line == "...")
            {
                ended = true;
                continue;
            }

            if (ended || (start == 0 && (line == "---" || line.StartsWith("--- ", StringComparison.Ordinal))))
            {
                throw new YamlException(number, "a second document begins: a registration is one");
            }

            if (line[start] == '\t')
            {
                throw new YamlException(number, "a tab stands where only spaces may indent");
            }

            if (start == 0 && line[0] == '%')
            {
                throw new YamlException(number, "directives, which begin with %, are not read here");
            }

            lines.Add(new YamlLine(number, start, line[start..]));
        }

        return lines;
    }

    /// <summary>Where the colon is that ends a key; -1 if the line has none.</summary>
    public int FindColon()
    {
        var place = 0;
        if (Text[0] is '"' or '\'')
        {
            place = ClosingQuote(Text, 0) + 1;
            if (place == 0)
            {
                return -1;
            }

            while (place < Text.Length && Text[place] == ' ')
            {
                place++;
            }

            return place < Text.Length && IsColon(Text, place) ? place : -1;
        }

        if (Text[0] is '[' or '{')
        {
            return -1;
        }

        for (; place < Text.Length; place++)
        {
            if (IsColon(Text, place))
            {
                return place;
            }
        }

        return -1;
    }

    /// <summary>The key before the colon at a place.</summary>
    public string Key(int colon) => YamlScalar.Read(Text[..colon].TrimEnd(), Number).Text;

    /// <summary>What follows the dash; null if nothing does.</summary>
    public YamlLine? AfterDash()
    {
        var rest = Text[1..].TrimStart();
        return rest.Length == 0 ? null : this with { Indent = Indent + Text.Length - rest.Length, Text = rest };
    }

    /// <summary>Where a quote ends that begins at a place; -1 if it does not.</summary>
    public static int ClosingQuote(string text, int start)
    {
        for (var i = start + 1; i < text.Length; i++)
        {
            if (text[start] == '"' && text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == text[start])
            {
                if (text[start] == '\'' && i + 1 < text.Length && text[i + 1] == '\'')
                {
                    i++;
                }
                else
                {
                    return i;
                }
            }
        }

        return -1;
    }

    private static bool IsColon(string text, int place) => text[place] == ':' && (place + 1 == text.Length || text[place + 1] is ' ' or '\t');

    // A # begins a comment at the beginning and after white space, but not within quotes; and a quote begins where a value may.
    private static string WithoutComment(string line)
    {
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '#' && (i == 0 || line[i - 1] is ' ' or '\t'))
            {
                return line[..i];
            }

            if (line[i] is '"' or '\'' && (i == 0 || line[i - 1] is ' ' or '\t' or '[' or '{' or ','))
            {
                var end = ClosingQuote(line, i);
                if (end < 0)
                {
                    return line;
                }

                i = end;
            }
        }

        return line;
    }
}
