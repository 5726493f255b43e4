using EdgeMatrix.Accounts;
using EdgeMatrix.Accounts.Deactivation;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.ClientApi.ThirdPartyIdentifiers;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>One user of this server.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html</remarks>
internal static class UserAdmin
{
    /// <summary><c>GET /_synapse/admin/v2/users/{userId}</c></summary>
    public static IResult Get(string userId, Database database, LocalServer server)
    {
        using var db = database.OpenSnapshot();
        var (account, error) = AdminUser.Find(db, server, userId);
        return account is null ? error! : Answer(db, account, StatusCodes.Status200OK);
    }

    public static JsonText Answer(Session db, AccountRow account, int status) => JsonText.Write(status, json =>
    {
        json.WriteStartObject();
        AdminUser.WriteMembers(json, db, account);
        json.WriteNumber("creation_ts"u8, account.CreatedTs / 1_000);
        ThreePidJson.Write(json, ThreePidTable.OfUser(db, account.User));
        json.WriteStartArray("external_ids"u8);
        json.WriteEndArray();
        json.WriteNull("appservice_id"u8);
        json.WriteEndObject();
    });

    /// <summary><c>POST /_synapse/admin/v1/deactivate/{userId}</c></summary>
    public static async Task<IResult> Deactivate(
        string userId, HttpRequest request, Database database, LocalServer server, AccountDeactivation deactivation)
    {
        var (account, body, error) = await ReadAsync(userId, request, database, server);
        var erase = body?.Flag("erase") is true;
        if ((error ?? body!.Error) is { } refused)
        {
            return refused;
        }

        await deactivation.DeactivateAsync(account!.User, erase);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("id_server_unbind_result"u8, "success"u8);
            json.WriteEndObject();
        });
    }

    /// <summary><c>POST /_synapse/admin/v1/reset_password/{userId}</c></summary>
    public static async Task<IResult> ResetPassword(
        string userId, HttpRequest request, Database database, LocalServer server, UserAccounts accounts)
    {
        var (account, body, error) = await ReadAsync(userId, request, database, server);
        var password = body?.Text("new_password");
        var logOut = body?.Flag("logout_devices") is not false;
        if ((error ?? body!.Error ?? Passwords.Refuse(password, "new_password")) is { } refused)
        {
            return refused;
        }

        if (account!.IsDeactivated)
        {
            return MatrixError.BadRequest("The user is deactivated");
        }

        await accounts.SetPasswordAsync(account.User, password!, logOut, except: null, request.HttpContext.RequestAborted);
        return JsonText.Empty;
    }

    /// <summary><c>GET /_synapse/admin/v1/users/{userId}/admin</c></summary>
    public static IResult GetAdmin(string userId, Database database, LocalServer server)
    {
        using var db = database.OpenSnapshot();
        var (account, error) = AdminUser.Find(db, server, userId);
        return account is null ? error! : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteBoolean("admin"u8, account.Admin);
            json.WriteEndObject();
        });
    }

    /// <summary><c>PUT /_synapse/admin/v1/users/{userId}/admin</c></summary>
    public static async Task<IResult> SetAdmin(
        string userId, HttpRequest request, Requester requester, Database database, LocalServer server, UserAccounts accounts)
    {
        var (account, body, error) = await ReadAsync(userId, request, database, server);
        var admin = body?.Flag("admin");
        if ((error ?? body!.Error ?? (admin is null ? MatrixError.MissingParam("admin") : null)) is { } refused)
        {
            return refused;
        }

        // Somebody must be left who can undo it.
        if (admin is false && account!.User == requester.UserNid)
        {
            return MatrixError.BadRequest("You may not demote yourself");
        }

        await accounts.ChangeStandingAsync(account!.User, standing => standing with { Admin = admin!.Value });
        return JsonText.Empty;
    }

    /// <summary><c>PUT /_synapse/admin/v1/suspend/{userId}</c></summary>
    public static async Task<IResult> Suspend(
        string userId, HttpRequest request, Requester requester, Database database, LocalServer server, UserAccounts accounts)
    {
        var (account, body, error) = await ReadAsync(userId, request, database, server);
        var suspend = body?.Flag("suspend");
        if ((error ?? body!.Error ?? (suspend is null ? MatrixError.MissingParam("suspend") : null)) is { } refused)
        {
            return refused;
        }

        if (account!.User == requester.UserNid)
        {
            return MatrixError.BadRequest("You may not suspend yourself");
        }

        await accounts.ChangeStandingAsync(account.User, standing => standing with { Suspended = suspend!.Value });
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteBoolean($"user_{account.UserId}_suspended", suspend!.Value);
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /_synapse/admin/v1/users/{userId}/joined_rooms</c></summary>
    public static IResult JoinedRooms(string userId, Database database)
    {
        using var db = database.OpenSnapshot();
        if (userId is not ['@', ..] || UserTable.Find(db, userId) is not { } user)
        {
            return MatrixError.NotFound("User not found");
        }

        var rooms = MembershipTable.OfUser(db, user, Membership.Join).Select(row => RoomTable.Find(db, row.Room)?.RoomId).OfType<string>().ToList();
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("joined_rooms"u8);
            rooms.ForEach(json.WriteStringValue);
            json.WriteEndArray();
            json.WriteNumber("total"u8, rooms.Count);
            json.WriteEndObject();
        });
    }

    /// <summary><c>POST /_synapse/admin/v1/users/{userId}/login</c></summary>
    /// <remarks>Unlike Synapse's the token has a device, which the user sees in the list of theirs.</remarks>
    public static async Task<IResult> LogIn(
        string userId, HttpRequest request, Requester requester, Database database, LocalServer server, Logins logins)
    {
        var (account, body, error) = await ReadAsync(userId, request, database, server);
        var until = body?.Number("valid_until_ms");
        if ((error ?? body!.Error) is { } refused)
        {
            return refused;
        }

        if (account!.IsDeactivated || account.User == requester.UserNid)
        {
            return MatrixError.BadRequest(account.IsDeactivated ? "The user is deactivated" : "You are logged in as yourself already");
        }

        var token = await logins.LogInAsAsync(account.User, $"Administrator {requester.UserId}", until);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("access_token"u8, token);
            json.WriteEndObject();
        });
    }

    private static async Task<(AccountRow? Account, AdminBody? Body, MatrixError? Error)> ReadAsync(
        string userId, HttpRequest request, Database database, LocalServer server)
    {
        var (body, badBody) = await request.ReadObjectOrEmptyAsync();
        if (badBody is not null)
        {
            return (null, null, badBody);
        }

        using var db = database.OpenSnapshot();
        var (account, error) = AdminUser.Find(db, server, userId);
        return (account, new AdminBody(body), error);
    }
}
