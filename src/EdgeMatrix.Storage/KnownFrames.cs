using System.Collections.Concurrent;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Storage;

/// <summary>Frames of events, which never change once they are committed. Thread-safe.</summary>
internal sealed class KnownFrames
{
    // A frame, the entry of its nid, and what the table of nids takes for it.
    private const long OwnBytes = 200;

    private readonly ConcurrentDictionary<(long Room, long Hash), long> _nids = new();
    private readonly BoundedCache<long, Known> _frames;

    public KnownFrames() => _frames = new BoundedCache<long, Known>("event_frames", wanted: 512 << 10, least: 32 << 10)
    {
        Evicted = (nid, known) => _nids.TryRemove(KeyValuePair.Create((known.Room, known.Hash), nid)),
    };

    /// <summary>Its share of the memory.</summary>
    public MemoryShare Share => _frames;

    public EventFrame? Find(long nid) => _frames.TryGet(nid, out var known) ? known.Frame : null;

    public long? FindNid(long room, long hash, EventFrame frame) =>
        _nids.TryGetValue((room, hash), out var nid) && Find(nid) is { } known && known.Is(frame) ? nid : null;

    public void Add(long nid, long room, long hash, EventFrame frame)
    {
        // First the number, so that it goes with the frame whenever that goes.
        _nids[(room, hash)] = nid;
        _frames.GetOrAdd(nid, new Known(frame, room, hash), OwnBytes + ManagedSize.Of(frame.Text) + ManagedSize.Of(frame.Raw));
        if (!_frames.Contains(nid))
        {
            _nids.TryRemove(KeyValuePair.Create((room, hash), nid));
        }
    }

    private sealed record Known(EventFrame Frame, long Room, long Hash);
}
