using System.Text.Json;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Presence;

namespace EdgeMatrix.Sync;

/// <summary>Whose presence changed, of those whom the asking user may see.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#mpresence</remarks>
internal static class PresenceNews
{
    /// <param name="met">Nids of those whom the asking user may see only now: how they are is news, though it is not new.</param>
    public static List<PresenceStatus> Read(SyncRound round, UserPresence presence, IEnumerable<long> met)
    {
        var changed = presence.Since(round.Since?.Typing ?? 0)
            .Where(user => UserPresence.MaySee(round.Db, round.Request.User, user.User))
            .ToList();
        return [.. changed.Select(user => user.Status)
            .Concat(presence.Of(met.Except(changed.Select(user => user.User))))
            .Where(status => round.Filter.Presence.Matches("m.presence", status.UserId) && !round.Ignored.Contains(status.UserId))];
    }

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
