using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Console.Inspection;

/// <summary>The steps of state resolution in room version 1.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v1/#state-resolution</remarks>
internal sealed class ResolutionV1Text(ResolutionTrace trace, ExplanationText text)
{
    public void Write()
    {
        text.Heading("State resolution v1");
        Write(ResolutionStep.PowerLevelsConflict, "conflicts between m.room.power_levels events, from the lowest depth up until one is refused");
        Write(ResolutionStep.JoinRulesConflict, "conflicts between m.room.join_rules events, likewise");
        Write(ResolutionStep.MemberConflict, "conflicts between m.room.member events, likewise");
        Write(ResolutionStep.OtherConflict, "all other conflicts, from the highest depth down until one is allowed");
    }

    private void Write(ResolutionStep step, string name)
    {
        var checks = trace.Checks.Where(check => check.Step == step).ToList();
        if (checks.Count == 0)
        {
            return;
        }

        text.Line($"  {name}:");
        foreach (var check in checks)
        {
            text.Event(check.Number);
            text.Line($"      {ExplanationText.Verdict(check.Verdict)}");
        }
    }
}
