namespace EdgeMatrix.Configuration;

/// <summary>Guesses what a mistyped word was meant to be.</summary>
internal static class EditDistance
{
    /// <summary>The candidate that takes the fewest single-character changes, or null where even that one takes too many to be a slip.</summary>
    public static string? Nearest(string word, IEnumerable<string> candidates)
    {
        var best = candidates.Select(candidate => (candidate, Changes: Between(word, candidate))).MinBy(pair => pair.Changes);
        return best.candidate is not null && best.Changes <= Math.Max(2, best.candidate.Length / 2) ? best.candidate : null;
    }

    /// <summary>The Levenshtein distance: insertions, deletions and replacements of a character.</summary>
    public static int Between(string from, string to)
    {
        var previous = new int[to.Length + 1];
        var current = new int[to.Length + 1];
        for (var column = 0; column <= to.Length; column++)
        {
            previous[column] = column;
        }

        for (var row = 1; row <= from.Length; row++)
        {
            current[0] = row;
            for (var column = 1; column <= to.Length; column++)
            {
                var replaced = previous[column - 1] + (from[row - 1] == to[column - 1] ? 0 : 1);
                current[column] = Math.Min(replaced, Math.Min(previous[column], current[column - 1]) + 1);
            }

            (previous, current) = (current, previous);
        }

        return previous[to.Length];
    }
}
