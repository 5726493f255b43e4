using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Storage.AuthChains;

/// <summary>The stored events of a room, by their nids. Auth events count where they are state events that were stored before.</summary>
public sealed class StoredEventSource(Session db, long room, RoomVersion version) : IEventSource
{
    private const string AuthEventSql = """
        SELECT nid FROM events
        WHERE substr(event_id, 1, 8) = substr(?1, 1, 8) AND event_id = ?1 AND room = ?2 AND state_key IS NOT NULL AND nid < ?3
            AND flags & 16 = 0
        """;

    private readonly Dictionary<long, long[]> _authEvents = [];

    public long NumberOf(string eventId) => AuthEvent(eventId, long.MaxValue);

    public ReadOnlySpan<long> AuthEventsOf(long number)
    {
        if (!_authEvents.TryGetValue(number, out var authEvents))
        {
            authEvents = Find(number) is { } pdu ? [.. AuthEvents(pdu, number).Distinct().Order()] : [];
            _authEvents.Add(number, authEvents);
        }

        return authEvents;
    }

    public Pdu? Find(long number) => Stored(number)?.Parse(version);

    public bool IsRejected(long number) => Stored(number) is { } stored && stored.Flags.HasFlag(EventFlags.Rejected);

    private StoredEvent? Stored(long number) =>
        EventTable.Find(db, number) is { IsState: true } stored && stored.Room == room && !stored.Flags.HasFlag(EventFlags.Outside) ? stored : null;

    private IEnumerable<long> AuthEvents(Pdu pdu, long number) =>
        pdu.AuthEvents.Select(id => AuthEvent(id, number)).Where(static nid => nid != 0);

    private long AuthEvent(string eventId, long before)
    {
        using var query = db.Prepare(AuthEventSql).Bind(EventIdBytes.Encode(eventId)).Bind(room).Bind(before);
        return query.Step() ? query.Int64(0) : 0;
    }
}
