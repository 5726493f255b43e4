using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Rooms;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>Why one server after the other did not do what was asked; what the user is told is what says the most.</summary>
public sealed class HandshakeFailures
{
    private Refusal? _told;

    /// <summary>No other server will do it either.</summary>
    public bool IsFinal => _told?.Kind == RefusalKind.IncompatibleRoomVersion;

    /// <summary>What the user is told.</summary>
    /// <param name="notAsked">What there is to say if no server was asked.</param>
    public Refusal Told(string notAsked) => _told ?? Refusal.NotFound(notAsked);

    public void Add(FederationFailure failure) => Add(Of(failure));

    /// <summary>What a server answered is of no use.</summary>
    public void Add(string server, string problem) => Add(new Refusal(RefusalKind.NoAnswer, $"{server}: {problem}"));

    public void Add(Refusal refusal)
    {
        if (_told is null || Weight(refusal.Kind) > Weight(_told.Kind))
        {
            _told = refusal;
        }
    }

    /// <summary>What a server refuses by, as a client is told it.</summary>
    /// <remarks>
    /// "The error should be passed through to clients so that they may give better feedback to users. If M_MISSING_PARAM or M_INVALID_PARAM is
    /// returned …, the Client-Server API request SHOULD fail with a 5xx error": what is wrong with the request is none of the user's doing.
    /// </remarks>
    public static Refusal Of(FederationFailure failure) => failure switch
    {
        { Kind: FederationFailureKind.NotAsked } => Refusal.NotFound(failure.Message),
        { Kind: not FederationFailureKind.Refused } => new Refusal(RefusalKind.NoAnswer, failure.Message),
        { Code: "M_INCOMPATIBLE_ROOM_VERSION" } => new Refusal(RefusalKind.IncompatibleRoomVersion, failure.Message)
        {
            RoomVersion = failure.Json is { } body ? JsonContent.Text(body, "room_version") : null,
        },
        { Code: "M_UNABLE_TO_AUTHORISE_JOIN" } => new Refusal(RefusalKind.UnableToAuthoriseJoin, failure.Message),
        { Code: "M_UNABLE_TO_GRANT_JOIN" } => new Refusal(RefusalKind.UnableToGrantJoin, failure.Message),
        { Code: "M_INVITE_BLOCKED" } => new Refusal(RefusalKind.InviteBlocked, failure.Message),
        { Status: 403 } => Refusal.Forbidden(failure.Message),
        { IsUnrecognized: false, IsNotFound: true } => Refusal.NotFound(failure.Message),
        { Status: 400, Code: { } code and not ("M_MISSING_PARAM" or "M_INVALID_PARAM" or "M_BAD_JSON" or "M_NOT_JSON" or "M_UNRECOGNIZED") } =>
            Refusal.Relay(failure.Status, code, failure.Message),
        _ => new Refusal(RefusalKind.NoAnswer, failure.Message),
    };

    private static int Weight(RefusalKind kind) => kind switch
    {
        RefusalKind.IncompatibleRoomVersion => 5,
        RefusalKind.Forbidden or RefusalKind.InviteBlocked => 4,
        RefusalKind.UnableToGrantJoin => 3,
        RefusalKind.UnableToAuthoriseJoin or RefusalKind.Relayed => 2,
        RefusalKind.NoAnswer => 1,
        _ => 0,
    };
}
