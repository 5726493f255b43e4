using System.Buffers;

namespace EdgeMatrix.Protocol.Patterns;

/// <summary>A regular expression as the namespaces of application services have them, which matches at the beginning of a text.</summary>
/// <remarks>
/// All ways in which it may match are followed at once, so that no pattern takes longer than its length times that of the text. It knows
/// characters, <c>.</c>, classes with ranges and <c>[:digit:]</c> and its like, <c>\d \w \s</c> and their opposites, groups, <c>|</c>,
/// <c>* + ? {m,n}</c>, <c>^ $</c> and <c>(?i)</c> at the beginning; neither looking around nor back.
/// Spec: https://spec.matrix.org/v1.19/application-service-api/#registration
/// </remarks>
public sealed class Pattern
{
    /// <summary>The most characters that the text of a pattern may have.</summary>
    public const int MaxLength = 1_000;

    private readonly PatternStep[] _steps;
    private readonly bool _ignoresCase;

    private Pattern(string text, PatternStep[] steps, string prefix, bool ignoresCase)
    {
        (Text, _steps, Prefix, _ignoresCase) = (text, steps, prefix, ignoresCase);
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>What every text that matches begins with; perhaps empty.</summary>
    public string Prefix { get; }

    /// <summary>Reads a pattern.</summary>
    /// <param name="problem">What is wrong with it; null if nothing is.</param>
    public static Pattern? TryParse(string text, out string? problem)
    {
        if (text.Length > MaxLength)
        {
            problem = $"a pattern has at most {MaxLength} characters";
            return null;
        }

        var parser = new PatternParser(text);
        try
        {
            var root = parser.Read();
            var steps = PatternCompiler.Compile(root);
            problem = null;
            return new Pattern(text, steps, parser.IgnoresCase ? "" : PatternCompiler.PrefixOf(root), parser.IgnoresCase);
        }
        catch (PatternException wrong)
        {
            problem = wrong.Message;
            return null;
        }
    }

    /// <summary>Whether the text begins with a match.</summary>
    public bool IsMatch(string text)
    {
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        var rented = ArrayPool<int>.Shared.Rent(_steps.Length * 3);
        try
        {
            return Run(text, rented);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(rented);
        }
    }

    public override string ToString() => Text;

    private bool Run(string text, Span<int> memory)
    {
        var now = memory[.._steps.Length];
        var next = memory.Slice(_steps.Length, _steps.Length);

        // At which place of the text, from 1 on, a step was last reached.
        var reached = memory.Slice(2 * _steps.Length, _steps.Length);
        reached.Clear();
        var count = 0;
        if (Follow(0, text, 0, now, ref count, reached))
        {
            return true;
        }

        for (var place = 0; place < text.Length && count > 0; place++)
        {
            var character = _ignoresCase ? char.ToLowerInvariant(text[place]) : text[place];
            var nextCount = 0;
            foreach (var step in now[..count])
            {
                if (_steps[step].Set!.Contains(character) && Follow(step + 1, text, place + 1, next, ref nextCount, reached))
                {
                    return true;
                }
            }

            var swapped = now;
            now = next;
            next = swapped;
            count = nextCount;
        }

        return false;
    }

    /// <summary>Adds the steps that take a character, of those that can be reached from a step without taking one.</summary>
    /// <returns>Whether the end of the pattern can be.</returns>
    private bool Follow(int step, string text, int place, Span<int> steps, ref int count, Span<int> reached)
    {
        if (reached[step] == place + 1)
        {
            return false;
        }

        reached[step] = place + 1;
        var at = _steps[step];
        switch (at.Kind)
        {
            case PatternStepKind.Take:
                steps[count++] = step;
                return false;
            case PatternStepKind.Split:
                return Follow(at.First, text, place, steps, ref count, reached) || Follow(at.Second, text, place, steps, ref count, reached);
            case PatternStepKind.Go:
                return Follow(at.First, text, place, steps, ref count, reached);
            case PatternStepKind.Begin:
                return place == 0 && Follow(step + 1, text, place, steps, ref count, reached);
            case PatternStepKind.End:
                return place == text.Length && Follow(step + 1, text, place, steps, ref count, reached);
            default:
                return true;
        }
    }
}
