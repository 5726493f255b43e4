using EdgeMatrix.Accounts.PushRules;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Memory;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Accounts.Notifications;

/// <summary>Notes, with every event that is written, whom of this server it is to notify.</summary>
/// <remarks>
/// It is only asked on the writer's thread, one event after the other.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications
/// </remarks>
public sealed class EventNotifications
{
    // "a maximum of 3 hops is recommended to cover indirect relationships."
    private const int MaxHops = 3;

    // Compiled rules take about this times as much as their text.
    private const int BytesAByteOfRules = 8;

    private readonly LocalServer _server;
    private readonly BoundedCache<long, Recipient> _recipients = new("push_rules", wanted: 4 << 20, least: 64 << 10);

    public EventNotifications(LocalServer server, MemoryBudget budget)
    {
        _server = server;
        budget.Add(_recipients);
    }

    public void Record(WriteTransaction db, AppendedEvent appended)
    {
        var (room, pdu, nid) = (appended.Room, appended.Pdu, appended.Nid);
        var subject = pdu.Type == "m.room.member" && _server.Owns(pdu.StateKey!) ? UserTable.Find(db, pdu.StateKey!) : null;
        if (subject is { } moved && appended.IsMove)
        {
            // Who comes has not missed what was before, and who goes will not read it.
            NotificationTable.Read(db, moved, room.Nid, nid - 1, null);
        }

        var locals = room.LocalMembers();
        if (appended.Redacted is { } redacted)
        {
            foreach (var user in locals)
            {
                NotificationTable.Delete(db, user, redacted);
            }
        }

        // "When the user updates their read receipt (either by using the API or by sending an event), notifications prior to and
        // including that event MUST be marked as read."
        long? thread = null;
        if (_server.Owns(pdu.Sender) && !pdu.IsState && UserTable.Find(db, pdu.Sender) is { } sender)
        {
            thread = ThreadOf(db, room, pdu);
            NotificationTable.Read(db, sender, room.Nid, nid, thread);
        }

        var pushed = new PushedEvent(db, room, pdu, appended.State);
        foreach (var user in subject is { } invited && !locals.Contains(invited) ? locals.Append(invited) : locals)
        {
            if (FindRecipient(db, room.Nid, user) is { } recipient
                && recipient.UserId != pdu.Sender
                && !recipient.Ignored.Contains(pdu.Sender)
                && recipient.Rules.Evaluate(pushed) is { } actions)
            {
                thread ??= ThreadOf(db, room, pdu);
                NotificationTable.Insert(db, user, room.Nid, nid, thread.Value, actions.Highlight);
            }
        }
    }

    private Recipient? FindRecipient(WriteTransaction db, long room, long user)
    {
        if (NotificationTable.User(db, room, user) is not { } found)
        {
            return null;
        }

        if (_recipients.TryGet(user, out var known) && known.Version == (found.RulesPosition, found.IgnoredPosition))
        {
            return known;
        }

        var (rules, bytes) = UserPushRules.ReadWithBytes(db, user, found.UserId);
        var ignored = found.IgnoredPosition is null ? [] : IgnoredUsers.Read(db, user);
        var recipient = new Recipient(
            found.UserId, new PushRuleEvaluator(rules, found.UserId), ignored, (found.RulesPosition, found.IgnoredPosition));
        _recipients.Set(user, recipient, (bytes * BytesAByteOfRules) + ignored.Sum(name => (long)name.Length * 4));
        return recipient;
    }

    /// <summary>Nid of the root of the thread that an event belongs to.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#threaded-read-receipts</remarks>
    private static long ThreadOf(Session db, Room room, Pdu pdu)
    {
        for (var hop = 0; hop <= MaxHops; hop++)
        {
            if (EventRelation.Of(pdu) is not { } relation || EventTable.Find(db, relation.EventId) is not { } parent || parent.Room != room.Nid)
            {
                break;
            }

            if (relation.RelType == EventRelation.Thread)
            {
                return parent.Nid;
            }

            pdu = parent.Parse(room.Version);
        }

        return NotificationTable.MainTimeline;
    }

    private sealed record Recipient(string UserId, PushRuleEvaluator Rules, HashSet<string> Ignored, (long?, long?) Version);
}
