using EdgeMatrix.Accounts;
using EdgeMatrix.Accounts.Deactivation;
using EdgeMatrix.Accounts.Profiles;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>Making a user, or changing one.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html#create-or-modify-account</remarks>
internal static class UserEditing
{
    /// <summary><c>PUT /_synapse/admin/v2/users/{userId}</c>: 201 where it makes an account, 200 where it changes one.</summary>
    public static async Task<IResult> Set(
        string userId, HttpRequest request, Requester requester, Database database, LocalServer server, UserAccounts accounts,
        UserProfiles profiles, AccountDeactivation deactivation, UserThreePids userThreePids)
    {
        var (given, badBody) = await request.ReadObjectAsync();
        if (badBody is not null)
        {
            return badBody;
        }

        var body = new AdminBody(given);
        var (password, admin, locked, deactivated) =
            (body.Text("password"), body.Flag("admin"), body.Flag("locked"), body.Flag("deactivated"));
        var (displayName, avatar, logOut) = (body.Text("displayname"), body.Text("avatar_url"), body.Flag("logout_devices"));
        var (threepids, badThreepids) = ThreePidAdmin.Read(given);
        if ((body.Error ?? badThreepids ?? (password is null ? null : Passwords.Refuse(password, "password"))) is { } refused)
        {
            return refused;
        }

        if (userId is not ['@', ..] || !server.Owns(userId))
        {
            return MatrixError.BadRequest("The user is not of this server");
        }

        var account = accounts.Find(userId);
        if (threepids is not null && userThreePids.AnyOfAnother(threepids, account?.User))
        {
            return MatrixError.ThreepidInUse();
        }

        var isNew = account is null;
        if (account?.User == requester.UserNid && (admin is false || locked is true || deactivated is true))
        {
            return MatrixError.BadRequest("You may not do that to yourself");
        }

        if (account is { IsDeactivated: true } && deactivated is false && password is null)
        {
            return MatrixError.BadRequest("Whoever is to come back needs a password");
        }

        if (account is null)
        {
            var localpart = userId[1..userId.IndexOf(':', StringComparison.Ordinal)];
            (account, var verdict) = await accounts.AddAsync(localpart, password, admin is true, request.HttpContext.RequestAborted);
            if (account is null)
            {
                return Registration.Refuse(verdict)!;
            }
        }
        else
        {
            if (account.IsDeactivated && deactivated is false)
            {
                await accounts.ReactivateAsync(account.User);
            }

            if (password is not null && deactivated is not true)
            {
                await accounts.SetPasswordAsync(account.User, password, logOut is not false, except: null, request.HttpContext.RequestAborted);
            }
        }

        await accounts.ChangeStandingAsync(
            account.User, standing => standing with { Admin = admin ?? standing.Admin, Locked = locked ?? standing.Locked });
        if (threepids is not null)
        {
            await userThreePids.SetAsync(account.User, threepids);
        }

        await SetFieldAsync(profiles, account, "displayname", displayName, request);
        await SetFieldAsync(profiles, account, "avatar_url", avatar, request);
        if (deactivated is true)
        {
            await deactivation.DeactivateAsync(account.User, erase: body.Flag("erase") is true);
        }

        using var db = database.OpenSnapshot();
        return UserAdmin.Answer(
            db, AccountTable.Find(db, account.User)!, isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private static async Task SetFieldAsync(UserProfiles profiles, AccountRow account, string field, string? value, HttpRequest request)
    {
        if (value is "")
        {
            await profiles.RemoveAsync(account.User, account.UserId, field, request.HttpContext.RequestAborted);
        }
        else if (value is not null)
        {
            var json = EdgeMatrix.Rooms.JsonContent.Of("value", value).GetProperty("value");
            await profiles.SetAsync(account.User, account.UserId, field, json, request.HttpContext.RequestAborted);
        }
    }
}
