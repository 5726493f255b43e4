using System.Text.Json;
using EdgeMatrix.Accounts;
using EdgeMatrix.ClientApi.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Reports;

/// <summary>Telling the administrators what should not be there.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#reporting-content</remarks>
internal static class Reporting
{
    private const int MaxReasonLength = 1_000;

    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/report/{eventId}</c></summary>
    public static async Task<IResult> Event(string roomId, string eventId, HttpRequest request, Requester requester, RoomEngine engine)
    {
        var (report, error) = await ReadAsync(request, requester, engine, reasonNeeded: false);
        if (error is not null)
        {
            return error;
        }

        // "servers MUST verify that the reporting user is currently joined to the room the event is in before accepting a report."
        var (view, _) = RoomView.Open(engine, requester, roomId);
        using (view)
        {
            if (view is not { IsJoined: true } || view.FindVisible(eventId) is not { } stored)
            {
                return MatrixError.NotFound("You are not in the room, or it has no such event");
            }

            report = report! with { RoomId = roomId, EventId = eventId, UserId = view.Parse(stored).Sender };
        }

        return await AddAsync(engine, requester, report);
    }

    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/report</c></summary>
    /// <remarks>"Homeservers that wish to conceal this information MAY return 200 responses regardless of the existence of the reported room."</remarks>
    public static async Task<IResult> Room(string roomId, HttpRequest request, Requester requester, RoomEngine engine)
    {
        var (report, error) = await ReadAsync(request, requester, engine, reasonNeeded: true);
        return error is not null ? error
            : engine.Find(roomId) is null ? JsonText.Empty
            : await AddAsync(engine, requester, report! with { RoomId = roomId });
    }

    /// <summary><c>POST /_matrix/client/v3/users/{userId}/report</c></summary>
    /// <remarks>Nobody learns from the answer who has an account here.</remarks>
    public static async Task<IResult> User(string userId, HttpRequest request, Requester requester, RoomEngine engine, UserAccounts accounts)
    {
        var (report, error) = await ReadAsync(request, requester, engine, reasonNeeded: true);
        return error is not null ? error
            : userId is not ['@', ..] || accounts.Find(userId) is null ? JsonText.Empty
            : await AddAsync(engine, requester, report! with { UserId = userId });
    }

    private static async Task<(ReportRow? Report, MatrixError? Error)> ReadAsync(
        HttpRequest request, Requester requester, RoomEngine engine, bool reasonNeeded)
    {
        var (body, error) = await request.ReadObjectOrEmptyAsync();
        if (error is not null)
        {
            return (null, error);
        }

        string? reason = null;
        if (body.TryGetProperty("reason", out var given) && given.ValueKind != JsonValueKind.Null)
        {
            if (given.ValueKind != JsonValueKind.String)
            {
                return (null, MatrixError.BadJson("reason is not a string"));
            }

            reason = given.GetString()!;
            reason = reason.Length > MaxReasonLength ? reason[..MaxReasonLength] : reason;
        }
        else if (reasonNeeded)
        {
            return (null, MatrixError.MissingParam("reason"));
        }

        // Part of the specification until v1.18.
        long? score = null;
        if (body.TryGetProperty("score", out var scored) && scored.ValueKind != JsonValueKind.Null)
        {
            if (scored.ValueKind != JsonValueKind.Number || !scored.TryGetInt64(out var number))
            {
                return (null, MatrixError.BadJson("score is not an integer"));
            }

            score = number;
        }

        return (new ReportRow(0, engine.Time.GetUtcNow().ToUnixTimeMilliseconds(), requester.UserId, null, null, null, reason, score), null);
    }

    private static async Task<IResult> AddAsync(RoomEngine engine, Requester requester, ReportRow report)
    {
        await engine.Database.WriteAsync(db => ReportTable.Add(db, requester.UserNid, report));
        return JsonText.Empty;
    }
}
