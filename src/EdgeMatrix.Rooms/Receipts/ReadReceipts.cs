using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Notifications;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Receipts;

/// <summary>That a user of another server has read up to an event.</summary>
/// <param name="Thread">Empty for an unthreaded receipt, else <c>main</c> or the id of the thread's root.</param>
/// <param name="Ts">When, as its server says, ms since the Unix epoch.</param>
public sealed record ReceivedReceipt(string UserId, string Thread, string EventId, long Ts);

/// <param name="WaitsFor">The id of the event or of the user without which the receipt is of nothing.</param>
public sealed record EarlyReceipt(ReceivedReceipt Receipt, string WaitsFor);

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
            if (Find(db, room, eventId) is not { } stored
                || IsThereAlready(db, ReceiptTable.Current(db, room.Nid, user, type, thread), stored))
            {
                return;
            }

            Move(db, room, user, type, thread, stored.Nid, engine.Time.GetUtcNow().ToUnixTimeMilliseconds());

            if (Read(db, room.Nid, user, stored.Nid, thread))
            {
                db.AfterCommit(() => read(user));
            }
        });

    /// <summary>
    /// As <see cref="SetAsync"/>, of users of another server who are in the room. Their servers move them forward in their own order, in which
    /// branches may stand the other way round than here: so the newer one counts, too.
    /// </summary>
    /// <param name="early">
    /// Called, as long as nothing else is written, with each receipt whose event has no place here yet, or whose user is not in the room yet.
    /// </param>
    public Task ReceiveAsync(Room room, IReadOnlyList<ReceivedReceipt> receipts, Action<EarlyReceipt> early) => engine.Database.WriteAsync(db =>
    {
        var now = engine.Time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var receipt in receipts)
        {
            if (!IsThread(db, room, receipt.Thread))
            {
                continue;
            }

            if (Find(db, room, receipt.EventId) is not { } stored)
            {
                if (IsYetToCome(db, receipt.EventId))
                {
                    early(new EarlyReceipt(receipt, receipt.EventId));
                }
            }
            else if (UserTable.Find(db, receipt.UserId) is not { } user || MembershipTable.Find(db, room.Nid, user)?.Membership != Membership.Join)
            {
                early(new EarlyReceipt(receipt, receipt.UserId));
            }
            else
            {
                var ts = Math.Clamp(receipt.Ts, 0, now);
                var current = ReceiptTable.Current(db, room.Nid, user, ReceiptType.Read, receipt.Thread);
                if (current?.Ts < ts || !IsThereAlready(db, current, stored))
                {
                    Move(db, room, user, ReceiptType.Read, receipt.Thread, stored.Nid, ts);
                }
            }
        }
    });

    private static (long Nid, long Order)? Find(Session db, Room room, string eventId) =>
        EventTable.FindPlace(db, eventId) is { Timeline: { } order } place && place.Room == room.Nid ? (place.Nid, order) : null;

    // An outlier is an event of which others told, and which is still to come itself; what was rejected or failed softly is here, and is never shown.
    private static bool IsYetToCome(Session db, string eventId) =>
        EventTable.Find(db, eventId) is not { } stored || stored.Flags.HasFlag(EventFlags.Outlier);

    // Else somebody could have a receipt in as many threads as there are words.
    private static bool IsThread(Session db, Room room, string thread) =>
        thread is "" or "main" || EventTable.FindPlace(db, thread)?.Room == room.Nid;

    private static bool IsThereAlready(Session db, (long Event, long Ts)? current, (long Nid, long Order) to) =>
        current is { } at && EventTable.Find(db, at.Event)?.Timeline >= to.Order;

    private void Move(WriteTransaction db, Room room, long user, ReceiptType type, string thread, long to, long ts)
    {
        var position = db.NextPosition();
        ReceiptTable.Set(db, room.Nid, user, type, thread, to, ts, position);
        moved(db, room, user, type, position);
        db.AfterCommit(() => engine.Notifier.RoomChanged(
            room.Nid, position, type == ReceiptType.ReadPrivate ? [user] : room.LocalMembers().AsSpan()));
    }

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
