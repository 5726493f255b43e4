using System.Text.Json;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Media;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>Which media of this server are the picture of somebody or of a room.</summary>
internal static class MediaPictures
{
    /// <returns>Their ids.</returns>
    public static HashSet<string> Find(Session db, LocalServer server)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (var avatar in UserMedia.Avatars(db))
        {
            Add(JsonElement.Parse(avatar) is { ValueKind: JsonValueKind.String } uri ? uri.GetString() : null);
        }

        for (var nid = 0L; RoomTable.FirstFrom(db, nid) is { } row; nid = row.Nid + 1)
        {
            Add(RoomAdmin.Text(db, row, "m.room.avatar", "url"));
        }

        return found;

        void Add(string? uri)
        {
            if (MediaUri.OfServer(uri, server) is { } mediaId)
            {
                found.Add(mediaId);
            }
        }
    }
}

/// <summary>An <c>mxc://</c> URI.</summary>
internal static class MediaUri
{
    private const string Scheme = "mxc://";

    /// <summary>The id of media of this server; null if the URI is another's, or none.</summary>
    public static string? OfServer(string? uri, LocalServer server) => Split(uri) is var (name, mediaId) && name == server.Name ? mediaId : null;

    public static (string ServerName, string MediaId)? Split(string? uri) =>
        uri?.StartsWith(Scheme, StringComparison.Ordinal) is true
        && uri[Scheme.Length..].Split('/') is [{ Length: > 0 } serverName, { Length: > 0 } mediaId]
            ? (serverName, mediaId)
            : null;
}
