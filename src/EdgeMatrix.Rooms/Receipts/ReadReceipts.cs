using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Notifications;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Receipts;

/// <summary>Read receipts.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#receipts</remarks>
/// <param name="moved">Notes in the same write whom else it concerns that a receipt of a user, by its nid, moved, at a position.</param>
/// <param name="read">Called after the commit with the nid of a user who has read what they had not read before.</param>
public sealed class ReadReceipts(RoomEngine engine, Action<WriteTransaction, Room, long, ReceiptType, long> moved, Action<long> read)
{
    /// <summary>Moves a receipt forward to an event; one that is unknown or no newer leaves it where it is.</summary>
    /// <param name="thread">Empty for an unthreaded receipt, else <c>main</c> or the id of the thread's root.</param>
    public Task SetAsync(Room room, long user, ReceiptType type, string thread, string eventId) =>
        engine.Database.WriteAsync(db =>
        {
            if (EventTable.Find(db, eventId) is not { Timeline: { } order } stored || stored.Room != room.Nid)
            {
                return;
            }

            if (ReceiptTable.Current(db, room.Nid, user, type, thread) is { } current
                && EventTable.Find(db, current)?.Timeline >= order)
            {
                return;
            }

            var position = db.NextPosition();
            ReceiptTable.Set(db, room.Nid, user, type, thread, stored.Nid, engine.Time.GetUtcNow().ToUnixTimeMilliseconds(), position);
            moved(db, room, user, type, position);
            var news = Read(db, room.Nid, user, stored.Nid, thread);

            db.AfterCommit(() => engine.Notifier.RoomChanged(
                room.Nid, position, type == ReceiptType.ReadPrivate ? [user] : room.LocalMembers().AsSpan()));
            if (news)
            {
                db.AfterCommit(() => read(user));
            }
        });

    private static bool Read(WriteTransaction db, long room, long user, long upTo, string thread)
    {
        long? root = thread switch
        {
            "" => null,
            "main" => UnreadTable.MainTimeline,
            _ => EventTable.FindNid(db, thread),
        };
        if (root is null && thread.Length > 0)
        {
            // Nobody knows the thread, so nothing in it is unread.
            return false;
        }

        var notifications = new RoomNotifications(db, room);
        var news = notifications.Read(user, upTo, root);
        notifications.Save();
        return news;
    }
}
