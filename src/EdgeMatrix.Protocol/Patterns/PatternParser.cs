using System.Globalization;

namespace EdgeMatrix.Protocol.Patterns;

/// <summary>Reads the text of a pattern.</summary>
internal sealed class PatternParser(string text)
{
    private const int MaxDepth = 50;
    private const int MaxRepeat = 255;

    private static readonly (char, char)[] _digits = [('0', '9')];
    private static readonly (char, char)[] _spaces = [('\t', '\r'), (' ', ' ')];
    private static readonly (char, char)[] _wordCharacters = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

    private int _place;
    private int _depth;

    public bool IgnoresCase { get; private set; }

    public PatternNode Read()
    {
        if (text.StartsWith("(?i)", StringComparison.Ordinal))
        {
            (IgnoresCase, _place) = (true, 4);
        }

        var root = ReadChoice();
        return _place == text.Length ? root : throw new PatternException($"the ) at {_place + 1} closes nothing");
    }

    private PatternNode ReadChoice()
    {
        if (++_depth > MaxDepth)
        {
            throw new PatternException($"groups are nested more than {MaxDepth} deep");
        }

        var ways = new List<PatternNode> { ReadSequence() };
        while (TryTake('|'))
        {
            ways.Add(ReadSequence());
        }

        _depth--;
        return ways.Count == 1 ? ways[0] : new PatternNode.Choice(ways);
    }

    private PatternNode.Sequence ReadSequence()
    {
        var parts = new List<PatternNode>();
        while (_place < text.Length && text[_place] is not ('|' or ')'))
        {
            parts.Add(ReadRepeated());
        }

        return new PatternNode.Sequence(parts);
    }

    private PatternNode ReadRepeated()
    {
        var start = _place;
        var part = ReadOne();
        if (ReadCount() is not var (min, max))
        {
            return part;
        }

        if (part is PatternNode.Edge)
        {
            throw new PatternException($"what is repeated at {start + 1} is no character");
        }

        // Whether it takes as much as it can or as little does not change whether it matches.
        TryTake('?');
        if (_place < text.Length && text[_place] is '*' or '+' or '?')
        {
            throw new PatternException($"{text[_place]} at {_place + 1} repeats a repetition");
        }

        return new PatternNode.Repeat(part, min, max);
    }

    private (int Min, int? Max)? ReadCount()
    {
        if (TryTake('*'))
        {
            return (0, null);
        }

        if (TryTake('+'))
        {
            return (1, null);
        }

        if (TryTake('?'))
        {
            return (0, 1);
        }

        // A brace that begins no count stands for itself.
        var end = _place < text.Length && text[_place] == '{' ? text.IndexOf('}', _place) : -1;
        var count = end < 0 ? "" : text[(_place + 1)..end];
        if (count.Length == 0 || !count.All(character => char.IsAsciiDigit(character) || character == ','))
        {
            return null;
        }

        var comma = count.IndexOf(',');
        var min = Number(comma < 0 ? count : count[..comma]);
        int? max = comma < 0 ? min : comma == count.Length - 1 ? null : Number(count[(comma + 1)..]);
        _place = end + 1;
        return max < min ? throw new PatternException($"{{{count}}} ends before it begins") : (min, max);

        int Number(string digits) =>
            digits.Length == 0 ? 0
            : int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= MaxRepeat ? number
            : throw new PatternException($"the count at {_place + 1} is none of 0 to {MaxRepeat}");
    }

    private PatternNode ReadOne()
    {
        var character = text[_place++];
        switch (character)
        {
            case '^':
                return new PatternNode.Edge(IsEnd: false);
            case '$':
                return new PatternNode.Edge(IsEnd: true);
            case '.':
                return new PatternNode.Take(CharacterSet.Any);
            case '(':
                return ReadGroup();
            case '[':
                return new PatternNode.Take(ReadClass());
            case '\\':
                return ReadEscaped();
            case '*' or '+' or '?':
                throw new PatternException($"{character} at {_place} repeats nothing");
            default:
                return Literal(character);
        }
    }

    private PatternNode ReadGroup()
    {
        var start = _place;
        if (TryTake('?') && !TryTake(':'))
        {
            throw new PatternException($"(?{(_place < text.Length ? text[_place] : ' ')} at {start} is not read here: of groups there are ( ) and (?: ), and (?i) at the very beginning");
        }

        var inner = ReadChoice();
        return TryTake(')') ? inner : throw new PatternException($"the ( at {start} is not closed");
    }

