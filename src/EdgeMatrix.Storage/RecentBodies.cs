namespace EdgeMatrix.Storage;

/// <summary>
/// Bodies read lately, so that a message which many wait for is unpacked and parsed once for all of them. Told by what the row
/// has, they cannot be out of date. Bounded; thread-safe.
/// </summary>
internal sealed class RecentBodies
{
    // A small multiple of what is written between two rounds of syncs. Some 100 KiB of messages.
    private const int MaxKept = 32;
    private const int MaxKeptBytes = 1024;

    private readonly EventBody?[] _bodies = new EventBody?[MaxKept];

    // What the slot held before: a message and a state event that is read with it may share one, and would take turns.
    private readonly EventBody?[] _before = new EventBody?[MaxKept];

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

    // Of events whose numbers follow each other none takes the place of another.
    private static ref EventBody? Slot(EventBody?[] bodies, long nid) => ref bodies[(int)((ulong)nid % MaxKept)];

    private static EventBody? Find(EventBody?[] bodies, long nid, ReadOnlySpan<byte> packed, long? frame) =>
        Volatile.Read(ref Slot(bodies, nid)) is { } body && body.Is(nid, packed, frame) ? body : null;
}
