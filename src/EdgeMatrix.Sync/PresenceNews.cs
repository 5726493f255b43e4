using System.Text.Json;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Presence;

namespace EdgeMatrix.Sync;

/// <summary>Whose presence changed, of those whom the asking user may see.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#mpresence</remarks>
internal static class PresenceNews
{
    public static List<PresenceStatus> Read(SyncRound round, UserPresence presence) =>
        [.. presence.Since(round.Since?.Typing ?? 0)
            .Where(user => round.Filter.Presence.Matches("m.presence", user.Status.UserId)
                && !round.Ignored.Contains(user.Status.UserId)
                && UserPresence.MaySee(round.Db, round.Request.User, user.User))
            .Select(user => user.Status)];

    public static void Write(Utf8JsonWriter json, List<PresenceStatus> users, long now)
    {
        json.WriteStartObject("presence"u8);
        json.WriteStartArray("events"u8);
        foreach (var user in users)
        {
            EphemeralJson.WritePresence(json, user, now);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
