using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Rooms.Creation;

/// <summary>The power levels of a room as its replacement in another version has them.</summary>
internal static class UpgradedPowerLevels
{
    private const long CreatorLevel = 100;
    private const long OnlyCreators = 150;
    private const long StateDefault = 50;
    private const string Tombstone = "m.room.tombstone";

    /// <param name="content">Of the old room; null if it has none.</param>
    /// <param name="level">The user's in the old room; <see cref="long.MaxValue"/> for a creator there.</param>
    /// <param name="user">Who makes the replacement.</param>
    /// <param name="creators">Who else is its creator.</param>
    /// <returns>What the room begins with, so that the user may set its state; and what follows, null if it is the same.</returns>
    public static (JsonElement Initial, JsonElement? Final) Of(
        RoomVersion oldVersion, JsonElement? content, long level, string user, RoomVersion version, string[] creators)
    {
        if (content is not { } old)
        {
            return (DefaultPowerLevels.Content(version, user, [], inviteLevel: 0, overrides: null), null);
        }

        var users = Levels(old, "users", oldVersion).Where(entry => UserId.TryParse(entry.Key, out _)).ToDictionary();
        var events = Levels(old, "events", oldVersion);
        if (version.PrivilegedCreators)
        {
            // Creators stand above all levels, and the power levels must not name them.
            foreach (var creator in creators.Prepend(user))
            {
                users.Remove(creator);
            }

            // An upgrade replaces the creators, so only creators should be able to.
            if (!oldVersion.PrivilegedCreators)
            {
                events[Tombstone] = Math.Max(OnlyCreators, events.GetValueOrDefault(Tombstone));
            }

            return (Write(old, oldVersion, users, events), null);
        }

        var needed = events.Values.Concat(Single(old, oldVersion).Select(entry => entry.Value)).Append(StateDefault).Max();
        if (level == long.MaxValue)
        {
            // A creator who stood above all levels has the highest of them now.
            users[user] = Math.Max(CreatorLevel, needed);
            return (Write(old, oldVersion, users, events), null);
        }

        var final = Write(old, oldVersion, users, events);
        if (level >= needed)
        {
            return (final, null);
        }

        users[user] = needed;
        return (Write(old, oldVersion, users, events), final);
    }

    private static JsonElement Write(JsonElement old, RoomVersion oldVersion, Dictionary<string, long> users, Dictionary<string, long> events) =>
        JsonContent.Object(json =>
        {
            foreach (var (name, level) in Single(old, oldVersion))
            {
                json.WriteNumber(name, level);
            }

            WriteMap(json, "events", events);
            WriteMap(json, "notifications", Levels(old, "notifications", oldVersion));
            WriteMap(json, "users", users);
        });

    private static void WriteMap(Utf8JsonWriter json, string name, Dictionary<string, long> levels)
    {
        if (levels.Count == 0 && name == "notifications")
        {
            return;
        }

        json.WriteStartObject(name);
        foreach (var (key, level) in levels)
        {
            json.WriteNumber(key, level);
        }

        json.WriteEndObject();
    }

    // Old versions let levels be other things than integers; what reads as none is left out.
    private static Dictionary<string, long> Levels(JsonElement content, string map, RoomVersion version) =>
        content.TryGetProperty(map, out var levels) && levels.ValueKind == JsonValueKind.Object ? Read(levels, version) : [];

    private static Dictionary<string, long> Single(JsonElement content, RoomVersion version) => Read(content, version);

    private static Dictionary<string, long> Read(JsonElement levels, RoomVersion version)
    {
        var read = new Dictionary<string, long>();
        foreach (var property in levels.EnumerateObject())
        {
            if (property.Value.ValueKind is JsonValueKind.Number or JsonValueKind.String && PowerLevelValue.Read(property.Value, version) is { } level)
            {
                read[property.Name] = level;
            }
        }

        return read;
    }
}
