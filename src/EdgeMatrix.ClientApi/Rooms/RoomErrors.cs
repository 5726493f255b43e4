using EdgeMatrix.Rooms;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>The error that a client gets for each refusal of the room engine.</summary>
internal static class RoomErrors
{
    public static MatrixError ToError(this Refusal refusal) => refusal.Kind switch
    {
        RefusalKind.Forbidden => new MatrixError(403, "M_FORBIDDEN", refusal.Message),
        RefusalKind.NotFound => new MatrixError(404, "M_NOT_FOUND", refusal.Message),
        RefusalKind.InvalidParam => new MatrixError(400, "M_INVALID_PARAM", refusal.Message),
        RefusalKind.BadJson => new MatrixError(400, "M_BAD_JSON", refusal.Message),
        RefusalKind.TooLarge => new MatrixError(413, "M_TOO_LARGE", refusal.Message),
        RefusalKind.UnsupportedRoomVersion => new MatrixError(400, "M_UNSUPPORTED_ROOM_VERSION", refusal.Message),
        RefusalKind.RoomInUse => new MatrixError(400, "M_ROOM_IN_USE", refusal.Message),
        RefusalKind.BadState => new MatrixError(403, "M_BAD_STATE", refusal.Message),
        RefusalKind.BadAlias => new MatrixError(400, "M_BAD_ALIAS", refusal.Message),
        RefusalKind.InvalidRoomState => new MatrixError(400, "M_INVALID_ROOM_STATE", refusal.Message),
        RefusalKind.UnableToGrantJoin => new MatrixError(403, "M_UNABLE_TO_GRANT_JOIN", refusal.Message),
        RefusalKind.ThreepidDenied => new MatrixError(403, "M_THREEPID_DENIED", refusal.Message),
        _ => new MatrixError(400, "M_UNKNOWN", refusal.Message),
    };
}
