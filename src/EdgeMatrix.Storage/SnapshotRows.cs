using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Storage;

/// <summary>What a snapshot has read and may want again: its rows cannot change, so none is read, unpacked or parsed twice. Bounded.</summary>
internal sealed class SnapshotRows
{
    // More than the timeline of a room and the state nodes beside it.
    private const int MaxEvents = 256;
    private const int MaxNodes = 128;
    private const long MaxBytes = 512 << 10;

    // Unpacked and parsed, and the objects that make it up.
    private const int BytesPerPackedByte = 6;
    private const int OwnBytes = 800;

    private readonly Dictionary<long, StoredEvent> _events = [];
    private readonly Dictionary<long, StateNode> _nodes = [];
    private long _eventBytes;
    private long _nodeBytes;

    public StoredEvent? Event(long nid) => _events.GetValueOrDefault(nid);

    /// <returns>The event, or the equal one that is known already.</returns>
    public StoredEvent Add(StoredEvent stored)
    {
        if (_events.TryGetValue(stored.Nid, out var known))
        {
            return known;
        }

        if (_events.Count == MaxEvents || _eventBytes > MaxBytes)
        {
            _events.Clear();
            _eventBytes = 0;
        }

        _eventBytes += OwnBytes + (stored.PackedBytes * BytesPerPackedByte);

        _events.Add(stored.Nid, stored);
        return stored;
    }

    public StateNode? Node(long nid) => _nodes.GetValueOrDefault(nid);

    public void Add(long nid, StateNode node)
    {
        if (_nodes.Count == MaxNodes || _nodeBytes > MaxBytes)
        {
            _nodes.Clear();
            _nodeBytes = 0;
        }

        _nodeBytes += node.Delta?.Length ?? 0;

        _nodes[nid] = node;
    }
}
