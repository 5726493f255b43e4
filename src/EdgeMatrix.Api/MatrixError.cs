using System.Text.Json;
using EdgeMatrix.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Api;

/// <summary>A standard error response.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#standard-error-response</remarks>
public sealed class MatrixError : IResult
{
    private static readonly TimeSpan _retryAfter = TimeSpan.FromSeconds(2);

    private readonly int _status;
    private readonly string _code;
    private readonly string _message;
    private readonly Action<Utf8JsonWriter>? _fields;

    /// <param name="fields">Writes the fields that the code adds to <c>errcode</c> and <c>error</c>.</param>
    public MatrixError(int status, string code, string message, Action<Utf8JsonWriter>? fields = null)
    {
        _status = status;
        _code = code;
        _message = message;
        _fields = fields;
    }

    /// <summary>What was wrong, for the developer of whoever asked.</summary>
    public string Message => _message;

    /// <summary>The <c>errcode</c>.</summary>
    public string Code => _code;

    public static MatrixError BadJson(string message) => new(400, "M_BAD_JSON", message);

    public static MatrixError NotJson(string message) => new(400, "M_NOT_JSON", message);

    public static MatrixError InvalidParam(string message) => new(400, "M_INVALID_PARAM", message);

    public static MatrixError MissingParam(string name) => new(400, "M_MISSING_PARAM", $"{name} is missing");

    public static MatrixError BadRequest(string message) => new(400, "M_UNKNOWN", message);

    public static MatrixError BadState(string message) => new(400, "M_BAD_STATE", message);

    public static MatrixError BadAlias(string message) => new(400, "M_BAD_ALIAS", message);

    public static MatrixError RoomInUse(string message) => new(400, "M_ROOM_IN_USE", message);

    public static MatrixError InvalidRoomState(string message) => new(400, "M_INVALID_ROOM_STATE", message);

    public static MatrixError UnsupportedRoomVersion(string message) => new(400, "M_UNSUPPORTED_ROOM_VERSION", message);

    public static MatrixError InvalidSignature(string message) => new(400, "M_INVALID_SIGNATURE", message);

    public static MatrixError DuplicateAnnotation(string message) => new(400, "M_DUPLICATE_ANNOTATION", message);

    public static MatrixError InvalidUsername(string message) => new(400, "M_INVALID_USERNAME", message);

    public static MatrixError UserInUse(string message) => new(400, "M_USER_IN_USE", message);

    /// <summary>400: it is an application service's, or not this one's.</summary>
    public static MatrixError Exclusive(string message) => new(400, "M_EXCLUSIVE", message);

    public static MatrixError ThreepidInUse() => new(400, "M_THREEPID_IN_USE", "An account of this server has that e-mail address");

    public static MatrixError ThreepidNotFound() => new(400, "M_THREEPID_NOT_FOUND", "No account of this server has that e-mail address");

    public static MatrixError MissingToken() => new(401, "M_MISSING_TOKEN", "No access token was given");

    /// <param name="softLogout">True only where a refresh token can bring the session back.</param>
    public static MatrixError UnknownToken(bool softLogout) => new(
        401,
        "M_UNKNOWN_TOKEN",
        softLogout ? "The access token has expired" : "The token is not known",
        json => json.WriteBoolean("soft_logout", softLogout));

    /// <summary>401: the session waits until the account is unlocked.</summary>
    public static MatrixError UserLocked() =>
        new(401, "M_USER_LOCKED", "This account has been locked", json => json.WriteBoolean("soft_logout", true));

    public static MatrixError UserSuspended() => new(403, "M_USER_SUSPENDED", "You cannot perform this action while suspended");

    public static MatrixError Forbidden(string message) => new(403, "M_FORBIDDEN", message);

    public static MatrixError ThreepidAuthFailed(string message) => new(403, "M_THREEPID_AUTH_FAILED", message);

    public static MatrixError ThreepidDenied(string message) => new(403, "M_THREEPID_DENIED", message);

    public static MatrixError GuestAccessForbidden(string message) => new(403, "M_GUEST_ACCESS_FORBIDDEN", message);

    public static MatrixError NotFound(string message) => new(404, "M_NOT_FOUND", message);

    /// <summary>This server came into the room, and does not know all of its state yet.</summary>
    /// <remarks>MSC3895.</remarks>
    public static MatrixError PartialState() => new(
        404, "ORG.MATRIX.MSC3895_UNABLE_DUE_TO_PARTIAL_STATE", "This server has joined the room a moment ago, and does not know all of its members yet");

    public static MatrixError Unrecognized() => new(404, "M_UNRECOGNIZED", "Unrecognized request");

