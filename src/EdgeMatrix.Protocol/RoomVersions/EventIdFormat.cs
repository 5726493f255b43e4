namespace EdgeMatrix.Protocol.RoomVersions;

/// <summary>How the id of an event comes about.</summary>
public enum EventIdFormat
{
    /// <summary>
    /// The server that makes the event chooses <c>$opaque_id:domain</c> and writes it into the event, versions 1 and 2. Others cite the
    /// event as a pair of its id and its reference hash.
    /// </summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v1/#event-ids</remarks>
    Chosen,

    /// <summary><c>$</c> and the reference hash in unpadded Base64, version 3: it may hold <c>/</c> and <c>+</c>.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v3/#event-ids</remarks>
    Hash,

    /// <summary><c>$</c> and the reference hash in URL-safe unpadded Base64, since version 4.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v4/#event-ids</remarks>
    UrlSafeHash,
}
