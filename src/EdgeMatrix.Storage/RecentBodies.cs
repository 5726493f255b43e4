using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Storage;

/// <summary>
/// Bodies read lately, so that a message which many wait for is unpacked and parsed once for all of them. Told by what the row
/// has, they cannot be out of date. Thread-safe.
/// </summary>
/// <remarks>One whose text is longer than its share of the room is forgotten when it is next asked for: only then it is known how long it is.</remarks>
internal sealed class RecentBodies() : MemoryShare("recent_bodies", wanted: 2 * MaxKept * MaxBytesEach, least: 2 * MaxBytesEach)
{
    // A small multiple of what is written between two rounds of syncs. Some 100 KiB of messages.
    private const int MaxKept = 32;
    private const int MaxKeptBytes = 1024;
    private const int MaxBytesEach = 8 << 10;

    private readonly EventBody?[] _bodies = new EventBody?[MaxKept];

    // What the slot held before: a message and a state event that is read with it may share one, and would take turns.
    private readonly EventBody?[] _before = new EventBody?[MaxKept];

    public override MemoryUse Use
    {
        get
        {
            var (bytes, entries) = (0L, 0L);
            foreach (var body in _bodies.Concat(_before).OfType<EventBody>())
            {
                (bytes, entries) = (bytes + body.Bytes, entries + 1);
            }

            return new MemoryUse(bytes, entries);
        }
    }

    // The slots that the share has room for.
    private int Slots => (int)Math.Clamp(Capacity / (2 * MaxBytesEach), 1, MaxKept);

    /// <param name="frame">Nid of the frame of an event that has one.</param>
    public EventBody? Find(long nid, ReadOnlySpan<byte> packed, long? frame) =>
        Find(_bodies, nid, packed, frame) ?? Find(_before, nid, packed, frame);

    public void Add(long nid, EventBody body)
    {
        if (body.PackedLength <= MaxKeptBytes)
        {
            Volatile.Write(ref Slot(_before, nid), Volatile.Read(ref Slot(_bodies, nid)));
            Volatile.Write(ref Slot(_bodies, nid), body);
        }
    }

    public override void Trim()
    {
        if (Capacity < Wanted)
        {
            Array.Clear(_bodies);
            Array.Clear(_before);
        }
    }

    // Of events whose numbers follow each other none takes the place of another.
    private ref EventBody? Slot(EventBody?[] bodies, long nid) => ref bodies[(int)((ulong)nid % (ulong)Slots)];

    private EventBody? Find(EventBody?[] bodies, long nid, ReadOnlySpan<byte> packed, long? frame)
    {
        ref var slot = ref Slot(bodies, nid);
        if (Volatile.Read(ref slot) is not { } body || !body.Is(nid, packed, frame))
        {
            return null;
        }

        if (body.Bytes > MaxBytesEach)
        {
            Volatile.Write(ref slot, null);
        }

        return body;
    }
}
