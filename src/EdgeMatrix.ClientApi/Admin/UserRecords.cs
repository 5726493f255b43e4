using System.Text.Json;
using EdgeMatrix.ClientApi.PushRules;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>What is stored of a user: memberships, account data, pushers.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html</remarks>
internal static class UserRecords
{
    /// <summary><c>GET /_synapse/admin/v1/users/{userId}/memberships</c></summary>
    public static IResult Memberships(string userId, Database database)
    {
        using var db = database.OpenSnapshot();
        return userId is not ['@', ..] || UserTable.Find(db, userId) is not { } user
            ? MatrixError.NotFound("User not found")
            : JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteStartObject("memberships"u8);
                foreach (var row in MembershipTable.AllOfUser(db, user))
                {
                    if (RoomTable.Find(db, row.Room) is { } room)
                    {
                        json.WriteString(room.RoomId, Storage.Rooms.Memberships.Name(row.Membership));
                    }
                }

                json.WriteEndObject();
                json.WriteEndObject();
            });
    }

    /// <summary><c>GET /_synapse/admin/v1/users/{userId}/accountdata</c></summary>
    public static IResult AccountData(string userId, Database database, LocalServer server)
    {
        using var db = database.OpenSnapshot();
        var (account, error) = AdminUser.Find(db, server, userId);
        return account is null ? error! : JsonText.Write(json =>
        {
            var byRoom = AccountDataTable.Since(db, account.User, -1).ToLookup(row => row.Room);
            json.WriteStartObject();
            json.WriteStartObject("account_data"u8);
            json.WriteStartObject("global"u8);
            Write(json, byRoom[AccountDataTable.Global]);
            json.WriteEndObject();
            json.WriteStartObject("rooms"u8);
            foreach (var ofRoom in byRoom.Where(data => data.Key != AccountDataTable.Global))
            {
                if (RoomTable.Find(db, ofRoom.Key) is { } room)
                {
                    json.WriteStartObject(room.RoomId);
                    Write(json, ofRoom);
                    json.WriteEndObject();
                }
            }

            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /_synapse/admin/v1/users/{userId}/pushers</c></summary>
    public static IResult PushersOf(string userId, Database database, LocalServer server)
    {
        using var db = database.OpenSnapshot();
        var (account, error) = AdminUser.Find(db, server, userId);
        if (account is null)
        {
            return error!;
        }

        var pushers = PusherTable.OfUser(db, account.User);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("pushers"u8);
            pushers.ForEach(pusher => Pushers.Write(json, pusher));
            json.WriteEndArray();
            json.WriteNumber("total"u8, pushers.Count);
            json.WriteEndObject();
        });
    }

    private static void Write(Utf8JsonWriter json, IEnumerable<AccountDataRow> rows)
    {
        foreach (var row in rows)
        {
            json.WritePropertyName(row.Type);
            json.WriteRawValue(row.Content, skipInputValidation: true);
        }
    }
}
