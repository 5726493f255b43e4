using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>Who stands how high in a room, and how high one must stand for what; with the defaults where nothing is said.</summary>
/// <remarks>
/// Up to room version 9 the rules let power levels pass that hold something else than a level. What asks for such a one is refused, as
/// by the servers that those rooms grew up with: nobody reaches it, and whom it is given to reaches nothing. <c>null</c> is as if absent.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels
/// </remarks>
public sealed class PowerLevels
{
    private const long CreatorWithoutPowerLevels = 100;
    private const long DefaultNotificationLevel = 50;
    private const long Unreachable = long.MaxValue;
    private const long BelowAll = long.MinValue;

    private readonly RoomCreators _creators;
    private readonly RoomVersion _version;

    // Undefined, in which nothing is found, if the room has no power levels.
    private readonly JsonElement _content;

    private PowerLevels(RoomVersion version, Pdu? powerLevels, Pdu create)
    {
        _creators = new RoomCreators(create);
        _version = version;
        _content = powerLevels is null ? default : powerLevels.Content;
    }

    public long Ban => Level("ban"u8, 50);

    public long Kick => Level("kick"u8, 50);

    public long Redact => Level("redact"u8, 50);

    public long Invite => Level("invite"u8, 0);

    public long StateDefault => Level("state_default"u8, 50);

    public long EventsDefault => Level("events_default"u8, 0);

    public long UsersDefault => Level("users_default"u8, 0, BelowAll);

    /// <param name="powerLevels">Null if the room has no <c>m.room.power_levels</c>.</param>
    public static PowerLevels From(RoomVersion version, Pdu? powerLevels, Pdu create) => new(version, powerLevels, create);

    /// <summary>The power level of a user; <see cref="long.MaxValue"/> for the creators of a room since version 12.</summary>
    public long ForUser(string userId)
    {
        // "The power level of 'room creators' is infinitely high."
        if (_version.PrivilegedCreators && _creators.Contains(userId))
        {
            return long.MaxValue;
        }

        // "If the room contains no m.room.power_levels event, the room's creator has a power level of 100, and all other users have 0."
        if (_content.ValueKind == JsonValueKind.Undefined)
        {
            return _creators.Contains(userId) ? CreatorWithoutPowerLevels : 0;
        }

        return Entry("users"u8, userId, BelowAll) ?? UsersDefault;
    }

    /// <summary>"The target user's power level is less than the sender's power level."</summary>
    internal bool IsBelow(string target, long senderLevel) => ForUser(target) is var level and not BelowAll && level < senderLevel;

    /// <summary>The <em>required power level</em> of an event type.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#definitions</remarks>
    public long RequiredFor(string eventType, bool isState) =>
        Entry("events"u8, eventType, Unreachable) ?? (isState ? StateDefault : EventsDefault);

    /// <summary>What one needs to notify everybody by this key, such as <c>room</c>.</summary>
    public long Notification(string key) => Entry("notifications"u8, key, Unreachable) ?? DefaultNotificationLevel;

    /// <summary>Whether the user made the room, or since version 12 was named beside who made it.</summary>
    public bool IsCreator(string userId) => _creators.Contains(userId);

    private long Level(ReadOnlySpan<byte> name, long fallback, long unreadable = Unreachable) =>
        Read(_content.Find(name), unreadable) ?? fallback;

    private long? Entry(ReadOnlySpan<byte> map, string key, long unreadable) =>
        _content.ObjectOrNull(map) is { } entries && entries.TryGetProperty(key, out var level) ? Read(level, unreadable) : null;

    private long? Read(JsonElement? value, long unreadable) =>
        value is not { ValueKind: not JsonValueKind.Null } present ? null
        : PowerLevelValue.Read(present, _version) ?? unreadable;
}
