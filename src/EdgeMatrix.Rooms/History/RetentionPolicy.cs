using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;

namespace EdgeMatrix.Rooms.History;

/// <summary>How long messages live: by the room's <c>m.room.retention</c>, within the server's bounds, or else by the server's default.</summary>
/// <param name="Enabled">False: everything lives for ever.</param>
/// <param name="DefaultLifetime">Of messages in rooms that do not say; null: for ever.</param>
/// <param name="ShortestLifetime">A room that wants less gets this.</param>
/// <param name="LongestLifetime">A room that wants more gets this.</param>
/// <remarks>State events never expire. MSC1763: https://github.com/matrix-org/matrix-spec-proposals/pull/1763</remarks>
public sealed record RetentionPolicy(bool Enabled, TimeSpan? DefaultLifetime, TimeSpan? ShortestLifetime, TimeSpan? LongestLifetime)
{
    private const string Type = "m.room.retention";

    /// <summary>The greatest integer of canonical JSON.</summary>
    private const long MaxMs = (1L << 53) - 1;

    /// <summary>Deletes nothing.</summary>
    public static readonly RetentionPolicy Off = new(false, null, null, null);

    /// <summary>The <c>origin_server_ts</c> up to which messages of a room have expired; null if none ever do.</summary>
    /// <param name="state">The node of the room's current state.</param>
    /// <param name="nowMs">ms since the Unix epoch.</param>
    public long? ExpiredUntil(Session db, RoomVersion version, long state, long nowMs)
    {
        if (!Enabled)
        {
            return null;
        }

        var lifetimeMs = LifetimeMs(RoomStateReader.Find(db, version, state, Type, "")?.Content);
        return lifetimeMs is null ? null : nowMs - lifetimeMs;
    }

    /// <summary>Whether an event has expired.</summary>
    public static bool HasExpired(Pdu pdu, long? expiredUntil) => pdu.StateKey is null && pdu.OriginServerTs <= expiredUntil;

    /// <summary>How long messages of a room live, in ms; null: for ever.</summary>
    /// <param name="content">Of the room's <c>m.room.retention</c>; null if it has none.</param>
    public long? LifetimeMs(JsonElement? content)
    {
        var (min, max, valid) = content is { } policy ? Read(policy) : (null, null, true);
        if (!valid || (min is null && max is null))
        {
            return Ms(DefaultLifetime);
        }

        // A room that only says how long messages live at least may have more from the server, not less.
        var wanted = max ?? (Ms(DefaultLifetime) is { } byDefault ? Math.Max(byDefault, min!.Value) : null);
        return wanted is { } lifetime ? Math.Min(Math.Max(lifetime, Ms(ShortestLifetime) ?? 0), Ms(LongestLifetime) ?? long.MaxValue) : null;
    }

    private static long? Ms(TimeSpan? time) => time is { } span ? (long)span.TotalMilliseconds : null;

    // Both are optional integers of milliseconds, and the least may not be more than the most. What is not so says nothing.
    private static (long? Min, long? Max, bool Valid) Read(JsonElement content)
    {
        var valid = Read(content, "min_lifetime", out var min) & Read(content, "max_lifetime", out var max);
        return (min, max, valid && !(min > max));
    }

    private static bool Read(JsonElement content, string name, out long? ms)
    {
        ms = null;
        if (content.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        if (!content.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var number) || number is < 0 or > MaxMs)
        {
            return false;
        }

        ms = number;
        return true;
    }
}
