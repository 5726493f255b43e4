using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>Where a room stands: its forward extremities and current state, running ahead of the disk by what is being written.</summary>
/// <remarks>
/// State that no pending write touches is read from the disk as it is needed: whatever is pending is in
/// <see cref="_known"/> until it is committed, so a key that is not there has its newest value on the disk.
/// </remarks>
internal sealed class RoomHead
{
    private const int MaxKnown = 1_024;

    private readonly Database _database;
    private readonly RoomVersion _version;
    private readonly string _roomId;
    // The writer's thread forgets what was redacted while the room's next event is being built.
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Type, string StateKey), Pdu?> _known = [];
    private int _pending;

    private RoomHead(Database database, RoomVersion version, string roomId)
    {
        _database = database;
        _version = version;
        _roomId = roomId;
    }

    /// <summary>The events that nothing refers to yet: the next event's prev events.</summary>
    public List<EventReference> Extremities { get; } = [];

    /// <summary>The greatest depth of the extremities.</summary>
    public long Depth { get; private set; }

    public static RoomHead Empty(Database database, RoomVersion version, string roomId) => new(database, version, roomId);

    public static RoomHead Load(Database database, RoomVersion version, string roomId)
    {
        var head = new RoomHead(database, version, roomId);
        using var snapshot = database.OpenSnapshot();
        var row = RoomTable.Find(snapshot, roomId) ?? throw new InvalidOperationException($"room {roomId} is not stored");
        foreach (var nid in row.Extremities)
        {
            var stored = EventTable.Find(snapshot, nid) ?? throw new InvalidOperationException($"extremity {nid} of {roomId} is not stored");
            var pdu = stored.Parse(version);
            head.Extremities.Add(EventReference.To(pdu));
            head.Depth = Math.Max(head.Depth, pdu.Depth);
        }

        return head;
    }

    public Pdu? State(string type, string stateKey)
    {
        // Held while reading, too: what was read before a redaction must not be remembered after it.
        using var held = _lock.EnterScope();
        if (_known.TryGetValue((type, stateKey), out var known))
        {
            return known;
        }

        using var snapshot = _database.OpenSnapshot();
        var found = RoomTable.Find(snapshot, _roomId) is { } row
            ? RoomStateReader.Find(snapshot, _version, row.State, type, stateKey)
            : null;
        if (_known.Count >= MaxKnown && Volatile.Read(ref _pending) == 0)
        {
            _known.Clear();
        }

        _known[(type, stateKey)] = found;
        return found;
    }

    /// <summary>Takes events in as the newest of the room, before they are on the disk.</summary>
    public void Advance(IReadOnlyList<Pdu> events)
    {
        foreach (var pdu in events)
        {
            Extremities.RemoveAll(extremity => pdu.PrevEvents.Contains(extremity.EventId));
            Extremities.Add(EventReference.To(pdu));
            Depth = Math.Max(Depth, pdu.Depth);
            if (pdu.StateKey is { } stateKey)
            {
                lock (_lock)
                {
                    _known[(pdu.Type, stateKey)] = pdu;
                }
            }
        }
    }

    /// <summary>Drops what is remembered of state events that were redacted, so that it is read again.</summary>
    public void Forget(string eventId)
    {
        using var held = _lock.EnterScope();
        foreach (var (key, pdu) in _known)
        {
            if (pdu?.EventId == eventId)
            {
                _known.Remove(key);
                return;
            }
        }
    }

    public void WriteBegins() => Interlocked.Increment(ref _pending);

    public void WriteEnds() => Interlocked.Decrement(ref _pending);
}
