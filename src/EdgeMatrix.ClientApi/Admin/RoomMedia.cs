using System.Text.Json;
using EdgeMatrix.Media;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>The media that messages of a room show; of encrypted messages nobody knows.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/media_admin_api.html#list-all-media-in-a-room</remarks>
internal static class RoomMedia
{
    private const int EventsPerSlice = 500;

    /// <summary><c>GET /_synapse/admin/v1/room/{roomId}/media</c></summary>
    public static IResult List(string roomId, RoomEngine engine)
    {
        if (engine.Find(roomId) is not { } room)
        {
            return RoomAdmin.NotFound();
        }

        var found = Find(engine, room);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            foreach (var (name, local) in new[] { ("local", true), ("remote", false) })
            {
                json.WriteStartArray(name);
                foreach (var uri in found.Where(uri => MediaUri.OfServer(uri, engine.Server) is not null == local))
                {
                    json.WriteStringValue(uri);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        });
    }

    /// <summary><c>POST /_synapse/admin/v1/room/{roomId}/media/quarantine</c></summary>
    public static async Task<IResult> Quarantine(
        string roomId, Requester requester, RoomEngine engine, MediaRepository media, RemoteMediaStore remote) =>
        engine.Find(roomId) is { } room
            ? await MediaAdmin.QuarantineManyAsync(
                Find(engine, room).Select(MediaUri.Split).OfType<(string, string)>(), requester, media, remote, engine.Server)
            : RoomAdmin.NotFound();

    /// <returns>URIs, each once, newest first.</returns>
    private static List<string> Find(RoomEngine engine, Room room)
    {
        var (found, known) = (new List<string>(), new HashSet<string>(StringComparer.Ordinal));
        for (long? from = long.MaxValue; from is { } at;)
        {
            // Each slice a snapshot of its own: a large room takes long, and others write meanwhile.
            using var db = engine.Database.OpenSnapshot();
            var slice = EventTable.Backward(db, room.Nid, at, long.MinValue, EventsPerSlice);
            found.AddRange(slice.Where(stored => !stored.IsState).SelectMany(stored => UrisOf(stored.Parse(room.Version))).Where(known.Add));
            from = slice.Count == EventsPerSlice ? slice[^1].Timeline - 1 : null;
        }

        return found;
    }

    private static IEnumerable<string> UrisOf(Pdu pdu)
    {
        var info = pdu.Content.TryGetProperty("info"u8, out var given) && given.ValueKind == JsonValueKind.Object ? given : default;
        return new[] { JsonContent.Text(pdu.Content, "url"), JsonContent.Text(info, "thumbnail_url") }
            .OfType<string>().Where(uri => MediaUri.Split(uri) is not null);
    }
}
