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
    private const long MaxKnownBytes = 512 << 10;

    // "prev_events: ... must contain less than or equal to 20 events".
    private const int MaxPrevEvents = 20;

    // An entry of the table, the event's object and its strings besides its JSON; of the content a second form is kept once it is read.
    private const int EntryBytes = 600;
    private const int BytesPerJsonByte = 3;

    private readonly Database _database;
    private readonly RoomVersion _version;
    private readonly string _roomId;
    // Whoever writes forgets what was redacted while the room's next event is being built.
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Type, string StateKey), (Pdu? Pdu, bool Pending)> _known = [];
    private long _bytes;

    private RoomHead(Database database, RoomVersion version, string roomId)
    {
        _database = database;
        _version = version;
        _roomId = roomId;
    }

    /// <summary>The events that nothing refers to yet, the newest last.</summary>
    public List<EventReference> Extremities { get; } = [];

    /// <summary>The greatest depth of the extremities.</summary>
    public long Depth { get; private set; }

    /// <summary>About what it takes of the memory.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

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

    /// <summary>The prev events of the next event: the extremities, or the newest of them, where an event may not name them all.</summary>
    public IReadOnlyList<EventReference> PrevEvents() => [.. Extremities.TakeLast(MaxPrevEvents)];

    public Pdu? State(string type, string stateKey)
    {
        // Held while reading, too: what was read before a redaction must not be remembered after it.
        using var held = _lock.EnterScope();
        if (_known.TryGetValue((type, stateKey), out var known))
        {
            return known.Pdu;
        }

        using var snapshot = _database.OpenSnapshot();
        var found = RoomTable.Find(snapshot, _roomId) is { } row
            ? RoomStateReader.Find(snapshot, _version, row.State, type, stateKey)
            : null;
        Know((type, stateKey), found, pending: false);
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
                    Know((pdu.Type, stateKey), pdu, pending: true);
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
            if (pdu.Pdu?.EventId == eventId)
            {
                Drop(key);
                return;
            }
        }
    }

    /// <summary>Events that were taken in are on the disk, or never will be.</summary>
    public void WriteEnds(IReadOnlyList<Pdu> events)
    {
        using var held = _lock.EnterScope();
        foreach (var pdu in events)
        {
            if (pdu.StateKey is { } stateKey && _known.TryGetValue((pdu.Type, stateKey), out var known) && known.Pdu == pdu)
            {
                _known[(pdu.Type, stateKey)] = (pdu, false);
            }
        }
    }

    private void Know((string Type, string StateKey) key, Pdu? pdu, bool pending)
    {
        Drop(key);
        if (_bytes >= MaxKnownBytes)
        {
            // What is pending has no other place than this.
            foreach (var (other, _) in _known.Where(known => !known.Value.Pending))
            {
                Drop(other);
            }
        }

        _known[key] = (pdu, pending);
        Interlocked.Add(ref _bytes, BytesOf(pdu));
    }

    private void Drop((string Type, string StateKey) key)
    {
        if (_known.Remove(key, out var known))
        {
            Interlocked.Add(ref _bytes, -BytesOf(known.Pdu));
        }
    }

    private static long BytesOf(Pdu? pdu) => EntryBytes + (BytesPerJsonByte * (pdu?.Json.Length ?? 0));
}
