using System.Collections.Immutable;
using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Console.Inspection;

/// <summary>What came of a resolution: for each key which event won, and why the others did not.</summary>
internal sealed class ResolutionOutcomeText(
    ResolutionTrace trace,
    StateConflict conflict,
    ImmutableDictionary<(string Type, string StateKey), long> resolved,
    RoomGraph room,
    ExplanationText text)
{
    public void Write()
    {
        text.Line("  resolved:");
        foreach (var key in conflict.Keys.OrderBy(static key => (key.Type, key.StateKey)))
        {
            WriteKey(key.Type, key.StateKey, key.Candidates);
        }

        foreach (var entry in trace.Resolved)
        {
            if (!conflict.Keys.Any(key => key.Type == entry.Type && key.StateKey == entry.StateKey))
            {
                text.Line($"    {ExplanationText.Key(entry.Type, entry.StateKey)}, which no state had");
                text.Event(entry.Number, "  replayed");
            }
        }
    }

    private void WriteKey(string type, string stateKey, IReadOnlyList<long> candidates)
    {
        text.Line($"    {ExplanationText.Key(type, stateKey)}");
        var winner = resolved.GetValueOrDefault((type, stateKey));
        text.EventOrNone(winner, candidates.Contains(winner) || winner == 0 ? "  won" : "  won, though no state had it:");
        foreach (var loser in candidates.Where(candidate => candidate != 0 && candidate != winner).Distinct())
        {
            text.Event(loser, "  lost");
            text.Line($"          {Reason(loser, winner)}");
        }
    }

    private string Reason(long loser, long winner)
    {
        for (var index = trace.Checks.Count - 1; index >= 0; index--)
        {
            if (trace.Checks[index].Number == loser)
            {
                return trace.Checks[index].Verdict is { Allowed: false, Refusal: var rule }
                    ? $"refused: {rule}"
                    : winner == 0 ? "allowed, but replaced" : $"allowed, then {room[winner].EventId} was allowed after it and took its place";
            }
        }

        return trace.Ignored.Contains(loser) ? "ignored: no state can have it" : "not asked: the winner came before it in the order";
    }
}