    private PatternNode ReadEscaped()
    {
        switch (Peek())
        {
            case 'A':
                _place++;
                return new PatternNode.Edge(IsEnd: false);
            case 'Z' or 'z':
                _place++;
                return new PatternNode.Edge(IsEnd: true);
        }

        var (ranges, negated) = ReadEscape();
        return ranges is [(var only, var last)] && only == last && !negated
            ? Literal(only)
            : new PatternNode.Take(Folded(ranges, negated));
    }

    /// <summary>What stands after a backslash.</summary>
    private ((char From, char To)[] Ranges, bool Negated) ReadEscape()
    {
        var character = Peek();
        _place++;
        return character switch
        {
            'd' => (_digits, false),
            'D' => (_digits, true),
            'w' => (_wordCharacters, false),
            'W' => (_wordCharacters, true),
            's' => (_spaces, false),
            'S' => (_spaces, true),
            't' => ([('\t', '\t')], false),
            'n' => ([('\n', '\n')], false),
            'r' => ([('\r', '\r')], false),
            _ when char.IsAsciiLetterOrDigit(character) => throw new PatternException(
                $"\\{character} at {_place - 1} is not read here: of letters there are \\d \\w \\s \\D \\W \\S \\t \\n \\r \\A \\Z"),
            _ => ([(character, character)], false),
        };
    }

    private char Peek() => _place < text.Length ? text[_place] : throw new PatternException("it ends with a backslash");

    private CharacterSet ReadClass()
    {
        var start = _place;
        var negated = TryTake('^');
        var ranges = new List<(char From, char To)>();
        for (var first = true; ; first = false)
        {
            if (_place == text.Length)
            {
                throw new PatternException($"the [ at {start} is not closed");
            }

            if (!first && TryTake(']'))
            {
                return Folded(ranges, negated);
            }

            if (text.AsSpan(_place).StartsWith("[:"))
            {
                ranges.AddRange(ReadNamedClass());
                continue;
            }

            var from = ReadOfClass(ranges);
            if (from is null || _place + 1 >= text.Length || text[_place] != '-' || text[_place + 1] == ']')
            {
                if (from is { } single)
                {
                    ranges.Add((single, single));
                }

                continue;
            }

            _place++;
            var to = ReadOfClass(ranges) ?? throw new PatternException($"the range at {_place} ends with more than a character");
            ranges.Add(from <= to ? (from.Value, to) : throw new PatternException($"the range {from}-{to} is the wrong way round"));
        }
    }

    /// <summary>A character of a class; null where an escape stands for several, which are added.</summary>
    private char? ReadOfClass(List<(char From, char To)> ranges)
    {
        var character = text[_place++];
        if (character != '\\')
        {
            return character;
        }

        var (escaped, negated) = ReadEscape();
        if (negated)
        {
            throw new PatternException($"\\{text[_place - 1]} within [ ] at {_place - 1} is not read here");
        }

        if (escaped is [var only] && only.From == only.To)
        {
            return only.From;
        }

        ranges.AddRange(escaped);
        return null;
    }

    private (char From, char To)[] ReadNamedClass()
    {
        var end = text.IndexOf(":]", _place, StringComparison.Ordinal);
        var name = end < 0 ? "" : text[(_place + 2)..end];
        (char, char)[] ranges = name switch
        {
            "alnum" => [('0', '9'), ('A', 'Z'), ('a', 'z')],
            "alpha" => [('A', 'Z'), ('a', 'z')],
            "digit" => _digits,
            "lower" => [('a', 'z')],
            "upper" => [('A', 'Z')],
            "space" => _spaces,
            "xdigit" => [('0', '9'), ('A', 'F'), ('a', 'f')],
            "punct" => [('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
            _ => throw new PatternException($"[: at {_place + 1} begins none of the classes alnum, alpha, digit, lower, upper, space, xdigit, punct"),
        };
        _place = end + 2;
        return ranges;
    }

    private PatternNode.Take Literal(char character) => new(Folded([(character, character)], negated: false));

    // Where case does not matter, small letters stand for both.
    private CharacterSet Folded(IReadOnlyList<(char From, char To)> ranges, bool negated)
    {
        if (!IgnoresCase)
        {
            return new CharacterSet(ranges, negated);
        }

        var folded = new List<(char, char)>(ranges);
        foreach (var (from, to) in ranges)
        {
            if (from == to)
            {
                folded.Add((char.ToLowerInvariant(from), char.ToLowerInvariant(from)));
            }
            else if (Math.Max(from, 'A') is var first && Math.Min(to, 'Z') is var last && first <= last)
            {
                folded.Add(((char)(first | 0x20), (char)(last | 0x20)));
            }
        }

        return new CharacterSet(folded, negated);
    }

    private bool TryTake(char character)
    {
        if (_place < text.Length && text[_place] == character)
        {
            _place++;
            return true;
        }

        return false;
    }
}
