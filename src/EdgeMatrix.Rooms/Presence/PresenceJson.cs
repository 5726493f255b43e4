using System.Text.Json;

namespace EdgeMatrix.Rooms.Presence;

/// <summary>How presence is written, in <c>m.presence</c> and in the answer of its endpoint.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#mpresence</remarks>
public static class PresenceJson
{
    private static readonly string[] _names = ["offline", "unavailable", "online"];

    public static PresenceState? Parse(string? name) => Array.IndexOf(_names, name) is var index and >= 0 ? (PresenceState)index : null;

    /// <param name="now">ms since the Unix epoch.</param>
    public static void WriteFields(this PresenceStatus status, Utf8JsonWriter json, long now)
    {
        json.WriteString("presence"u8, _names[(int)status.State]);
        if (status.LastActiveTs is { } last)
        {
            json.WriteNumber("last_active_ago"u8, Math.Max(0, now - last));
        }

        if (status.State == PresenceState.Online)
        {
            json.WriteBoolean("currently_active"u8, status.CurrentlyActive);
        }

        if (status.Message is not null)
        {
            json.WriteString("status_msg"u8, status.Message);
        }
    }
}
