using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>Events of this server built one upon the other on a room's head; the room takes all of them or none.</summary>
internal sealed class PendingEvents(Room room, RoomHead head, LocalServer server)
{
    private readonly Dictionary<(string Type, string StateKey), Pdu> _state = [];
    private readonly List<Pdu> _events = [];

    public IReadOnlyList<Pdu> Events => _events;

    /// <summary>Where the last event stands.</summary>
    public EventLinks? LastLinks { get; private set; }

    /// <summary>Why a draft is no event.</summary>
    public static Refusal Refuse(PduParse built) => new(built.TooLarge ? RefusalKind.TooLarge : RefusalKind.BadJson, built.Refusal!);

    /// <summary>The state after the events built so far.</summary>
    public Pdu? State(string type, string stateKey) =>
        _state.TryGetValue((type, stateKey), out var pdu) ? pdu : head.State(type, stateKey);

    /// <summary>
    /// Takes a draft through the pipeline as far as the disk: auth events of the state before, hashes and signature,
    /// format and size, then the auth rules against its auth events and the state before.
    /// </summary>
    /// <returns>Null, or why the event may not be.</returns>
    public Refusal? Add(EventDraft draft, long originServerTs)
    {
        // Old room versions let power levels pass that new events should not hold.
        if (draft is { Type: EventTypes.PowerLevels, StateKey: not null, Content.ValueKind: JsonValueKind.Object }
            && PowerLevelsForm.CheckNew(draft.Content) is { Allowed: false } form)
        {
            return new Refusal(RefusalKind.BadJson, form.Refusal!);
        }

        // Auth events selection.
        var authEvents = new List<Pdu>();
        foreach (var (type, stateKey) in AuthEventSelection.Needed(room.Version, draft.Type, draft.Sender, draft.StateKey, draft.Content))
        {
            if (State(type, stateKey) is { } authEvent)
            {
                authEvents.Add(authEvent);
            }
        }

        // Hashes, signature, format and size of the room version.
        var last = _events.Count > 0 ? _events[^1] : null;
        var links = new EventLinks(
            last is null ? head.PrevEvents() : [EventReference.To(last)],
            [.. authEvents.Select(EventReference.To)],
            EventLinks.NextDepth(last?.Depth ?? head.Depth, room.Version));
        var built = EventBuilder.Build(draft, room.Version, room.Id, links, draft.OriginServerTs ?? originServerTs, server.Key, server.Name);
        if (built.Event is not { } pdu)
        {
            return Refuse(built);
        }

        // Authorisation, by its auth events and by the state before it.
        var verdict = EventAuth.CheckAuthEvents(pdu, authEvents);
        if (verdict.Allowed)
        {
            verdict = EventAuth.CheckAgainstState(pdu, State);
        }

        if (!verdict.Allowed)
        {
            return Refusal.Forbidden(verdict.Refusal!);
        }

        LastLinks = links;
        Append(pdu);
        return null;
    }

    /// <summary>Takes the last event with one more signature.</summary>
    public void ReplaceLast(Pdu signed)
    {
        _events.RemoveAt(_events.Count - 1);
        Append(signed);
    }

    private void Append(Pdu pdu)
    {
        _events.Add(pdu);
        if (pdu.StateKey is not null)
        {
            _state[(pdu.Type, pdu.StateKey)] = pdu;
        }
    }
}
