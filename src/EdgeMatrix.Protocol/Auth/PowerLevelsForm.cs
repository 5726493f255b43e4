using System.Text.Json;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>What the content of an <c>m.room.power_levels</c> must look like: the first rules for it, which ask for no state.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules</remarks>
public static class PowerLevelsForm
{
    internal static readonly string[] Levels =
        ["users_default", "events_default", "state_default", "ban", "redact", "kick", "invite"];

    private static readonly string[] Maps = ["events", "notifications"];

    /// <summary>
    /// "A homeserver should take reasonable precautions to prevent users from sending new power level events with string values": what
    /// new events must look like, whatever the room version would let pass.
    /// </summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#definitions</remarks>
    public static AuthVerdict CheckNew(JsonElement content) => Check(content, RoomVersions.RoomVersions.V10);

    internal static AuthVerdict Check(JsonElement next, RoomVersion version)
    {
        if (version.IntegerPowerLevels && CheckIntegers(next) is { Allowed: false } malformed)
        {
            return malformed;
        }

        // v1 to v9: If the users property in content is not an object with keys that are valid user IDs with values that are integers (or
        // a string that is an integer), reject.
        // v10 on: … with values that are integers, reject.
        if (next.TryGetProperty("users"u8, out var users)
            && (!IsObjectOfLevels(users, version) || !users.EnumerateObject().All(static user => UserId.TryParse(user.Name, out _))))
        {
            return AuthVerdict.Reject("users is not an object of user ids and integers");
        }

        return AuthVerdict.Allow;
    }

    private static AuthVerdict CheckIntegers(JsonElement next)
    {
        // v10 on: If any of the properties users_default, events_default, state_default, ban, redact, kick, or invite in content are
        // present and not an integer, reject.
        foreach (var name in Levels)
        {
            if (next.TryGetProperty(name, out var level) && PowerLevelValue.Read(level, RoomVersions.RoomVersions.V10) is null)
            {
                return AuthVerdict.Reject($"{name} is not an integer");
            }
        }

        // v10 on: If either of the properties events or notifications in content are present and not an object with values that are
        // integers, reject.
        foreach (var map in Maps)
        {
            if (next.TryGetProperty(map, out var entries) && !IsObjectOfLevels(entries, RoomVersions.RoomVersions.V10))
            {
                return AuthVerdict.Reject($"{map} is not an object of integers");
            }
        }

        return AuthVerdict.Allow;
    }

    private static bool IsObjectOfLevels(JsonElement value, RoomVersion version) =>
        value.ValueKind == JsonValueKind.Object
        && value.EnumerateObject().All(entry => PowerLevelValue.Read(entry.Value, version) is not null);
}
