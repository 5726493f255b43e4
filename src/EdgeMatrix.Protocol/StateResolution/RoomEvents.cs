using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>
/// The events of a room as one resolution asks for them. Of each it keeps the few fields that orderings need; of whole events only the
/// latest used, so that ten thousand in conflict do not all stand in memory.
/// </summary>
internal sealed class RoomEvents(RoomVersion version, string roomId, IEventSource source)
{
    private const int WholeEventsKept = 512;

    private readonly Dictionary<long, EventFacts?> _facts = [];
    private readonly Dictionary<long, long> _powerLevels = [];
    private Dictionary<long, Pdu> _latest = [];
    private Dictionary<long, Pdu> _earlier = [];

    // "The room ID is the event ID of the m.room.create event with the sigil ! instead of $", since version 12.
    private readonly long _createByRoomId = version.CreateEventIsRoomId ? source.NumberOf(string.Concat("$", roomId.AsSpan(1))) : 0;

    /// <summary>Null for an event that no state can have: missing, of another room, or no state event.</summary>
    public EventFacts? Facts(long number)
    {
        if (!_facts.TryGetValue(number, out var facts))
        {
            facts = Load(number) is { StateKey: { } stateKey } pdu ? new EventFacts(number, pdu, stateKey, source.IsRejected(number)) : null;
            _facts.Add(number, facts);
        }

        return facts;
    }

    /// <summary>The whole event, where <see cref="Facts"/> has some.</summary>
    public Pdu? Find(long number) => Facts(number) is null ? null : Load(number);

    public ReadOnlySpan<long> AuthEventsOf(long number) => source.AuthEventsOf(number);

    /// <summary>The auth event of that key that was not rejected; 0 if there is none.</summary>
    public long AuthEventFor(long number, string type, string stateKey)
    {
        foreach (var auth in source.AuthEventsOf(number))
        {
            if (Facts(auth) is { Rejected: false } facts && facts.Type == type && facts.StateKey == stateKey)
            {
                return auth;
            }
        }

        // "The m.room.create event MUST NOT be selected for auth_events on events. The room_id (being the m.room.create event's ID)
        // implies this instead."
        return type == EventTypes.Create && stateKey.Length == 0 && Facts(_createByRoomId) is { Rejected: false } ? _createByRoomId : 0;
    }

    /// <summary>"The m.room.power_levels event in the auth_events" of an event, rejected or not; 0 if there is none.</summary>
    public long PowerLevelsOf(long number)
    {
        if (!_powerLevels.TryGetValue(number, out var powerLevels))
        {
            foreach (var auth in source.AuthEventsOf(number))
            {
                // A number that does not fall would walk in circles.
                if (auth < number && Facts(auth) is { Type: EventTypes.PowerLevels, StateKey: "" })
                {
                    powerLevels = auth;
                    break;
                }
            }

            _powerLevels.Add(number, powerLevels);
        }

        return powerLevels;
    }

    private Pdu? Load(long number)
    {
        if (_latest.TryGetValue(number, out var pdu))
        {
            return pdu;
        }

        if (!_earlier.TryGetValue(number, out pdu))
        {
            pdu = number == 0 ? null : source.Find(number);
            if (pdu is null || pdu.RoomId != roomId)
            {
                return null;
            }
        }

        if (_latest.Count == WholeEventsKept)
        {
            (_latest, _earlier) = (_earlier, _latest);
            _latest.Clear();
        }

        _latest.Add(number, pdu);
        return pdu;
    }
}
