using EdgeMatrix.Accounts;
using EdgeMatrix.Accounts.Notices;
using EdgeMatrix.Rooms.Engine;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>Sending notices of the server to a user.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/server_notices.html</remarks>
internal static class NoticesAdmin
{
    /// <summary><c>POST /_synapse/admin/v1/send_server_notice</c></summary>
    public static Task<IResult> Send(HttpRequest request, UserAccounts accounts, ServerNotices notices) =>
        SendAsync(null, request, accounts, notices);

    /// <summary><c>PUT /_synapse/admin/v1/send_server_notice/{txnId}</c>: repeated, it has its effect once.</summary>
    public static Task<IResult> SendOnce(string txnId, HttpRequest request, Requester requester, UserAccounts accounts, ServerNotices notices) =>
        SendAsync(new TransactionId(requester.DeviceNid, "send_server_notice", txnId), request, accounts, notices);

    private static async Task<IResult> SendAsync(TransactionId? transaction, HttpRequest request, UserAccounts accounts, ServerNotices notices)
    {
        var (given, badBody) = await request.ReadObjectAsync();
        if (badBody is not null)
        {
            return badBody;
        }

        var body = new AdminBody(given);
        var (userId, type, stateKey) = (body.Text("user_id"), body.Text("type"), body.Text("state_key"));
        if (body.Error is not null)
        {
            return body.Error;
        }

        if (userId is null || !given.TryGetProperty("content", out var content))
        {
            return MatrixError.MissingParam(userId is null ? "user_id" : "content");
        }

        if (!notices.Enabled)
        {
            return MatrixError.BadRequest("Server notices are not enabled on this server");
        }

        if (userId is not ['@', ..] || accounts.Find(userId) is not { IsDeactivated: false } user)
        {
            return MatrixError.NotFound("No such user has an account here");
        }

        var (eventId, refusal) = await notices.SendAsync(user, type ?? "m.room.message", stateKey, content, transaction, request.HttpContext.RequestAborted);
        return refusal is not null ? MatrixError.From(refusal) : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("event_id"u8, eventId);
            json.WriteEndObject();
        });
    }
}
