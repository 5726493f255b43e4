using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>"If type is <c>m.room.power_levels</c>": rule 9 of v10 and v11, 10 of v12. Nobody gives or takes more than they have.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules</remarks>
internal static class PowerLevelsAuth
{
    private static readonly string[] Levels = ["users_default", "events_default", "state_default", "ban", "redact", "kick", "invite"];

    private static readonly string[] Maps = ["events", "notifications"];

    public static AuthVerdict Check(Pdu candidate, RoomAuthState room)
    {
        var next = candidate.Content;
        if (CheckTypes(next) is { Allowed: false } malformed)
        {
            return malformed;
        }

        if (candidate.Version.PrivilegedCreators && CheckCreators(next, room) is { Allowed: false } creatorNamed)
        {
            return creatorNamed;
        }

        // If there is no previous m.room.power_levels event in the room, allow.
        if (room.PowerLevelsEvent is not { Content: var current })
        {
            return AuthVerdict.Allow;
        }

        var senderLevel = room.PowerLevels.ForUser(candidate.Sender);
        if (CheckLevels(current, next, senderLevel) is { Allowed: false } level)
        {
            return level;
        }

        foreach (var map in Maps)
        {
            if (CheckMap(map, Entries(current, map), Entries(next, map), senderLevel) is { Allowed: false } entry)
            {
                return entry;
            }
        }

        // Otherwise, allow.
        return CheckUsers(Entries(current, "users"), Entries(next, "users"), candidate.Sender, senderLevel);
    }

    private static AuthVerdict CheckTypes(JsonElement next)
    {
        // If any of the properties users_default, events_default, state_default, ban, redact, kick, or invite in content are present
        // and not an integer, reject.
        foreach (var name in Levels)
        {
            if (next.TryGetProperty(name, out var level) && level.AsInteger() is null)
            {
                return AuthVerdict.Reject($"{name} is not an integer");
            }
        }

        // If either of the properties events or notifications in content are present and not an object with values that are integers,
        // reject.
        foreach (var map in Maps)
        {
            if (next.TryGetProperty(map, out var entries) && !IsObjectOfIntegers(entries))
            {
                return AuthVerdict.Reject($"{map} is not an object of integers");
            }
        }

        // If the users property in content is not an object with keys that are valid user IDs with values that are integers, reject.
        if (next.TryGetProperty("users"u8, out var users)
            && (!IsObjectOfIntegers(users) || !users.EnumerateObject().All(static user => UserId.TryParse(user.Name, out _))))
        {
            return AuthVerdict.Reject("users is not an object of user ids and integers");
        }

        return AuthVerdict.Allow;
    }

    // v12: If the users property in content contains the sender of the m.room.create event or any of the additional_creators array (if
    // present) from the content of the m.room.create event, reject.
    private static AuthVerdict CheckCreators(JsonElement next, RoomAuthState room)
    {
        foreach (var userId in Entries(next, "users").Keys)
        {
            if (room.Creators.Contains(userId))
            {
                return AuthVerdict.Reject("users names a creator of the room, whose power level is beyond all");
            }
        }

        return AuthVerdict.Allow;
    }

    // For the properties users_default, events_default, state_default, ban, redact, kick, invite check if they were added, changed or
    // removed. For each found alteration: …
    private static AuthVerdict CheckLevels(JsonElement current, JsonElement next, long senderLevel)
    {
        foreach (var name in Levels)
        {
            var before = current.TryGetProperty(name, out var old) ? old.AsInteger() : null;
            var after = next.TryGetProperty(name, out var changed) ? changed.AsInteger() : null;
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
        // For each entry being changed in, or removed from, the events or notifications properties: If the current value is greater
        // than the sender's current power level, reject.
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

    private static bool IsObjectOfIntegers(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object && value.EnumerateObject().All(static entry => entry.Value.AsInteger() is not null);

    private static Dictionary<string, long> Entries(JsonElement content, string map)
    {
        var entries = new Dictionary<string, long>();
        if (content.TryGetProperty(map, out var value) && value.ValueKind == JsonValueKind.Object)
        {
            foreach (var entry in value.EnumerateObject())
            {
                if (entry.Value.AsInteger() is { } level)
                {
                    entries[entry.Name] = level;
                }
            }
        }

        return entries;
    }
}
