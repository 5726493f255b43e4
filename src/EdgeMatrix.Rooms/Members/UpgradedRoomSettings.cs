using System.Text;
using System.Text.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Members;

/// <summary>
/// "When a user joins the new room, the server should automatically transfer/replicate some of the user's personalized settings such as
/// notifications, tags, etc.": the tags, the push rules of the room, and its place among the direct chats. The names that this server gave the old
/// room are the new one's from then on, too.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#room-upgrades</remarks>
internal static class UpgradedRoomSettings
{
    private const string Tags = "m.tag";
    private const string Direct = "m.direct";
    private const string PushRules = "m.push_rules";

    /// <summary>As many bytes as a user's push rules may have.</summary>
    private const int MaxRulesBytes = 256 * 1024;

    /// <summary>Copies what a user set for the room that this one replaces; nothing happens where it replaces none.</summary>
    public static async Task CarryOverAsync(RoomEngine engine, Room room, string userId)
    {
        long user;
        RoomRow? old;
        using (var db = engine.Database.OpenSnapshot())
        {
            old = Predecessor(engine, db, room);
            user = UserTable.Find(db, userId) ?? 0;
            if (old is null || MembershipTable.Find(db, old.Nid, user) is null)
            {
                return;
            }
        }

        await engine.Database.WriteAsync(db =>
        {
            MoveNames(db, old.Nid, room.Nid);
            Edit(old.Nid, Tags, room.Nid, tags => tags);
            Edit(AccountDataTable.Global, Direct, AccountDataTable.Global, direct => WithRoom(direct, old.RoomId, room.Id));
            Edit(AccountDataTable.Global, PushRules, AccountDataTable.Global, rules => WithRules(rules, old.RoomId, room.Id));

            void Edit(long from, string type, long to, Func<JsonElement, JsonElement?> edit)
            {
                if (AccountDataTable.Find(db, user, from, type) is not { } stored
                    || (to != from && AccountDataTable.Find(db, user, to, type) is not null)
                    || edit(JsonElement.Parse(stored)) is not { } edited)
                {
                    return;
                }

                var position = db.NextPosition();
                AccountDataTable.Set(db, user, to, type, edited.GetRawText(), position);
                db.AfterCommit(() => engine.Notifier.UserChanged(user, position));
            }
        });
    }

    /// <summary>"Moves any local aliases to the new room", and the place in the directory: here and on the servers of those who follow.</summary>
    public static void MoveNames(WriteTransaction db, long old, long replacement)
    {
        RoomAliasTable.Move(db, old, replacement);
        if (RoomTable.IsListed(db, old))
        {
            RoomTable.SetListed(db, old, false);
            RoomTable.SetListed(db, replacement, true);
        }
    }

    // Anybody may name any room as the predecessor of theirs; which room replaces another, that other says.
    private static RoomRow? Predecessor(RoomEngine engine, Session db, Room room)
    {
        if (RoomTable.Find(db, room.Id) is { } row
            && RoomStateReader.Find(db, room.Version, row.State, "m.room.create", "") is { } create
            && create.Content.TryGetProperty("predecessor", out var predecessor)
            && JsonContent.Text(predecessor, "room_id") is { } oldId
            && RoomTable.Find(db, oldId) is { } old
            && engine.Find(db, old) is { } oldRoom
            && RoomStateReader.Find(db, oldRoom.Version, old.State, "m.room.tombstone", "") is { } tombstone
            && JsonContent.Text(tombstone.Content, "replacement_room") == room.Id)
        {
            return old;
        }

        return null;
    }

    /// <summary><c>m.direct</c> with the new room beside the old one; null if the old one is not in it.</summary>
    private static JsonElement? WithRoom(JsonElement direct, string oldId, string newId)
    {
        var any = false;
        var edited = JsonContent.Object(json =>
        {
            foreach (var user in direct.EnumerateObject())
            {
                if (user.Value.ValueKind != JsonValueKind.Array || !Has(user.Value, oldId) || Has(user.Value, newId))
                {
                    user.WriteTo(json);
                    continue;
                }

                any = true;
                json.WriteStartArray(user.Name);
                foreach (var room in user.Value.EnumerateArray())
                {
                    room.WriteTo(json);
                }

                json.WriteStringValue(newId);
                json.WriteEndArray();
            }
        });
        return any ? edited : null;

        static bool Has(JsonElement rooms, string id) => rooms.EnumerateArray().Any(room => room.ValueKind == JsonValueKind.String && room.ValueEquals(id));
    }

    /// <summary>
    /// <c>m.push_rules</c> with a rule for the new room above each of the old one: of the kind <c>room</c>, and those that clients override
    /// others with, whose id is the room's too. Null if there is none.
    /// </summary>
    private static JsonElement? WithRules(JsonElement rules, string oldId, string newId)
    {
        if (!rules.TryGetProperty("global", out var global) || global.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var any = false;
        var edited = JsonContent.Object(json =>
        {
            json.WriteStartObject("global");
            foreach (var kind in global.EnumerateObject())
            {
                if (kind.Name is not ("room" or "override") || kind.Value.ValueKind != JsonValueKind.Array)
                {
                    kind.WriteTo(json);
                    continue;
                }

                var known = kind.Value.EnumerateArray().Any(rule => JsonContent.Text(rule, "rule_id") == newId);
                json.WriteStartArray(kind.Name);
                foreach (var rule in kind.Value.EnumerateArray())
                {
                    if (!known && JsonContent.Text(rule, "rule_id") == oldId)
                    {
                        any = true;
                        WriteReplaced(json, rule, oldId, newId);
                    }

                    rule.WriteTo(json);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        });
        return any && Encoding.UTF8.GetByteCount(edited.GetRawText()) <= MaxRulesBytes ? edited : null;
    }

    /// <summary>Writes a value with one string in it put in the place of another.</summary>
    private static void WriteReplaced(Utf8JsonWriter json, JsonElement value, string oldText, string newText)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var property in value.EnumerateObject())
                {
                    json.WritePropertyName(property.Name);
                    WriteReplaced(json, property.Value, oldText, newText);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    WriteReplaced(json, item, oldText, newText);
                }

                json.WriteEndArray();
                break;
            case JsonValueKind.String when value.ValueEquals(oldText):
                json.WriteStringValue(newText);
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }
}
