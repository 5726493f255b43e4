using System.Text.Json;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Rooms.Creation;

/// <summary>The power levels a new room starts with.</summary>
internal static class DefaultPowerLevels
{
    private const int Moderator = 50;
    private const int Admin = 100;

    /// <param name="trusted">Users besides the creator who get its level.</param>
    /// <param name="overrides">The keys of <c>power_level_content_override</c> replace those of the default.</param>
    public static JsonElement Content(RoomVersion version, string creator, string[] trusted, int inviteLevel, JsonElement? overrides) =>
        JsonContent.Object(json =>
        {
            foreach (var (key, write) in Defaults(version, creator, trusted, inviteLevel))
            {
                if (overrides?.TryGetProperty(key, out _) != true)
                {
                    json.WritePropertyName(key);
                    write(json);
                }
            }

            if (overrides is { } given)
            {
                foreach (var property in given.EnumerateObject())
                {
                    property.WriteTo(json);
                }
            }
        });

    private static IEnumerable<(string Key, Action<Utf8JsonWriter> Write)> Defaults(
        RoomVersion version, string creator, string[] trusted, int inviteLevel)
    {
        // Room version 12: creators stand above all levels, and the power levels must not name them.
        yield return ("users", Map(version.PrivilegedCreators ? [] : [.. trusted.Prepend(creator).Select(u => (u, Admin))]));
        yield return ("users_default", Number(0));
        yield return ("events", Map(
        [
            ("m.room.name", Moderator),
            ("m.room.avatar", Moderator),
            ("m.room.canonical_alias", Moderator),
            ("m.room.power_levels", Admin),
            ("m.room.history_visibility", Admin),
            ("m.room.encryption", Admin),
            ("m.room.server_acl", Admin),
            // An upgrade replaces the creators, so in room version 12 only creators should be able to.
            ("m.room.tombstone", version.PrivilegedCreators ? 150 : Admin),
        ]));
        yield return ("events_default", Number(0));
        yield return ("state_default", Number(Moderator));
        yield return ("ban", Number(Moderator));
        yield return ("kick", Number(Moderator));
        yield return ("redact", Number(Moderator));
        yield return ("invite", Number(inviteLevel));
    }

    private static Action<Utf8JsonWriter> Number(int value) => json => json.WriteNumberValue(value);

    private static Action<Utf8JsonWriter> Map((string Key, int Level)[] entries) => json =>
    {
        json.WriteStartObject();
        foreach (var (key, level) in entries)
        {
            json.WriteNumber(key, level);
        }

        json.WriteEndObject();
    };
}
