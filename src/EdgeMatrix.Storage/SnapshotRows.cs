using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Storage;

/// <summary>What a snapshot has read and may want again: its rows cannot change, so none is read, unpacked or parsed twice. Bounded.</summary>
internal sealed class SnapshotRows
{
    // More than the timeline of a room and the state nodes beside it.
    private const int MaxEvents = 256;
    private const int MaxNodes = 128;

    private readonly Dictionary<long, StoredEvent> _events = [];
    private readonly Dictionary<long, StateNode> _nodes = [];

    public StoredEvent? Event(long nid) => _events.GetValueOrDefault(nid);

    /// <returns>The event, or the equal one that is known already.</returns>
    public StoredEvent Add(StoredEvent stored)
    {
        if (_events.TryGetValue(stored.Nid, out var known))
        {
            return known;
        }

        if (_events.Count == MaxEvents)
        {
            _events.Clear();
        }

        _events.Add(stored.Nid, stored);
        return stored;
    }

    public StateNode? Node(long nid) => _nodes.GetValueOrDefault(nid);

    public void Add(long nid, StateNode node)
    {
        if (_nodes.Count == MaxNodes)
        {
            _nodes.Clear();
        }

        _nodes[nid] = node;
    }
}
