using System.Text.Json;
using EdgeMatrix.Accounts.PushRules;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Accounts.Notifications;

/// <summary>Notes, with every event that is written, whom of this server it is to notify.</summary>
/// <remarks>
/// It is only asked on the writer's thread, one event after the other.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications
/// </remarks>
public sealed class EventNotifications(LocalServer server)
{
    private const int MaxRecipients = 1_024;

    // "...the relations should be followed up to three hops."
    private const int MaxHops = 3;

    private readonly Dictionary<long, Recipient> _recipients = [];

    public void Record(WriteTransaction db, AppendedEvent appended)
    {
        var (room, pdu, nid, state) = (appended.Room, appended.Pdu, appended.Nid, appended.State);
        var subject = pdu.Type == "m.room.member" && server.Owns(pdu.StateKey!) ? UserTable.Find(db, pdu.StateKey!) : null;
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

        var pushed = new PushedEvent(db, room, pdu, state);
        long? thread = null;
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

        if (_recipients.TryGetValue(user, out var known) && known.Version == (found.RulesPosition, found.IgnoredPosition))
        {
            return known;
        }

        if (_recipients.Count >= MaxRecipients)
        {
            _recipients.Clear();
        }

        return _recipients[user] = new Recipient(
            found.UserId,
            new PushRuleEvaluator(UserPushRules.Read(db, user, found.UserId), found.UserId),
            found.IgnoredPosition is null ? [] : IgnoredUsers.Read(db, user),
            (found.RulesPosition, found.IgnoredPosition));
    }

    /// <summary>Nid of the root of the thread that an event belongs to.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#threaded-read-receipts</remarks>
    private static long ThreadOf(Session db, Room room, Pdu pdu)
    {
        for (var hop = 0; hop <= MaxHops; hop++)
        {
            if (RelationOf(pdu) is not var (type, target) || EventTable.Find(db, target) is not { } stored || stored.Room != room.Nid)
            {
                break;
            }

            if (type == "m.thread")
            {
                return stored.Nid;
            }

            pdu = stored.Parse(room.Version);
        }

        return NotificationTable.MainTimeline;
    }

    private static (string? Type, string Target)? RelationOf(Pdu pdu) =>
        pdu.Content.TryGetProperty("m.relates_to"u8, out var relation) && relation.ValueKind == JsonValueKind.Object
        && JsonContent.Text(relation, "event_id") is { } target
            ? (JsonContent.Text(relation, "rel_type"), target)
            : null;

    private sealed record Recipient(string UserId, PushRuleEvaluator Rules, HashSet<string> Ignored, (long?, long?) Version);
}
