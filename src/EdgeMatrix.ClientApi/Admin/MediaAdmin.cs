using System.Text.Json;
using EdgeMatrix.Media;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Media;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>Looking at media, keeping them from everybody, and deleting them.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/media_admin_api.html</remarks>
internal static class MediaAdmin
{
    // Before May 1970 in milliseconds: whoever gives less counts in seconds.
    private const long LeastTs = 10_000_000_000;

    /// <summary><c>GET /_synapse/admin/v1/media/{serverName}/{mediaId}</c></summary>
    public static IResult Get(string serverName, string mediaId, Database database, LocalServer server)
    {
        using var db = database.OpenSnapshot();
        return serverName != server.Name || MediaTable.Find(db, mediaId) is not { File: { } file } media ? NotFound() : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("media_info"u8);
            json.WriteString("media_origin"u8, server.Name);
            json.WriteString("user_id"u8, UserTable.Name(db, media.Uploader));
            WriteMembers(json, db, media);
            json.WriteString("sha256"u8, Convert.ToHexStringLower(file.Hash.ToBytes()));
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    /// <summary><c>POST /_synapse/admin/v1/media/quarantine/{serverName}/{mediaId}</c></summary>
    public static async Task<IResult> Quarantine(
        string serverName, string mediaId, Requester requester, MediaRepository media, RemoteMediaStore remote, LocalServer server) =>
        await QuarantineAsync(serverName, mediaId, requester, media, remote, server) switch
        {
            QuarantineVerdict.Done => JsonText.Empty,
            QuarantineVerdict.Protected => MatrixError.BadRequest("The media are protected from quarantine"),
            _ => NotFound(),
        };

    /// <summary><c>POST /_synapse/admin/v1/media/unquarantine/{serverName}/{mediaId}</c></summary>
    public static async Task<IResult> Unquarantine(
        string serverName, string mediaId, MediaRepository media, RemoteMediaStore remote, LocalServer server) =>
        await (serverName == server.Name ? media.UnquarantineAsync(mediaId) : remote.UnquarantineAsync(serverName, mediaId))
            ? JsonText.Empty
            : NotFound();

    /// <summary>
    /// <c>POST /_synapse/admin/v1/purge_media_cache</c>: deletes media of other servers that nobody has asked for since <c>before_ts</c>.
    /// </summary>
    public static async Task<IResult> PurgeRemote(HttpRequest request, RemoteMediaStore remote)
    {
        var (before, error) = request.QueryInteger("before_ts", min: LeastTs);
        if ((error ?? (before is null ? MatrixError.MissingParam("before_ts") : null)) is { } bad)
        {
            return bad;
        }

        var deleted = await remote.PurgeAsync(before!.Value, request.HttpContext.RequestAborted);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("deleted"u8, deleted);
            json.WriteEndObject();
        });
    }

    /// <summary><c>POST /_synapse/admin/v1/media/protect/{mediaId}</c>, or <c>unprotect</c></summary>
    public static async Task<IResult> Protect(string mediaId, MediaRepository media, bool isProtected) =>
        await media.ProtectAsync(mediaId, isProtected) ? JsonText.Empty : NotFound();

    /// <summary><c>DELETE /_synapse/admin/v1/media/{serverName}/{mediaId}</c></summary>
    public static async Task<IResult> Delete(string serverName, string mediaId, MediaRepository media, LocalServer server) =>
        serverName == server.Name && await media.DeleteAsync(mediaId) ? Deleted([mediaId]) : NotFound();

    /// <summary><c>POST /_synapse/admin/v1/media/delete</c>: those that nobody has asked for since <c>before_ts</c>, told to the day.</summary>
    public static async Task<IResult> DeleteIdle(HttpRequest request, MediaRepository media, Database database, LocalServer server)
    {
        var (before, badBefore) = request.QueryInteger("before_ts", min: LeastTs);
        var (size, badSize) = request.QueryInteger("size_gt");
        var (keep, badKeep) = request.QueryBoolean("keep_profiles");
        if ((badBefore ?? badSize ?? badKeep ?? (before is null ? MatrixError.MissingParam("before_ts") : null)) is { } bad)
        {
            return bad;
        }

        List<string> idle;
        using (var db = database.OpenSnapshot())
        {
            var pictures = keep is false ? [] : MediaPictures.Find(db, server);
            idle = [.. UserMedia.Idle(db, before!.Value, size ?? 0).Where(mediaId => !pictures.Contains(mediaId))];
        }

        return Deleted(await DeleteManyAsync(media, idle));
    }

    /// <returns>Those that were there.</returns>
    public static async Task<List<string>> DeleteManyAsync(MediaRepository media, IEnumerable<string> mediaIds)
    {
        var deleted = new List<string>();
        foreach (var mediaId in mediaIds)
        {
            if (await media.DeleteAsync(mediaId))
            {
                deleted.Add(mediaId);
            }
        }

        return deleted;
    }

    /// <summary>Quarantines media, one after the other, and tells how many.</summary>
    public static async Task<IResult> QuarantineManyAsync(
        IEnumerable<(string ServerName, string MediaId)> uris,
        Requester requester,
        MediaRepository media,
        RemoteMediaStore remote,
        LocalServer server)
    {
        var count = 0;
        foreach (var (serverName, mediaId) in uris)
        {
            count += await QuarantineAsync(serverName, mediaId, requester, media, remote, server) == QuarantineVerdict.Done ? 1 : 0;
        }

        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("num_quarantined"u8, count);
            json.WriteEndObject();
        });
    }

    public static JsonText Deleted(List<string> mediaIds) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("deleted_media"u8);
        mediaIds.ForEach(json.WriteStringValue);
        json.WriteEndArray();
        json.WriteNumber("total"u8, mediaIds.Count);
        json.WriteEndObject();
    });

    /// <summary>Writes the members that a list of media and a single one share.</summary>
    public static void WriteMembers(Utf8JsonWriter json, Session db, MediaRow media)
    {
        json.WriteString("media_id"u8, media.MediaId);
        json.WriteString("media_type"u8, media.File!.Type);
        json.WriteNumber("media_length"u8, media.File.Bytes);
        json.WriteString("upload_name"u8, media.File.Name);
        json.WriteNumber("created_ts"u8, media.CreatedTs);
        json.WriteNumber("last_access_ts"u8, media.AccessedTs);
        json.WriteString("quarantined_by"u8, media.QuarantinedBy is { } by ? UserTable.Name(db, by) : null);
        json.WriteBoolean("safe_from_quarantine"u8, media.Protected);
    }

    private static Task<QuarantineVerdict> QuarantineAsync(
        string serverName, string mediaId, Requester requester, MediaRepository media, RemoteMediaStore remote, LocalServer server) =>
        serverName == server.Name
            ? media.QuarantineAsync(mediaId, requester.UserNid)
            : remote.QuarantineAsync(serverName, mediaId, requester.UserNid);

    private static MatrixError NotFound() => MatrixError.NotFound("There are no such media here");
}
