using System.Text.Json;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Accounts;

/// <summary>The tags that users put on rooms: the <c>m.tag</c> of the rooms' account data.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#room-tagging</remarks>
public sealed class RoomTags(Database database, ChangeNotifier notifier)
{
    private const string Type = "m.tag";

    /// <summary>The content of <c>m.tag</c>, with no tags if there is none.</summary>
    /// <param name="user">Nid of the user.</param>
    /// <param name="room">Nid of the room.</param>
    public byte[] List(long user, long room)
    {
        using var snapshot = database.OpenSnapshot();
        return AccountDataTable.Find(snapshot, user, room, Type) ?? """{"tags":{}}"""u8.ToArray();
    }

    /// <param name="content">What is kept with the tag: an object, with an <c>order</c> perhaps.</param>
    public Task SetAsync(long user, long room, string tag, JsonElement content) =>
        database.WriteAsync(db => Store(db, user, room, tag, content));

    /// <summary>Takes a tag off; nothing happens if it is not there.</summary>
    public Task RemoveAsync(long user, long room, string tag) =>
        database.WriteAsync(db => Store(db, user, room, tag, null));

    private void Store(WriteTransaction db, long user, long room, string tag, JsonElement? content)
    {
        var tags = Read(AccountDataTable.Find(db, user, room, Type));
        if (content is null && tags.All(known => known.Name != tag))
        {
            return;
        }

        var text = Json.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("tags"u8);
            foreach (var (name, value) in tags.Where(known => known.Name != tag))
            {
                json.WritePropertyName(name);
                value.WriteTo(json);
            }

            if (content is { } given)
            {
                json.WritePropertyName(tag);
                given.WriteTo(json);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        });
        AccountData.Set(db, notifier, user, room, Type, text);
    }

    // Clients may write m.tag as a whole, as they like: what is no tag is dropped.
    private static List<(string Name, JsonElement Content)> Read(byte[]? stored) =>
        stored is not null
        && JsonElement.Parse(stored).TryGetProperty("tags", out var tags)
        && tags.ValueKind == JsonValueKind.Object
            ? [.. tags.EnumerateObject().Where(tag => tag.Value.ValueKind == JsonValueKind.Object).Select(tag => (tag.Name, tag.Value))]
            : [];
}
