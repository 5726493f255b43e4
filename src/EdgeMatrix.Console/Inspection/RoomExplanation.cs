using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Console.Inspection;

/// <summary>
/// Tells, step by step and in the words of the specification, how the state at an event came to be, and whether the event was allowed there.
/// </summary>
public sealed class RoomExplanation
{
    private readonly RoomGraph _room;
    private readonly Pdu _event;
    private readonly ResolutionTrace _trace = new();
    private readonly StateBefore _before;
    private readonly ExplanationText _text;

    private RoomExplanation(RoomGraph room, Pdu explained, TextWriter output)
    {
        _room = room;
        _event = explained;
        _before = room.Before(explained, _trace);
        _text = new ExplanationText(room, output);
    }

    /// <param name="explained">An event of the room.</param>
    public static void Write(RoomGraph room, Pdu explained, TextWriter output)
    {
        var explanation = new RoomExplanation(room, explained, output);
        explanation.WriteEvent();
        explanation.WriteStateBefore();
        explanation.WriteVerdicts();
        explanation.WriteStateAfter();
    }

    private void WriteEvent()
    {
        _text.Line($"Event {_event.EventId}");
        _text.Line($"  {ExplanationText.Subject(_event)}, by {_event.Sender}, {ExplanationText.Time(_event.OriginServerTs)}");
        _text.Line($"  in room {_room.RoomId}, version {_room.Version}, one of {_room.Count} events");
    }

    private void WriteStateBefore()
    {
        _text.Heading("The state before it");
        foreach (var missing in _before.Missing)
        {
            _text.Line($"  its prev event {missing} is not here, so this state is a guess: what is known, and what the event itself rests on");
        }

        if (_before.Parents.Count == 0)
        {
            _text.Line(_event.PrevEvents.Count == 0 ? "  empty: it has no prev events" : "  unknown");
        }
        else if (_before.Parents.Count == 1)
        {
            _text.Line($"  is the state after its one prev event, {_before.State.Count} entries:");
            _text.Event(_before.Parents[0]);
        }
        else
        {
            WriteFork();
        }
    }

    private void WriteFork()
    {
        _text.Line($"  comes of {_before.Parents.Count} prev events:");
        for (var set = 0; set < _before.Parents.Count; set++)
        {
            _text.Event(_before.Parents[set], $"S{set + 1} after");
        }

        if (_before.Conflict is not { Keys.Count: > 0 } conflict)
        {
            _text.Line($"  The states after them are the same, {_before.State.Count} entries: nothing is to be resolved.");
            return;
        }

        _text.Line($"  The states after them differ in {conflict.Keys.Count} {(conflict.Keys.Count == 1 ? "key" : "keys")}:");
        foreach (var key in conflict.Keys.OrderBy(static key => (key.Type, key.StateKey)))
        {
            _text.Line($"    {ExplanationText.Key(key.Type, key.StateKey)}");
            for (var set = 0; set < key.Candidates.Count; set++)
            {
                _text.EventOrNone(key.Candidates[set], $"  S{set + 1}");
            }
        }

        if (_room.Version.StateResolution == StateResolutionVersion.V1)
        {
            new ResolutionV1Text(_trace, _text).Write();
        }
        else
        {
            new ResolutionV2Text(_trace, _text, _room.Version).Write();
        }

        new ResolutionOutcomeText(_trace, conflict, _before.State, _room, _text).Write();
    }

    private void WriteVerdicts()
    {
        var verdicts = _room.Verdicts(_event, _before);
        _text.Heading("Whether it was allowed");
        WriteVerdict("by its auth events", verdicts.ByAuthEvents);
        foreach (var auth in _event.AuthEvents)
        {
            if (_room.NumberOf(auth) is not 0 and var number)
            {
                _text.Event(number, " ");
            }
            else
            {
                _text.Line($"      {auth}, which is not here");
            }
        }

        if (verdicts.ByStateBefore is { } byStateBefore)
        {
            WriteVerdict("by the state before it", byStateBefore);
        }
        else
        {
            _text.Line("  by the state before it: cannot be said, a prev event is missing");
        }

        if (_room.StateBeside(_event) is { } beside)
        {
            WriteVerdict("by the current state of the rest of the room (soft failure)", EventAuth.CheckAgainstState(_event, beside));
        }
        else
        {
            _text.Line("  by the current state (soft failure): the room did not go on without it, so it was the state before");
        }
    }

    private void WriteVerdict(string basis, AuthVerdict verdict) =>
        _text.Line(verdict.Allowed ? $"  {basis}: allowed" : $"  {basis}: REFUSED, {verdict.Refusal}");

    private void WriteStateAfter()
    {
        _text.Heading("The state after it");
        if (_event.StateKey is not { } stateKey)
        {
            _text.Line("  is the state before it: the event is no state event");
            return;
        }

        if (_room.IsRejected(_room.NumberOf(_event.EventId)))
        {
            _text.Line("  is the state before it: the event was rejected");
            return;
        }

        var key = ExplanationText.Key(_event.Type, stateKey);
        if (_before.State.TryGetValue((_event.Type, stateKey), out var replaced))
        {
            _text.Line($"  has it at {key}, where before it was:");
            _text.Event(replaced);
        }
        else
        {
            _text.Line($"  has it at {key}, where nothing was before");
        }
    }
}
