using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>The users of this server.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html#list-accounts</remarks>
internal static class UserList
{
    private const long DefaultLimit = 100;
    private const long MaxLimit = 1_000;

    /// <summary><c>GET /_synapse/admin/v2/users</c>, and <c>v3</c>, where the deactivated are not left out but asked for.</summary>
    public static IResult Get(HttpRequest request, Database database)
    {
        var (from, badFrom) = request.QueryInteger("from");
        var (limit, badLimit) = request.QueryInteger("limit", min: 1);
        var (guests, badGuests) = request.QueryBoolean("guests");
        var (admins, badAdmins) = request.QueryBoolean("admins");
        var (deactivated, badDeactivated) = request.QueryBoolean("deactivated");
        var (locked, badLocked) = request.QueryBoolean("locked");
        var (suspended, badSuspended) = request.QueryBoolean("suspended");
        var (order, badOrder) = request.QueryOneOf(
            "order_by", "name", "is_guest", "admin", "deactivated", "creation_ts", "locked", "displayname", "avatar_url", "last_seen_ts",
            "user_type", "shadow_banned");
        var (dir, badDir) = request.QueryOneOf("dir", "f", "b");
        if ((badFrom ?? badLimit ?? badGuests ?? badAdmins ?? badDeactivated ?? badLocked ?? badSuspended ?? badOrder ?? badDir) is { } bad)
        {
            return bad;
        }

        // v2 shows the deactivated only where they are asked for; v3 shows all unless told which.
        var isV3 = request.Path.Value?.Contains("/v3/", StringComparison.Ordinal) is true;
        using var db = database.OpenSnapshot();
        var asked = new AccountQuery(
            request.QueryText("name") is null ? request.QueryText("user_id") : null,
            request.QueryText("name"),
            guests,
            admins,
            isV3 ? deactivated : deactivated is true ? null : false,
            locked is true || isV3 ? null : false,
            suspended,
            order switch
            {
                "is_guest" => AccountOrder.Guest,
                "admin" => AccountOrder.Admin,
                "deactivated" => AccountOrder.Deactivated,
                "creation_ts" => AccountOrder.Created,
                "locked" => AccountOrder.Locked,
                "displayname" => AccountOrder.DisplayName,
                "avatar_url" => AccountOrder.AvatarUrl,
                "last_seen_ts" => AccountOrder.LastSeen,

                // All users are of one type here, and none is shadow-banned.
                _ => AccountOrder.UserId,
            },
            dir == "b");
        var start = from ?? 0;
        var (page, total) = AccountTable.Page(db, asked, start, Math.Min(limit ?? DefaultLimit, MaxLimit));
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("users"u8);
            foreach (var account in page)
            {
                json.WriteStartObject();
                AdminUser.WriteMembers(json, db, account);
                json.WriteNumber("creation_ts"u8, account.CreatedTs);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            if (start + page.Count < total)
            {
                json.WriteString("next_token"u8, $"{start + page.Count}");
            }

            json.WriteNumber("total"u8, total);
            json.WriteEndObject();
        });
    }
}
