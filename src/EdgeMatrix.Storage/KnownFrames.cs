using System.Collections.Concurrent;

namespace EdgeMatrix.Storage;

/// <summary>Frames of events, which never change once they are committed. Bounded; thread-safe.</summary>
internal sealed class KnownFrames
{
    // Some 250 KiB when full, of the usual length.
    private const int MaxKept = 512;
    private const int MaxKeptBytes = 2048;

    private readonly ConcurrentDictionary<long, EventFrame> _frames = new();
    private readonly ConcurrentDictionary<(long Room, long Hash), long> _nids = new();

    public EventFrame? Find(long nid) => _frames.GetValueOrDefault(nid);

    public long? FindNid(long room, long hash, EventFrame frame) =>
        _nids.TryGetValue((room, hash), out var nid) && Find(nid) is { } known && known.Is(frame) ? nid : null;

    public void Add(long nid, long room, long hash, EventFrame frame)
    {
        if (frame.Text.Length + frame.Raw.Length > MaxKeptBytes)
        {
            return;
        }

        // Which of them go matters little: each is one statement away.
        if (_frames.Count >= MaxKept)
        {
            _frames.Clear();
            _nids.Clear();
        }

        _frames[nid] = frame;
        _nids[(room, hash)] = nid;
    }
}