    public static MatrixError MethodNotAllowed() => new(405, "M_UNRECOGNIZED", "Unrecognized request: the method is not one of this endpoint's");

    /// <summary>409: what the request wants to make is there already.</summary>
    public static MatrixError Conflict(string message) => new(409, "M_UNKNOWN", message);

    public static MatrixError TooLarge(string message) => new(413, "M_TOO_LARGE", message);

    /// <summary>429: the request asks for more than there is to share out now; the client tries again in a few seconds.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#rate-limiting</remarks>
    public static MatrixError LimitExceeded(string message) => LimitExceeded(message, _retryAfter);

    /// <summary>429: the requester comes too often.</summary>
    /// <param name="retryAfter">When a request will be let in again.</param>
    public static MatrixError LimitExceeded(string message, TimeSpan retryAfter)
    {
        var waitMs = (long)Math.Ceiling(retryAfter.TotalMilliseconds);
        return new(StatusCodes.Status429TooManyRequests, "M_LIMIT_EXCEEDED", message, json => json.WriteNumber("retry_after_ms", waitMs))
        {
            RetryAfterSeconds = (waitMs + 999) / 1_000,
        };
    }

    /// <summary>The answer to a bug or a broken disk: what happened is in the log, not here.</summary>
    public static MatrixError Internal() => new(500, "M_UNKNOWN", "Internal server error");

    /// <summary>507: reading goes on, and so does writing as soon as there is space again.</summary>
    public static MatrixError DiskFull() =>
        new(507, "M_UNKNOWN", "The disk of this server is full: nothing was stored. Try again when its administrator has made space");

    public static MatrixError DiskFailed() => new(500, "M_UNKNOWN", "The disk of this server failed: nothing was stored");

    public static MatrixError From(Refusal refusal) => refusal.Kind switch
    {
        RefusalKind.Forbidden => Forbidden(refusal.Message),
        RefusalKind.NotFound => NotFound(refusal.Message),
        RefusalKind.InvalidParam => InvalidParam(refusal.Message),
        RefusalKind.BadJson => BadJson(refusal.Message),
        RefusalKind.TooLarge => TooLarge(refusal.Message),
        RefusalKind.UnsupportedRoomVersion => UnsupportedRoomVersion(refusal.Message),
        RefusalKind.RoomInUse => RoomInUse(refusal.Message),
        RefusalKind.BadState => BadState(refusal.Message),
        RefusalKind.BadAlias => BadAlias(refusal.Message),
        RefusalKind.InvalidRoomState => InvalidRoomState(refusal.Message),
        RefusalKind.InvalidSignature => InvalidSignature(refusal.Message),
        RefusalKind.MissingParam => new(400, "M_MISSING_PARAM", refusal.Message),
        RefusalKind.InviteBlocked => new(403, "M_INVITE_BLOCKED", refusal.Message),
        RefusalKind.GuestAccessForbidden => GuestAccessForbidden(refusal.Message),
        RefusalKind.CannotLeaveServerNoticeRoom => new(403, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM", refusal.Message),
        RefusalKind.IncompatibleRoomVersion => new(
            400, "M_INCOMPATIBLE_ROOM_VERSION", refusal.Message, json => json.WriteString("room_version", refusal.RoomVersion)),
        RefusalKind.UnableToAuthoriseJoin => new(400, "M_UNABLE_TO_AUTHORISE_JOIN", refusal.Message),
        RefusalKind.UnableToGrantJoin => new(400, "M_UNABLE_TO_GRANT_JOIN", refusal.Message),
        RefusalKind.NoAnswer => new(StatusCodes.Status502BadGateway, "M_UNKNOWN", refusal.Message),
        RefusalKind.ThreepidDenied => ThreepidDenied(refusal.Message),
        RefusalKind.DuplicateAnnotation => DuplicateAnnotation(refusal.Message),
        RefusalKind.Relayed => new(refusal.Relayed!.Value.Status, refusal.Relayed.Value.Code, refusal.Message),
        RefusalKind.Unknown => BadRequest(refusal.Message),
        _ => throw new ArgumentOutOfRangeException(nameof(refusal), refusal.Kind, null),
    };

    private long RetryAfterSeconds { get; init; }

    public Task ExecuteAsync(HttpContext httpContext)
    {
        if (_status == StatusCodes.Status429TooManyRequests)
        {
            httpContext.Response.Headers.RetryAfter = $"{RetryAfterSeconds}";
        }

        return JsonText.Write(_status, Write).ExecuteAsync(httpContext);
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("errcode", _code);
        json.WriteString("error", _message);
        _fields?.Invoke(json);
        json.WriteEndObject();
    }
}
