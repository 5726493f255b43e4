namespace EdgeMatrix.Protocol.Patterns;

/// <summary>A part of a pattern as it was read.</summary>
internal abstract record PatternNode
{
    /// <summary>One character.</summary>
    public sealed record Take(CharacterSet Set) : PatternNode;

    /// <summary>One after the other.</summary>
    public sealed record Sequence(IReadOnlyList<PatternNode> Parts) : PatternNode;

    /// <summary>One of them.</summary>
    public sealed record Choice(IReadOnlyList<PatternNode> Ways) : PatternNode;

    /// <param name="Max">Null: as often as you like.</param>
    public sealed record Repeat(PatternNode Part, int Min, int? Max) : PatternNode;

    /// <summary>The beginning of the text, or its end.</summary>
    public sealed record Edge(bool IsEnd) : PatternNode;
}

/// <summary>Characters, by ranges that include both ends.</summary>
internal sealed record CharacterSet(IReadOnlyList<(char From, char To)> Ranges, bool Negated)
{
    /// <summary>Any but the end of a line.</summary>
    public static readonly CharacterSet Any = new([('\n', '\n')], Negated: true);

    public static CharacterSet Of(char character) => new([(character, character)], Negated: false);

    /// <summary>The one character that it is; null for none or several.</summary>
    public char? Single => !Negated && Ranges is [var only] && only.From == only.To ? only.From : null;

    public bool Contains(char character)
    {
        foreach (var (from, to) in Ranges)
        {
            if (character >= from && character <= to)
            {
                return !Negated;
            }
        }

        return Negated;
    }
}

/// <summary>What is wrong with a pattern, for whoever wrote it.</summary>
internal sealed class PatternException(string message) : Exception(message);
