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

    /// <summary>The version of the room is none that the asking server knows: <see cref="Refusal.RoomVersion"/>.</summary>
    IncompatibleRoomVersion,

    /// <summary>Whether a user meets the conditions of a restricted room cannot be told here.</summary>
    UnableToAuthoriseJoin,

    /// <summary>A user meets the conditions of a restricted room, and another server has to let them in.</summary>
    UnableToGrantJoin,

    /// <summary>Another server was to answer, and none did as it should.</summary>
    NoAnswer,

    /// <summary>Another server refused: its code and status are the user's to see (<see cref="Refusal.Relayed"/>).</summary>
    Relayed,

    /// <summary>No code of the specification fits.</summary>
    Unknown,
}

/// <param name="Message">What was wrong, for the client's developer.</param>
public sealed record Refusal(RefusalKind Kind, string Message)
{
    /// <summary>Of <see cref="RefusalKind.IncompatibleRoomVersion"/>: the version of the room.</summary>
    public string? RoomVersion { get; init; }

    /// <summary>The answer of another server, of a refusal that is its own.</summary>
    public (int Status, string Code)? Relayed { get; private init; }

    public static Refusal Relay(int status, string code, string message) => new(RefusalKind.Relayed, message) { Relayed = (status, code) };

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
