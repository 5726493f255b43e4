using System.Text;

namespace EdgeMatrix.Protocol.Patterns;

internal enum PatternStepKind
{
    /// <summary>Takes a character of the set, and goes on with the next step.</summary>
    Take,

    /// <summary>Goes on with both of two steps.</summary>
    Split,

    Go,

    /// <summary>Goes on with the next step at the beginning of the text only.</summary>
    Begin,

    /// <summary>Likewise at its end.</summary>
    End,

    /// <summary>The pattern has matched.</summary>
    Done,
}

internal readonly record struct PatternStep(PatternStepKind Kind, CharacterSet? Set = null, int First = 0, int Second = 0);

/// <summary>Makes of the parts of a pattern the steps that are followed.</summary>
internal static class PatternCompiler
{
    // A repetition is written out: {1000} of {1000} shall not take what the server has. Following a split is a call, so this bounds the stack too.
    private const int MaxSteps = 2_000;

    public static PatternStep[] Compile(PatternNode root)
    {
        var steps = new List<PatternStep>();
        Write(root, steps);
        Add(steps, new PatternStep(PatternStepKind.Done));
        return [.. steps];
    }

    /// <summary>The characters that every match begins with.</summary>
    public static string PrefixOf(PatternNode root)
    {
        var prefix = new StringBuilder();
        foreach (var part in root is PatternNode.Sequence { Parts: var parts } ? parts : [root])
        {
            if (part is PatternNode.Take { Set.Single: { } character })
            {
                prefix.Append(character);
            }
            else if (part is not PatternNode.Edge { IsEnd: false } || prefix.Length > 0)
            {
                break;
            }
        }

        return prefix.ToString();
    }

    private static void Write(PatternNode node, List<PatternStep> steps)
    {
        switch (node)
        {
            case PatternNode.Take take:
                Add(steps, new PatternStep(PatternStepKind.Take, take.Set));
                break;
            case PatternNode.Edge edge:
                Add(steps, new PatternStep(edge.IsEnd ? PatternStepKind.End : PatternStepKind.Begin));
                break;
            case PatternNode.Sequence sequence:
                foreach (var part in sequence.Parts)
                {
                    Write(part, steps);
                }

                break;
            case PatternNode.Choice choice:
                WriteChoice(choice.Ways, steps);
                break;
            case PatternNode.Repeat repeat:
                WriteRepeat(repeat, steps);
                break;
        }
    }

    private static void WriteChoice(IReadOnlyList<PatternNode> ways, List<PatternStep> steps)
    {
        var ends = new List<int>();
        for (var i = 0; i < ways.Count - 1; i++)
        {
            var split = Add(steps, default);
            Write(ways[i], steps);
            ends.Add(Add(steps, default));
            steps[split] = new PatternStep(PatternStepKind.Split, null, split + 1, steps.Count);
        }

        Write(ways[^1], steps);
        foreach (var end in ends)
        {
            steps[end] = new PatternStep(PatternStepKind.Go, null, steps.Count);
        }
    }

    private static void WriteRepeat(PatternNode.Repeat repeat, List<PatternStep> steps)
    {
        for (var i = 0; i < repeat.Min; i++)
        {
            var before = steps.Count;
            Write(repeat.Part, steps);
            if (steps.Count == before)
            {
                // Nothing, however often, is nothing; and would take its time where it is nested.
                return;
            }
        }

        if (repeat.Max is not { } max)
        {
            var split = Add(steps, default);
            Write(repeat.Part, steps);
            Add(steps, new PatternStep(PatternStepKind.Go, null, split));
            steps[split] = new PatternStep(PatternStepKind.Split, null, split + 1, steps.Count);
            return;
        }

        var skips = new List<int>();
        for (var i = repeat.Min; i < max; i++)
        {
            skips.Add(Add(steps, default));
            Write(repeat.Part, steps);
        }

        foreach (var skip in skips)
        {
            steps[skip] = new PatternStep(PatternStepKind.Split, null, skip + 1, steps.Count);
        }
    }

    private static int Add(List<PatternStep> steps, PatternStep step)
    {
        if (steps.Count == MaxSteps)
        {
            throw new PatternException($"written out, its repetitions have more than {MaxSteps} steps");
        }

        steps.Add(step);
        return steps.Count - 1;
    }
}
