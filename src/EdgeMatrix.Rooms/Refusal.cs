namespace EdgeMatrix.Rooms;

/// <summary>Why a request of a client cannot be granted; the Client-Server API turns each into its <c>errcode</c> and status.</summary>
public enum RefusalKind
{
    Forbidden,
    NotFound,
    InvalidParam,
    BadJson,
    TooLarge,
    UnsupportedRoomVersion,
    RoomInUse,
    BadState,
    BadAlias,
    InvalidRoomState,
    ThreepidDenied,
    DuplicateAnnotation,
    InvalidSignature,
    MissingParam,
    InviteBlocked,
    GuestAccessForbidden,
    CannotLeaveServerNoticeRoom,

    /// <summary>No code of the specification fits.</summary>
    Unknown,
}

/// <param name="Message">What was wrong, for the client's developer.</param>
public sealed record Refusal(RefusalKind Kind, string Message)
{
    public static Refusal Forbidden(string message) => new(RefusalKind.Forbidden, message);

    public static Refusal NotFound(string message) => new(RefusalKind.NotFound, message);

    public static Refusal InvalidParam(string message) => new(RefusalKind.InvalidParam, message);
}

/// <summary>A value, or the reason why there is none.</summary>
public readonly record struct Outcome<T>(T? Value, Refusal? Refusal)
    where T : class
{
    public static implicit operator Outcome<T>(T value) => new(value, null);

    public static implicit operator Outcome<T>(Refusal refusal) => new(null, refusal);
}
