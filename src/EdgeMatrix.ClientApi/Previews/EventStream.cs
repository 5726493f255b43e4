using EdgeMatrix.ClientApi.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace EdgeMatrix.ClientApi.Previews;

/// <summary>The events of a room as they come, for whoever may read it without being in it; and, deprecated, those of all rooms of a user.</summary>
/// <remarks>
/// Waits as <c>/sync</c> does, for a change of the room or of the user; the room is judged anew at every look.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-previews
/// </remarks>
internal static class EventStream
{
    private const long DefaultTimeoutMs = 30_000;
    private const long MaxTimeoutMs = 10 * 60 * 1_000;

    /// <summary>How many events an answer has at most; the next goes on from there.</summary>
    internal const int MaxEvents = 100;

    /// <summary><c>GET /_matrix/client/v3/events</c></summary>
    public static async Task<IResult> Get(
        HttpRequest request,
        Requester requester,
        RoomEngine engine,
        SyncEngine sync,
        UserPresence presence,
        AnswerSpool spool,
        IHostApplicationLifetime lifetime)
    {
        var roomId = request.QueryText("room_id");
        if (roomId is null && requester.IsGuest)
        {
            return MatrixError.GuestAccessForbidden("Guests must say of which room, with room_id");
        }

        var (timeoutMs, badTimeout) = request.QueryInteger("timeout");
        if (badTimeout is not null)
        {
            return badTimeout;
        }

        // Servers before this one let clients ask for fewer; nonsense is told of, as in any number.
        var (_, badLimit) = request.QueryInteger("limit", min: 0);
        if (badLimit is not null)
        {
            return badLimit;
        }

        var from = engine.Database.CommittedPosition;
        if (request.QueryText("from") is { Length: > 0 } text)
        {
            if (!TimelineToken.TryParse(text, out var given) || given > from)
            {
                return MatrixError.InvalidParam("from must be a token of this endpoint or of initialSync");
            }

            from = given;
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(request.HttpContext.RequestAborted, lifetime.ApplicationStopping);
        var timeout = TimeSpan.FromMilliseconds(Math.Min(timeoutMs ?? DefaultTimeoutMs, MaxTimeoutMs));
        var began = engine.Time.GetTimestamp();

        // "online: The default state when the user is connected to an event stream."
        presence.Synced(requester.UserNid, requester.UserId, requester.DeviceNid, PresenceState.Online, timeout);
        for (var after = from; ;)
        {
            // Taken before looking, so that nothing is missed.
            var next = roomId is not null && engine.Find(roomId) is { } room
                ? engine.Notifier.NextRoomChange(room.Nid)
                : engine.Notifier.NextChange(requester.UserNid);
            using (var look = NewEvents.Look(engine, sync, requester, roomId, after))
            {
                if (look.Error is not null)
                {
                    return look.Error;
                }

                var left = timeout - engine.Time.GetElapsedTime(began);
                if (look.Any || left <= TimeSpan.Zero || end.IsCancellationRequested)
                {
                    request.HttpContext.RequestAborted.ThrowIfCancellationRequested();
                    return LongJson.Write(spool, json => look.Write(json, new SyncToken(from, 0, 0)));
                }

                after = look.End;
            }

            if (!await sync.WaitAsync(next, requester.UserNid, requester.DeviceNid, timeout - engine.Time.GetElapsedTime(began), end.Token))
            {
                return MatrixError.LimitExceeded("Too many syncs are waiting already");
            }
        }
    }

    /// <summary><c>GET /_matrix/client/v3/events/{eventId}</c>, which is deprecated.</summary>
    public static IResult GetOne(string eventId, Requester requester, RoomEngine engine)
    {
        string? roomId;
        using (var db = engine.Database.OpenSnapshot())
        {
            roomId = EventTable.FindPlace(db, eventId) is var (_, room, _) ? RoomTable.Find(db, room)?.RoomId : null;
        }

        return RoomEvents.Get(roomId ?? "", eventId, requester, engine);
    }
}
