using System.Text;

namespace EdgeMatrix.Protocol.Json;

/// <summary>A pattern in which <c>*</c> stands for any characters, none included, and <c>?</c> for one; case does not matter.</summary>
/// <remarks>
/// All ways in which wildcards may match are followed at once, a bit each: a text takes as long as it has characters, times one for every
/// 64 of the pattern.
/// Spec: https://spec.matrix.org/v1.19/appendices/#glob-style-matching
/// </remarks>
public sealed class Glob
{
    private const int BitsPerWord = 64;

    private readonly string _pattern;

    // Null for a pattern without wildcards. Bit n of a mask: the token n is that character, or any.
    private readonly Dictionary<Rune, ulong[]>? _masks;
    private readonly ulong[] _any = [];
    private readonly ulong[] _stars = [];
    private readonly int _length;

    public Glob(string pattern)
        : this(pattern, isLiteral: !pattern.AsSpan().ContainsAny('*', '?'))
    {
    }

    private Glob(string pattern, bool isLiteral)
    {
        _pattern = pattern;
        if (!isLiteral)
        {
            Rune[] tokens = [.. Tokens(pattern)];
            _length = tokens.Length;
            _masks = Masks(tokens, out _any);
            _stars = _masks.GetValueOrDefault(new Rune('*')) ?? new ulong[_any.Length];
        }
    }

    /// <summary>A pattern that is matched by its own text only.</summary>
    public static Glob Literal(string text) => new(text, isLiteral: true);

    /// <summary>Whether all of the text is of the pattern.</summary>
    public bool IsMatch(string text) =>
        _masks is null ? string.Equals(text, _pattern, StringComparison.OrdinalIgnoreCase) : Run(_masks, text, words: false);

    /// <summary>
    /// Whether some of the text is of the pattern that stands between word boundaries: the ends of the text, and all characters but
    /// <c>A-Z</c>, <c>a-z</c>, <c>0-9</c> and <c>_</c>.
    /// </summary>
    public bool IsMatchOfWords(string text) => _masks is null ? FindWords(text) : Run(_masks, text, words: true);

    private static bool IsOfWord(char character) => char.IsAsciiLetterOrDigit(character) || character == '_';

    // Several stars in a row are as one.
    private static IEnumerable<Rune> Tokens(string pattern)
    {
        var before = default(Rune);
        foreach (var rune in pattern.EnumerateRunes())
        {
            if (rune.Value != '*' || before.Value != '*')
            {
                yield return Rune.ToLowerInvariant(rune);
            }

            before = rune;
        }
    }

    private bool FindWords(string text)
    {
        for (var start = 0; start <= text.Length - _pattern.Length; start++)
        {
            var found = text.IndexOf(_pattern, start, StringComparison.OrdinalIgnoreCase);
            if (found < 0)
            {
                return false;
            }

            var end = found + _pattern.Length;
            if ((found == 0 || !IsOfWord(text[found - 1])) && (end == text.Length || !IsOfWord(text[end])))
            {
                return true;
            }

            start = found;
        }

        return false;
    }

    /// <summary>Bit n of the state: the first n tokens match what was read up to here.</summary>
    private bool Run(Dictionary<Rune, ulong[]> masks, string text, bool words)
    {
        var state = new ulong[_any.Length];
        Enter(state, _stars);
        var position = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (words && IsSet(state, _length) && !IsOfWord(text[position]))
            {
                return true;
            }

            if (words && position > 0 && !IsOfWord(text[position - 1]))
            {
                Enter(state, _stars);
            }

            Step(state, masks.GetValueOrDefault(Rune.ToLowerInvariant(rune)), _any, _stars);
            position += rune.Utf16SequenceLength;
        }

        return IsSet(state, _length);
    }

    private static Dictionary<Rune, ulong[]> Masks(Rune[] tokens, out ulong[] any)
    {
        var length = (tokens.Length / BitsPerWord) + 1;
        var masks = new Dictionary<Rune, ulong[]>();
        any = new ulong[length];
        for (var i = 0; i < tokens.Length; i++)
        {
            if (!masks.TryGetValue(tokens[i], out var mask))
            {
                masks[tokens[i]] = mask = new ulong[length];
            }

            mask[i / BitsPerWord] |= 1UL << (i % BitsPerWord);
            if (tokens[i].Value == '?')
            {
                any[i / BitsPerWord] |= 1UL << (i % BitsPerWord);
            }
        }

        return masks;
    }

    /// <summary>A match may begin here. A star may stand for nothing.</summary>
    private static void Enter(ulong[] state, ulong[] stars)
    {
        state[0] |= 1;
        state[0] |= (state[0] & stars[0] & 1) << 1;
    }

    private static void Step(ulong[] state, ulong[]? same, ulong[] any, ulong[] stars)
    {
        var carry = 0UL;
        for (var word = 0; word < state.Length; word++)
        {
            var stay = state[word] & stars[word];
            var taken = state[word] & ((same is null ? 0 : same[word] & ~stars[word]) | any[word]);
            state[word] = stay | (taken << 1) | carry;
            carry = taken >> (BitsPerWord - 1);
        }

        // Behind every star that is reached the rest may begin at once.
        carry = 0;
        for (var word = 0; word < state.Length; word++)
        {
            state[word] |= carry;
            var passed = state[word] & stars[word];
            state[word] |= passed << 1;
            carry = passed >> (BitsPerWord - 1);
        }
    }

    private static bool IsSet(ulong[] state, int bit) => (state[bit / BitsPerWord] & (1UL << (bit % BitsPerWord))) != 0;
}
