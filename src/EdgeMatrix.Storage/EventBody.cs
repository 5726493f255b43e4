using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Storage;

/// <summary>The body of a stored event: unpacked when first asked for, and parsed once, whoever reads it. Never changes; thread-safe.</summary>
internal sealed class EventBody(EventBodyCodec codec, long nid, byte[] packed, long? frameNid, EventFrame? frame)
{
    private const int OwnBytes = 104;

    // Two threads that ask at once make the same of it.
    private byte[]? _json;
    private Pdu? _pdu;

    /// <exception cref="DatabaseException">The stored bytes are damaged.</exception>
    public byte[] Json => _json ??= codec.Unpack(packed, frame);

    public int PackedLength => packed.Length;

    /// <summary>About what it takes by now: a parsed event has its text once more, and what tells where in it things are.</summary>
    public long Bytes => OwnBytes + packed.Length + ((_json?.Length ?? 0L) * (_pdu is null ? 1 : 3));

    public Pdu Parse(RoomVersion version, string eventId) => _pdu ??= Pdu.FromStored(Json, version, eventId);

    /// <summary>Whether this is the body of an event as its row has it. A redacted event has another body.</summary>
    public bool Is(long @event, ReadOnlySpan<byte> stored, long? storedFrame) =>
        nid == @event && frameNid == storedFrame && stored.SequenceEqual(packed);
}
