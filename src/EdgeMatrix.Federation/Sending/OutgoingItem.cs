using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Federation;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Sending;

/// <summary>Something that a server is to be told, by the stream position at which it happened.</summary>
internal abstract record OutgoingItem(long Position)
{
    /// <summary>How many EDUs it makes at most; 0: it is an event.</summary>
    public virtual int Edus => 1;
}

/// <param name="Room">Nid of the room, in whose timeline the event is at the position.</param>
internal sealed record OutgoingEvent(long Position, long Room) : OutgoingItem(Position)
{
    public override int Edus => 0;
}

/// <param name="Room">Nid of the room.</param>
internal sealed record OutgoingReceipt(long Position, long Room, ReceiptRow Receipt) : OutgoingItem(Position);

internal sealed record OutgoingMessage(OutgoingMessageRow Message) : OutgoingItem(Message.Position);

internal sealed record OutgoingDeviceChange(DeviceChangeRow Change) : OutgoingItem(Change.Position)
{
    // Of other keys there is one by its name of before the release beside it.
    public override int Edus => Change.DeviceId.Length == 0 ? 2 : 1;
}
