using System.Text.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>How many messages of a room the user was notified of and has not read.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications</remarks>
internal static class UnreadNotifications
{
    /// <summary>Whether the user has read something of the room, be it that the filter lets no receipt pass.</summary>
    public static bool Changed(SyncRound round, Room room) =>
        round.Since is { } since
        && ReceiptTable.Since(round.Db, room.Nid, since.Position, round.UpTo.Position).Exists(receipt => receipt.User == round.Request.User);

    public static void Write(SyncRound round, Utf8JsonWriter json, Room room)
    {
        var counts = NotificationTable.Unread(round.Db, round.Request.User, room.Nid);
        if (!round.Filter.Timeline.UnreadThreadNotifications)
        {
            WriteCounts(json, "unread_notifications"u8, counts);
            return;
        }

        // "If unread_thread_notifications was specified as true on the RoomEventFilter, these counts will only be for the main timeline
        // rather than all events in the room."
        WriteCounts(json, "unread_notifications"u8, counts.Where(count => count.RootId is null));
        json.WriteStartObject("unread_thread_notifications"u8);
        foreach (var count in counts.Where(count => count.RootId is not null))
        {
            WriteCounts(json, System.Text.Encoding.UTF8.GetBytes(count.RootId!), [count]);
        }

        json.WriteEndObject();
    }

    private static void WriteCounts(Utf8JsonWriter json, ReadOnlySpan<byte> name, IEnumerable<UnreadCount> counts)
    {
        var (notifications, highlights) = (0L, 0L);
        foreach (var count in counts)
        {
            notifications += count.Notifications;
            highlights += count.Highlights;
        }

        json.WriteStartObject(name);
        json.WriteNumber("highlight_count"u8, highlights);
        json.WriteNumber("notification_count"u8, notifications);
        json.WriteEndObject();
    }
}
