namespace EdgeMatrix.Protocol.Events;

/// <summary>An event as another cites it.</summary>
/// <param name="Sha256">Its reference hash in unpadded Base64, in room versions 1 and 2; null since version 3, where the id says it.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v1/#event-format</remarks>
public readonly record struct EventReference(string EventId, string? Sha256)
{
    public static EventReference To(Pdu cited) => new(cited.EventId, EventHashes.CitedHash(cited));
}
