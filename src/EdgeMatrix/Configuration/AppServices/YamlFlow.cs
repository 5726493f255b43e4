namespace EdgeMatrix.Configuration.AppServices;

/// <summary>Reads a value that begins on a line: a scalar to its end, or a flow in brackets, over as many lines as it takes.</summary>
internal sealed class YamlFlow
{
    private const int MaxDepth = 20;

    private readonly List<YamlLine> _lines;
    private readonly int _first;
    private int _line;
    private int _place;
    private int _depth;

    /// <param name="first">The line on which the value begins.</param>
    public YamlFlow(List<YamlLine> lines, int first) => (_lines, _first, _line) = (lines, first, first);

    /// <summary>The line, of those that were given, on which the value ends.</summary>
    public int End => _line;

    private string Text => _lines[_line].Text;

    private int Number => _lines[_line].Number;

    public YamlValue Read()
    {
        if (Text[0] is not ('[' or '{'))
        {
            return YamlScalar.Read(Text, Number);
        }

        var value = ReadValue();
        return _place == Text.Length ? value : throw new YamlException(Number, $"\"{Text[_place..]}\" stands behind the value");
    }

    private YamlValue ReadValue()
    {
        if (++_depth > MaxDepth)
        {
            throw new YamlException(Number, $"values are nested more than {MaxDepth} deep");
        }

        YamlValue value = Peek() switch
        {
            '[' => ReadList(),
            '{' => ReadMap(),
            _ => ReadScalar(),
        };
        _depth--;
        return value;
    }

    private YamlValue.List ReadList()
    {
        var line = Number;
        var items = new List<YamlValue>();
        _place++;
        while (Peek() != ']')
        {
            items.Add(ReadValue());
            ReadComma(']');
        }

        _place++;
        return new YamlValue.List(items, line);
    }

    private YamlValue.Map ReadMap()
    {
        var line = Number;
        var members = new Dictionary<string, YamlValue>(StringComparer.Ordinal);
        _place++;
        while (Peek() != '}')
        {
            var key = ReadScalar().Text;
            if (Peek() != ':')
            {
                throw new YamlException(Number, $"{key} has no colon behind it");
            }

            _place++;
            var value = Peek() is ',' or '}' ? new YamlValue.Scalar("", Quoted: false, Number) : ReadValue();
            if (!members.TryAdd(key, value))
            {
                throw new YamlException(Number, $"{key} is there twice");
            }

            ReadComma('}');
        }

        _place++;
        return new YamlValue.Map(members, line);
    }

    private YamlValue.Scalar ReadScalar()
    {
        Peek();
        var start = _place;
        if (Text[start] is '"' or '\'')
        {
            var end = YamlLine.ClosingQuote(Text, start);
            if (end < 0)
            {
                throw new YamlException(Number, $"the quote {Text[start..]} is not closed on its line");
            }

            _place = end + 1;
        }
        else
        {
            while (_place < Text.Length && Text[_place] is not (',' or '[' or ']' or '{' or '}')
                && (Text[_place] != ':' || (_place + 1 < Text.Length && Text[_place + 1] is not (' ' or ',' or '[' or ']' or '{' or '}'))))
            {
                _place++;
            }

            if (_place == start)
            {
                throw new YamlException(Number, $"{Text[start]} stands where a value is wanted");
            }
        }

        return YamlScalar.Read(Text[start.._place].TrimEnd(), Number);
    }

    private void ReadComma(char end)
    {
        if (Peek() == ',')
        {
            _place++;
        }
        else if (Peek() != end)
        {
            throw new YamlException(Number, $"a comma or {end} is wanted before \"{Text[_place..]}\"");
        }
    }

    /// <summary>The next character that is no space, on whichever line.</summary>
    private char Peek()
    {
        while (true)
        {
            while (_place < Text.Length && Text[_place] is ' ' or '\t')
            {
                _place++;
            }

            if (_place < Text.Length)
            {
                return Text[_place];
            }

            if (_line + 1 == _lines.Count)
            {
                throw new YamlException(_lines[_first].Number, $"the brackets of \"{_lines[_first].Text}\" are not closed");
            }

            (_line, _place) = (_line + 1, 0);
        }
    }
}
