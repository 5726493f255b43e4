using System.Text.Json;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>A user as administrators see it.</summary>
internal static class AdminUser
{
    /// <summary>The account of a whole user id.</summary>
    /// <returns>Or why there is none: another server's, or nobody's.</returns>
    public static (AccountRow? Account, MatrixError? Error) Find(Session db, LocalServer server, string userId) =>
        userId is not ['@', ..] || !server.Owns(userId) ? (null, MatrixError.BadRequest("The user is not of this server"))
        : AccountTable.Find(db, userId) is { } account ? (account, null)
        : (null, MatrixError.NotFound("User not found"));

    /// <summary>Writes the members that the list of users and a single one share.</summary>
    public static void WriteMembers(Utf8JsonWriter json, Session db, AccountRow account)
    {
        json.WriteString("name"u8, account.UserId);
        json.WriteBoolean("is_guest"u8, account.Standing.Guest);
        json.WriteBoolean("admin"u8, account.Admin);
        json.WriteNull("user_type"u8);
        json.WriteBoolean("deactivated"u8, account.IsDeactivated);
        json.WriteBoolean("erased"u8, ErasedUserTable.Find(db, account.UserId) is not null);
        json.WriteBoolean("shadow_banned"u8, false);
        json.WriteBoolean("locked"u8, account.Standing.Locked);
        json.WriteBoolean("suspended"u8, account.Standing.Suspended);
        json.WriteBoolean("approved"u8, true);
        WriteField(json, db, account, "displayname");
        WriteField(json, db, account, "avatar_url");
        if (DeviceTable.OfUser(db, account.User).Max(device => device.LastSeenTs) is { } seen)
        {
            json.WriteNumber("last_seen_ts"u8, seen);
        }
        else
        {
            json.WriteNull("last_seen_ts"u8);
        }
    }

    private static void WriteField(Utf8JsonWriter json, Session db, AccountRow account, string field)
    {
        json.WritePropertyName(field);
        json.WriteRawValue(ProfileTable.Get(db, account.User, field) ?? "null");
    }
}
