using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Console.Inspection;

/// <summary>The steps of state resolution since room version 2, under the specification's names.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#algorithm</remarks>
internal sealed class ResolutionV2Text(ResolutionTrace trace, ExplanationText text, RoomVersion version)
{
    private bool IsV21 => version.StateResolution == StateResolutionVersion.V2_1;

    public void Write()
    {
        text.Heading($"State resolution {(IsV21 ? "v2.1" : "v2")}");
        text.Events("conflicted state set", trace.ConflictedStateSet);
        text.Events("auth difference", trace.AuthDifference);
        if (IsV21)
        {
            text.Events("conflicted state subgraph", trace.ConflictedStateSubgraph);
        }

        text.Events("full conflicted set", trace.FullConflictedSet);
        if (trace.Ignored.Count > 0)
        {
            text.Events("ignored, since they are missing, of another room or no state events", trace.Ignored);
        }

        WritePowerEvents();
        WriteRemainingEvents();
    }

    private void WritePowerEvents()
    {
        var start = IsV21 ? "an empty state" : "the unconflicted state";
        text.Line($"  1., 2. power events in reverse topological power ordering, each checked in what {start} became by those before it:");
        var verdicts = Verdicts(ResolutionStep.PowerEvents);
        foreach (var e in trace.PowerEvents)
        {
            text.Event(e.Number);
            text.Line($"      sender's level {ExplanationText.Level(e.SenderLevel)}, {ExplanationText.Time(e.OriginServerTs)}: {verdicts[e.Number]}");
        }

        if (trace.PowerEvents.Count == 0)
        {
            text.Line("    none");
        }
    }

    private void WriteRemainingEvents()
    {
        text.Events("mainline, latest power levels first", trace.Mainline);
        text.Line("  3., 4. the remaining events in mainline ordering, each checked in the state that came of those before it:");
        var verdicts = Verdicts(ResolutionStep.RemainingEvents);
        foreach (var e in trace.RemainingEvents)
        {
            text.Event(e.Number);
            var position = e.Position is { } known ? $"mainline position {known}" : "on no power levels of the mainline";
            text.Line($"      {position}, {ExplanationText.Time(e.OriginServerTs)}: {verdicts[e.Number]}");
        }

        if (trace.RemainingEvents.Count == 0)
        {
            text.Line("    none");
        }
    }

    private Dictionary<long, string> Verdicts(ResolutionStep step) => trace.Checks
        .Where(check => check.Step == step)
        .ToDictionary(static check => check.Number, static check => ExplanationText.Verdict(check.Verdict));
}
