using System.Text.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Notifications;
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
        var unread = UnreadTable.Of(round.Db, room.Nid, round.Request.User);
        if (!round.Filter.Timeline.UnreadThreadNotifications)
        {
            WriteCounts(json, "unread_notifications"u8, unread.Notifications, unread.Highlights);
            return;
        }

        // "If unread_thread_notifications was specified as true on the RoomEventFilter, these counts will only be for the main timeline
        // rather than all events in the room."
        WriteCounts(json, "unread_notifications"u8, unread.Main.Notifications, unread.Main.Highlights);
        json.WriteStartObject("unread_thread_notifications"u8);
        foreach (var (rootId, count) in UnreadTable.ThreadsOf(round.Db, room.Nid, unread.Threads))
        {
            WriteCounts(json, System.Text.Encoding.UTF8.GetBytes(rootId), count.Notifications, count.Highlights);
        }

        json.WriteEndObject();
    }

    private static void WriteCounts(Utf8JsonWriter json, ReadOnlySpan<byte> name, long notifications, long highlights)
    {
        json.WriteStartObject(name);
        json.WriteNumber("highlight_count"u8, highlights);
        json.WriteNumber("notification_count"u8, notifications);
        json.WriteEndObject();
    }
}
