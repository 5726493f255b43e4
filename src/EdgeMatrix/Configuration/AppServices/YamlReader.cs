namespace EdgeMatrix.Configuration.AppServices;

/// <summary>Reads YAML as the registrations of application services have it, and says of the rest that it does not.</summary>
/// <remarks>
/// Blocks and flows of maps and lists, scalars on one line, plain or quoted, and comments. No anchors, tags, texts of several lines or further
/// documents: what a server does not read for certain it must not guess. Specification: https://yaml.org/spec/1.2.2/
/// </remarks>
internal sealed class YamlReader
{
    private const int MaxDepth = 20;

    private readonly List<YamlLine> _lines;
    private int _next;
    private int _depth;

    private YamlReader(List<YamlLine> lines) => _lines = lines;

    /// <summary>The one value of a file; null if it has none.</summary>
    /// <exception cref="YamlException">The text is not YAML, or none that is read here.</exception>
    public static YamlValue? Read(string text)
    {
        var reader = new YamlReader(YamlLine.Split(text));
        if (reader._lines.Count == 0)
        {
            return null;
        }

        var value = reader.ReadBlock(reader._lines[0].Indent);
        return reader._next == reader._lines.Count ? value : throw reader.Misplaced();
    }

    private YamlLine Line => _lines[_next];

    /// <summary>The value that stands on the next lines.</summary>
    private YamlValue ReadBlock(int indent)
    {
        if (++_depth > MaxDepth)
        {
            throw new YamlException(Line.Number, $"values are nested more than {MaxDepth} deep");
        }

        var value = Line.IsItem ? ReadList(indent) : Line.FindColon() >= 0 ? ReadMap(indent) : ReadInline();
        _depth--;
        return value;
    }

    private YamlValue.List ReadList(int indent)
    {
        var line = Line.Number;
        var items = new List<YamlValue>();
        while (_next < _lines.Count && Line.Indent == indent && Line.IsItem)
        {
            // What follows the dash stands where it stands, as if it began a line.
            var rest = Line.AfterDash();
            if (rest is { } item)
            {
                _lines[_next] = item;
                items.Add(ReadBlock(item.Indent));
            }
            else
            {
                items.Add(ReadNested(indent, listMayStand: false));
            }
        }

        Expect(indent);
        return new YamlValue.List(items, line);
    }

    private YamlValue.Map ReadMap(int indent)
    {
        var line = Line.Number;
        var members = new Dictionary<string, YamlValue>(StringComparer.Ordinal);
        while (_next < _lines.Count && Line.Indent == indent && !Line.IsItem)
        {
            var at = Line;
            var colon = at.FindColon();
            if (colon < 0)
            {
                throw new YamlException(at.Number, $"\"{at.Text}\" is no key with a colon and a space, or the end of the line, behind it");
            }

            var key = at.Key(colon);
            var value = at.Text[(colon + 1)..].TrimStart();
            YamlValue member;
            if (value.Length == 0)
            {
                member = ReadNested(indent, listMayStand: true);
            }
            else
            {
                _lines[_next] = at with { Text = value, Indent = at.Indent + at.Text.Length - value.Length };
                member = ReadInline();
            }

            if (!members.TryAdd(key, member))
            {
                throw new YamlException(at.Number, $"{key} is there twice");
            }
        }

        Expect(indent);
        return new YamlValue.Map(members, line);
    }

    /// <summary>The value below a key or a dash that has none beside it: on deeper lines, or null.</summary>
    private YamlValue ReadNested(int indent, bool listMayStand)
    {
        var line = Line.Number;
        _next++;
        return _next < _lines.Count && (Line.Indent > indent || (listMayStand && Line.Indent == indent && Line.IsItem))
            ? ReadBlock(Line.Indent)
            : new YamlValue.Scalar("", Quoted: false, line);
    }

    /// <summary>A value that begins on this line: a scalar, or a flow that may go on over others.</summary>
    private YamlValue ReadInline()
    {
        var flow = new YamlFlow(_lines, _next);
        var value = flow.Read();
        _next = flow.End + 1;
        return value;
    }

    // The lines of a block are all as deep as the first, and what is less deep belongs to one above.
    private void Expect(int indent)
    {
        if (_next < _lines.Count && Line.Indent > indent)
        {
            throw Misplaced();
        }
    }

    private YamlException Misplaced() => new(Line.Number, $"\"{Line.Text}\" is indented as nothing above it is, or goes on with a text of several lines, which is not read here");
}
