namespace EdgeMatrix.Protocol.RoomVersions;

/// <summary>How the id of an event comes about.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v4/#event-ids</remarks>
public enum EventIdFormat
{
    /// <summary><c>$</c> and the reference hash in URL-safe unpadded Base64, since version 4.</summary>
    UrlSafeHash,
}
