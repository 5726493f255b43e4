using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>
/// "If type is <c>m.room.power_levels</c>": rule 10 of v1 to v5, 9 of v6 to v11, 10 of v12. Nobody gives or takes more than they have.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules</remarks>
internal static class PowerLevelsAuth
{
    private static readonly string[] UpToVersion5 = ["events"];

    private static readonly string[] SinceVersion6 = ["events", "notifications"];

    public static AuthVerdict Check(Pdu candidate, RoomAuthState room)
    {
        var version = candidate.Version;
        var next = candidate.Content;
        if (PowerLevelsForm.Check(next, version) is { Allowed: false } malformed)
        {
            return malformed;
        }

        if (version.PrivilegedCreators && CheckCreators(next, room) is { Allowed: false } creatorNamed)
        {
            return creatorNamed;
        }

        // If there is no previous m.room.power_levels event in the room, allow.
        // With a state_key other than "" none is previous: it replaces none that has power, gets none, and its auth events hold none of
        // its own state_key. So Synapse reads it; ruma and gomatrixserverlib compare with the power levels of the room. State that one
        // server has and another has not changes the auth difference, and so what the two resolve: better the reading of most rooms.
        if (candidate.StateKey is not "" || room.PowerLevelsEvent is not { Content: var current })
        {
            return AuthVerdict.Allow;
        }

        var senderLevel = room.PowerLevels.ForUser(candidate.Sender);
        if (CheckLevels(current, next, version, senderLevel) is { Allowed: false } level)
        {
            return level;
        }

        foreach (var map in version.GuardsNotificationLevels ? SinceVersion6 : UpToVersion5)
        {
            if (Entries(current, map, version) is not { } before || Entries(next, map, version) is not { } after)
            {
                return AuthVerdict.Reject($"{map} holds something that is not a level");
            }

            if (CheckMap(map, before, after, senderLevel) is { Allowed: false } entry)
            {
                return entry;
            }
        }

        // Otherwise, allow.
        return Entries(current, "users", version) is { } users
            ? CheckUsers(users, Entries(next, "users", version)!, candidate.Sender, senderLevel)
            : AuthVerdict.Reject("users holds something that is not a level");
    }

    // v12: If the users property in content contains the sender of the m.room.create event or any of the additional_creators array (if
    // present) from the content of the m.room.create event, reject.
    private static AuthVerdict CheckCreators(JsonElement next, RoomAuthState room)
    {
        if (next.TryGetProperty("users"u8, out var users) && users.EnumerateObject().Any(user => room.Creators.Contains(user.Name)))
        {
            return AuthVerdict.Reject("users names a creator of the room, whose power level is beyond all");
        }

        return AuthVerdict.Allow;
    }

    // For the properties users_default, events_default, state_default, ban, redact, kick, invite check if they were added, changed or
    // removed. For each found alteration: …
    private static AuthVerdict CheckLevels(JsonElement current, JsonElement next, RoomVersion version, long senderLevel)
    {
        foreach (var name in PowerLevelsForm.Levels)
        {
            if (!TryLevel(current, name, version, out var before) || !TryLevel(next, name, version, out var after))
            {
                return AuthVerdict.Reject($"{name} is not a level");
            }

            if (before == after)
            {
                continue;
            }

            // If the current value is higher than the sender's current power level, reject.
            if (before > senderLevel)
            {
                return AuthVerdict.Reject($"the sender's power level is below the current value of {name}");
            }

            // If the new value is higher than the sender's current power level, reject.
            if (after > senderLevel)
            {
                return AuthVerdict.Reject($"the sender's power level is below the new value of {name}");
            }
        }

        return AuthVerdict.Allow;
    }

    private static AuthVerdict CheckMap(string map, Dictionary<string, long> current, Dictionary<string, long> next, long senderLevel)
    {
        // v1 to v5: For each entry being changed in, or removed from, the events property: …
        // v6 on: For each entry being changed in, or removed from, the events or notifications properties: If the current value is
        // greater than the sender's current power level, reject.
        foreach (var (key, before) in current)
        {
            if (IsAltered(key, before, next) && before > senderLevel)
            {
                return AuthVerdict.Reject($"the sender's power level is below the current value of an entry of {map}");
            }
        }

        return CheckNewValues(map, current, next, senderLevel);
    }

    private static AuthVerdict CheckUsers(Dictionary<string, long> current, Dictionary<string, long> next, string sender, long senderLevel)
    {
        // For each entry being changed in, or removed from, the users property, other than the sender's own entry: If the current value
        // is greater than or equal to the sender's current power level, reject.
        foreach (var (userId, before) in current)
        {
            if (userId != sender && IsAltered(userId, before, next) && before >= senderLevel)
            {
                return AuthVerdict.Reject("the sender changes the power level of someone who is not below them");
            }
        }

        return CheckNewValues("users", current, next, senderLevel);
    }

    // For each entry being added to, or changed in, the events, notifications or users properties: If the new value is greater than the
    // sender's current power level, reject.
    private static AuthVerdict CheckNewValues(
        string map, Dictionary<string, long> current, Dictionary<string, long> next, long senderLevel)
    {
        foreach (var (key, after) in next)
        {
            if (IsAltered(key, after, current) && after > senderLevel)
            {
                return AuthVerdict.Reject($"the sender's power level is below the new value of an entry of {map}");
            }
        }

        return AuthVerdict.Allow;
    }

    private static bool IsAltered(string key, long value, Dictionary<string, long> other) =>
        !other.TryGetValue(key, out var otherValue) || otherValue != value;

    // Null is a level that is not there; false is returned where something is there that is none.
    private static bool TryLevel(JsonElement content, string name, RoomVersion version, out long? level)
    {
        level = null;
        if (!content.TryGetProperty(name, out var value))
        {
            return true;
        }

        level = PowerLevelValue.Read(value, version);
        return level is not null;
    }

    // Null where something is there that is no object of levels: then nobody can say what was altered.
    private static Dictionary<string, long>? Entries(JsonElement content, string map, RoomVersion version)
    {
        var entries = new Dictionary<string, long>();
        if (!content.TryGetProperty(map, out var value))
        {
            return entries;
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        foreach (var entry in value.EnumerateObject())
        {
            if (PowerLevelValue.Read(entry.Value, version) is not { } level)
            {
                return null;
            }

            entries[entry.Name] = level;
        }

        return entries;
    }
}
