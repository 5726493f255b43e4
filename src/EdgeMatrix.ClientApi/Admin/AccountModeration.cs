using EdgeMatrix.Accounts;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>Locking and suspending accounts of this server.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#account-moderation</remarks>
internal static class AccountModeration
{
    private const string Suspended = "suspended";
    private const string Locked = "locked";

    /// <summary><c>GET /_matrix/client/v1/admin/suspend/{userId}</c></summary>
    public static IResult GetSuspended(string userId, Requester requester, UserAccounts accounts, LocalServer server) =>
        Get(userId, requester, accounts, server, Suspended);

    /// <summary><c>PUT /_matrix/client/v1/admin/suspend/{userId}</c></summary>
    public static Task<IResult> SetSuspended(string userId, HttpRequest request, Requester requester, UserAccounts accounts, LocalServer server) =>
        Set(userId, request, requester, accounts, server, Suspended);

    /// <summary><c>GET /_matrix/client/v1/admin/lock/{userId}</c></summary>
    public static IResult GetLocked(string userId, Requester requester, UserAccounts accounts, LocalServer server) =>
        Get(userId, requester, accounts, server, Locked);

    /// <summary><c>PUT /_matrix/client/v1/admin/lock/{userId}</c></summary>
    public static Task<IResult> SetLocked(string userId, HttpRequest request, Requester requester, UserAccounts accounts, LocalServer server) =>
        Set(userId, request, requester, accounts, server, Locked);

    private static IResult Get(string userId, Requester requester, UserAccounts accounts, LocalServer server, string what)
    {
        var (account, error) = Find(userId, requester, accounts, server, mayBeOwn: true);
        return error is null ? Answer(what, account!.Standing) : error;
    }

    private static async Task<IResult> Set(
        string userId, HttpRequest request, Requester requester, UserAccounts accounts, LocalServer server, string what)
    {
        var (account, error) = Find(userId, requester, accounts, server, mayBeOwn: false);
        if (error is not null)
        {
            return error;
        }

        var (body, badBody) = await request.ReadObjectAsync();
        if (badBody is not null)
        {
            return badBody;
        }

        if (!body.TryGetProperty(what, out var value))
        {
            return MatrixError.MissingParam(what);
        }

        if (value.ValueKind is not (System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False))
        {
            return MatrixError.BadJson($"{what} is neither true nor false");
        }

        var on = value.GetBoolean();
        var standing = await accounts.ChangeStandingAsync(
            account!.User, known => what == Locked ? known with { Locked = on } : known with { Suspended = on });
        return Answer(what, standing);
    }

    // "servers MUST ensure that authorisation is checked prior to trying to do account lookups."
    private static (AccountRow? Account, MatrixError? Error) Find(
        string userId, Requester requester, UserAccounts accounts, LocalServer server, bool mayBeOwn)
    {
        if (!requester.IsAdmin)
        {
            return (null, AdminOnly.Refusal());
        }

        if (userId is not ['@', ..] || !server.Owns(userId))
        {
            return (null, MatrixError.InvalidParam("The user is not of this server"));
        }

        if (accounts.Find(userId) is not { IsDeactivated: false } account)
        {
            return (null, MatrixError.NotFound("There is no such user"));
        }

        var own = account.User == requester.UserNid;
        return (own && !mayBeOwn) || (!own && account.Admin)
            ? (null, MatrixError.Forbidden(own ? "That is your own account" : "The user is an administrator"))
            : (account, null);
    }

    private static JsonText Answer(string what, AccountStanding standing) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteBoolean(what, what == Locked ? standing.Locked : standing.Suspended);
        json.WriteEndObject();
    });
}
