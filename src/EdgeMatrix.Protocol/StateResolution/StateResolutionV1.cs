using System.Security.Cryptography;
using System.Text;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>State resolution of version 1.</summary>
/// <remarks>
/// "The resolved state is built up in a number of passes; here we use R to refer to the results of the resolution so far." Like the other
/// servers, this resolves every key by itself, and adds to R when a pass ends: what comes first within a pass does not count.
/// <para>Spec: https://spec.matrix.org/v1.19/rooms/v1/#state-resolution</para>
/// </remarks>
internal sealed class StateResolutionV1
{
    private readonly RoomEvents _events;
    private readonly ResolutionTrace? _trace;
    private readonly PartialState _r;

    private StateResolutionV1(StateConflict conflict, RoomEvents events, ResolutionTrace? trace)
    {
        _events = events;
        _trace = trace;
        _r = new PartialState(conflict, conflict.Unconflicted);
    }

    public static IReadOnlyList<ResolvedEntry> Resolve(StateConflict conflict, RoomEvents events, ResolutionTrace? trace) =>
        new StateResolutionV1(conflict, events, trace).Resolve(conflict.Keys);

    private List<ResolvedEntry> Resolve(IReadOnlyList<ConflictedKey> keys)
    {
        // "Start by setting R to the union of the states to be resolved, excluding any conflicting events."
        var conflicts = new List<(ConflictedKey Key, List<EventFacts> Events)>();
        foreach (var key in keys)
        {
            var conflicting = Conflicting(key);
            if (conflicting.Count > 1)
            {
                conflicts.Add((key, conflicting));
            }
            else if (conflicting.Count == 1)
            {
                _r.Set(key.Type, key.StateKey, conflicting[0].Number);
            }
        }

        // "First we resolve conflicts between m.room.power_levels events. … Repeat the above process for conflicts between m.room.join_rules
        // events. Repeat the above process for conflicts between m.room.member events."
        Pass(ResolutionStep.PowerLevelsConflict, conflicts, LastAllowedInARow);
        Pass(ResolutionStep.JoinRulesConflict, conflicts, LastAllowedInARow);
        Pass(ResolutionStep.MemberConflict, conflicts, LastAllowedInARow);

        // "No other events affect the authorisation rules, so for all other conflicts, …"
        Pass(ResolutionStep.OtherConflict, conflicts, HighestAllowed);
        return _r.Entries();
    }

    // "A conflict occurs between states where those states have different event_ids for the same (event_type, state_key)": a state that has
    // none is in no conflict with the others. "Sort the list by ascending depth then descending sha1(event_id)."
    private List<EventFacts> Conflicting(ConflictedKey key)
    {
        var ranked = new List<(EventFacts Facts, long Depth, string Sha1)>();
        foreach (var candidate in key.Candidates.Distinct())
        {
            if (_events.Find(candidate) is { } pdu && _events.Facts(candidate) is { } facts)
            {
                ranked.Add((facts, pdu.Depth, Sha1(pdu.EventId)));
            }
        }

        ranked.Sort(static (x, y) =>
            x.Depth != y.Depth ? x.Depth.CompareTo(y.Depth) : string.CompareOrdinal(y.Sha1, x.Sha1));
        return ranked.ConvertAll(static event_ => event_.Facts);
    }

    private void Pass(
        ResolutionStep step, List<(ConflictedKey Key, List<EventFacts> Events)> conflicts, Func<ResolutionStep, List<EventFacts>, long> resolve)
    {
        var resolved = new List<ResolvedEntry>();
        foreach (var (key, conflicting) in conflicts)
        {
            if (StepOf(key) == step)
            {
                resolved.Add(new ResolvedEntry(key.Type, key.StateKey, resolve(step, conflicting)));
            }
        }

        foreach (var entry in resolved)
        {
            _r.Set(entry.Type, entry.StateKey, entry.Number);
        }
    }

    // "Add the first event in the list to R. For each subsequent event in the list, check that the event would be allowed by the
    // authorisation rules for a room in state R. If the event would be allowed, then update R with the event and continue with the next
    // event in the list. If it would not be allowed, stop."
    private long LastAllowedInARow(ResolutionStep step, List<EventFacts> conflicting)
    {
        var last = conflicting[0];
        _trace?.Recorded.Add(new ResolutionCheck(step, last.Number, null));
        foreach (var next in conflicting.Skip(1))
        {
            if (!IsAllowed(step, next, over: last))
            {
                break;
            }

            last = next;
        }

        return last.Number;
    }

    // "just pick the event with the highest depth and lowest sha1(event_id) that passes authentication in R and add it to R." Where none
    // passes, the other servers pick the lowest.
    private long HighestAllowed(ResolutionStep step, List<EventFacts> conflicting)
    {
        for (var index = conflicting.Count - 1; index >= 0; index--)
        {
            if (IsAllowed(step, conflicting[index], over: null))
            {
                return conflicting[index].Number;
            }
        }

        _trace?.Recorded.Add(new ResolutionCheck(step, conflicting[0].Number, null));
        return conflicting[0].Number;
    }

    private bool IsAllowed(ResolutionStep step, EventFacts candidate, EventFacts? over)
    {
        var verdict = EventAuth.CheckAgainstState(_events.Find(candidate.Number)!, (type, stateKey) =>
            over is not null && type == over.Type && stateKey == over.StateKey
                ? _events.Find(over.Number)
                : _events.Find(_r.Find(type, stateKey)));
        _trace?.Recorded.Add(new ResolutionCheck(step, candidate.Number, verdict));
        return verdict.Allowed;
    }

    private static ResolutionStep StepOf(ConflictedKey key) => key.Type switch
    {
        EventTypes.PowerLevels when key.StateKey.Length == 0 => ResolutionStep.PowerLevelsConflict,
        EventTypes.JoinRules => ResolutionStep.JoinRulesConflict,
        EventTypes.Member => ResolutionStep.MemberConflict,
        _ => ResolutionStep.OtherConflict,
    };

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Security", "CA5350", Justification = "The algorithm orders by it; it keeps no secret.")]
    private static string Sha1(string eventId) => Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(eventId)));
}
