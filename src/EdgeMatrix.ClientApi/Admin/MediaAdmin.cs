using EdgeMatrix.Media;
using EdgeMatrix.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>Keeping media from everybody, and deleting them.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/media_admin_api.html</remarks>
internal static class MediaAdmin
{
    /// <summary><c>POST /_synapse/admin/v1/media/quarantine/{serverName}/{mediaId}</c></summary>
    public static Task<IResult> Quarantine(string serverName, string mediaId, MediaRepository media, LocalServer server) =>
        Quarantine(serverName, mediaId, media, server, quarantined: true);

    /// <summary><c>POST /_synapse/admin/v1/media/unquarantine/{serverName}/{mediaId}</c></summary>
    public static Task<IResult> Unquarantine(string serverName, string mediaId, MediaRepository media, LocalServer server) =>
        Quarantine(serverName, mediaId, media, server, quarantined: false);

    /// <summary><c>DELETE /_synapse/admin/v1/media/{serverName}/{mediaId}</c></summary>
    public static async Task<IResult> Delete(string serverName, string mediaId, MediaRepository media, LocalServer server) =>
        serverName == server.Name && await media.DeleteAsync(mediaId)
            ? JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("deleted_media"u8);
                json.WriteStringValue(mediaId);
                json.WriteEndArray();
                json.WriteNumber("total"u8, 1);
                json.WriteEndObject();
            })
            : NotFound();

    private static async Task<IResult> Quarantine(
        string serverName, string mediaId, MediaRepository media, LocalServer server, bool quarantined) =>
        serverName == server.Name && await media.QuarantineAsync(mediaId, quarantined) ? JsonText.Empty : NotFound();

    private static MatrixError NotFound() => MatrixError.NotFound("There are no such media here");
}
