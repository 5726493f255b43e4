using EdgeMatrix.Media;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Media;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>What users have uploaded.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html#user-media</remarks>
internal static class UserMediaAdmin
{
    private const long DefaultLimit = 100;
    private const long MaxLimit = 1_000;

    /// <summary><c>GET /_synapse/admin/v1/users/{userId}/media</c></summary>
    public static IResult List(string userId, HttpRequest request, Database database, LocalServer server)
    {
        using var db = database.OpenSnapshot();
        var (page, total, from, error) = Read(db, userId, request, server);
        return error is not null ? error : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("media"u8);
            foreach (var media in page!)
            {
                json.WriteStartObject();
                MediaAdmin.WriteMembers(json, db, media);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            if (from + page.Count < total)
            {
                json.WriteNumber("next_token"u8, from + page.Count);
            }

            json.WriteNumber("total"u8, total);
            json.WriteEndObject();
        });
    }

    /// <summary><c>DELETE /_synapse/admin/v1/users/{userId}/media</c>: those that the same request would list.</summary>
    public static async Task<IResult> Delete(string userId, HttpRequest request, Database database, LocalServer server, MediaRepository media)
    {
        List<MediaRow>? page;
        MatrixError? error;
        using (var db = database.OpenSnapshot())
        {
            (page, _, _, error) = Read(db, userId, request, server);
        }

        return error ?? (IResult)MediaAdmin.Deleted(await MediaAdmin.DeleteManyAsync(media, page!.Select(row => row.MediaId)));
    }

    /// <summary><c>POST /_synapse/admin/v1/user/{userId}/media/quarantine</c></summary>
    public static async Task<IResult> Quarantine(
        string userId, Requester requester, Database database, LocalServer server, MediaRepository media, RemoteMediaStore remote)
    {
        List<MediaRow> all;
        using (var db = database.OpenSnapshot())
        {
            var (account, error) = AdminUser.Find(db, server, userId);
            if (account is null)
            {
                return error!;
            }

            all = UserMedia.Page(db, account.User, MediaOrder.Created, backward: false, 0, long.MaxValue);
        }

        return await MediaAdmin.QuarantineManyAsync(
            all.Where(row => !row.Quarantined).Select(row => (server.Name, row.MediaId)), requester, media, remote, server);
    }

    /// <summary><c>GET /_synapse/admin/v1/statistics/users/media</c></summary>
    /// <remarks>https://element-hq.github.io/synapse/latest/admin_api/statistics.html#users-media-usage-statistics</remarks>
    public static IResult Statistics(HttpRequest request, Database database)
    {
        var (from, badFrom) = request.QueryInteger("from");
        var (limit, badLimit) = request.QueryInteger("limit", min: 1);
        var (fromTs, badFromTs) = request.QueryInteger("from_ts");
        var (untilTs, badUntilTs) = request.QueryInteger("until_ts");
        var (order, badOrder) = request.QueryOneOf("order_by", "user_id", "displayname", "media_length", "media_count");
        var (dir, badDir) = request.QueryOneOf("dir", "f", "b");
        if ((badFrom ?? badLimit ?? badFromTs ?? badUntilTs ?? badOrder ?? badDir
            ?? (untilTs < fromTs ? MatrixError.InvalidParam("until_ts is before from_ts") : null)) is { } bad)
        {
            return bad;
        }

        var asked = new MediaUseQuery(
            request.QueryText("search_term") is { Length: > 0 } term ? term : null,
            fromTs,
            untilTs,
            order switch
            {
                "displayname" => MediaUseOrder.DisplayName,
                "media_length" => MediaUseOrder.Bytes,
                "media_count" => MediaUseOrder.Count,
                _ => MediaUseOrder.UserId,
            },
            dir == "b");
        using var db = database.OpenSnapshot();
        var (users, total) = UserMedia.Use(db, asked, from ?? 0, Math.Min(limit ?? DefaultLimit, MaxLimit));
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("users"u8);
            foreach (var user in users)
            {
                json.WriteStartObject();
                json.WritePropertyName("displayname"u8);
                json.WriteRawValue(user.DisplayName ?? "null");
                json.WriteNumber("media_count"u8, user.Count);
                json.WriteNumber("media_length"u8, user.Bytes);
                json.WriteString("user_id"u8, user.UserId);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            if ((from ?? 0) + users.Count < total)
            {
                json.WriteNumber("next_token"u8, (from ?? 0) + users.Count);
            }

            json.WriteNumber("total"u8, total);
            json.WriteEndObject();
        });
    }

    private static (List<MediaRow>? Page, long Total, long From, MatrixError? Error) Read(
        Session db, string userId, HttpRequest request, LocalServer server)
    {
        var (from, badFrom) = request.QueryInteger("from");
        var (limit, badLimit) = request.QueryInteger("limit", min: 1);
        var (order, badOrder) = request.QueryOneOf(
            "order_by", "created_ts", "media_id", "upload_name", "last_access_ts", "media_length", "media_type", "quarantined_by", "safe_from_quarantine");
        var (dir, badDir) = request.QueryOneOf("dir", "f", "b");
        var (account, unknown) = AdminUser.Find(db, server, userId);
        if ((badFrom ?? badLimit ?? badOrder ?? badDir ?? unknown) is { } bad)
        {
            return (null, 0, 0, bad);
        }

        // Newest first, unless told otherwise.
        var backward = dir == "b" || (dir is null && order is null);
        var start = from ?? 0;
        var by = order switch
        {
            "media_id" => MediaOrder.Id,
            "upload_name" => MediaOrder.Name,
            "last_access_ts" => MediaOrder.Accessed,
            "media_length" => MediaOrder.Bytes,
            "media_type" => MediaOrder.Type,
            "quarantined_by" => MediaOrder.Quarantined,
            "safe_from_quarantine" => MediaOrder.Protected,
            _ => MediaOrder.Created,
        };
        var page = UserMedia.Page(db, account!.User, by, backward, start, Math.Min(limit ?? DefaultLimit, MaxLimit));
        return (page, UserMedia.Count(db, account.User), start, null);
    }
}
