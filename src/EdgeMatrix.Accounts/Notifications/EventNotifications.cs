using System.Collections.Immutable;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Accounts.PushRules;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Memory;
using EdgeMatrix.Storage.Notifications;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Accounts.Notifications;

/// <summary>Notes, with every event that is written, whom of this server it is to notify.</summary>
/// <remarks>
/// It is only asked by whoever writes, one event after the other.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications
/// </remarks>
public sealed class EventNotifications
{
    // "a maximum of 3 hops is recommended to cover indirect relationships."
    private const int MaxHops = 3;

    // What is known of a user beside their rules and whom they ignore.
    private const int RecipientBytes = 64;

    // Compiled rules take about this times as much as their text.
    private const int BytesAByteOfRules = 8;

    private readonly LocalServer _server;
    private readonly Database _database;
    private readonly KnownAppServices _appServices;
    private readonly Action<long> _changed;
    private readonly BoundedCache<long, Recipient> _recipients = new("push_rules", wanted: 4 << 20, least: 64 << 10);

    // Most users have the rules that everybody begins with, which are compiled once for all of them.
    private readonly PushRuleEvaluator _everyones = PushRuleEvaluator.OfEveryone();
    private readonly HashSet<string> _nobody = [];

    private readonly BoundedCache<long, RoomRecipients> _ofRooms = new("room_recipients", wanted: 1 << 20, least: 16 << 10);

    // Who came to a room or left it by a job that may not be on the disk yet, and so is not one of its members in memory, or still is.
    private readonly List<(long Room, long User, long Nid)> _movers = [];

    /// <param name="changed">Called after the commit with everybody who is to be notified, or has read something by it.</param>
    public EventNotifications(LocalServer server, Database database, KnownAppServices appServices, Action<long> changed)
    {
        (_server, _database, _appServices, _changed) = (server, database, appServices, changed);
        database.Memory.Add(_recipients);
        database.Memory.Add(_ofRooms);
    }

    public void Record(WriteTransaction db, AppendedEvent appended)
    {
        var (room, pdu, nid) = (appended.Room, appended.Pdu, appended.Nid);
        var subject = pdu.Type == "m.room.member" && _server.Owns(pdu.StateKey!) ? UserTable.Find(db, pdu.StateKey!) : null;
        var notifications = new RoomNotifications(db, room.Nid);
        var changed = new List<long>();
        if (subject is { } moved && appended.IsMove)
        {
            // Who comes has not missed what was before, and who goes will not read it.
            NoteRead(changed, moved, notifications.Read(moved, nid - 1, null));
            _movers.Add((room.Nid, moved, nid));
        }

        if (appended.Redacted is { } redacted)
        {
            changed.AddRange(notifications.Remove(redacted));
        }

        // "When the user updates their read receipt (either by using the API or by sending an event), notifications prior to and
        // including that event MUST be marked as read."
        long? thread = null;
        if (_server.Owns(pdu.Sender) && !pdu.IsState && UserTable.Find(db, pdu.Sender) is { } sender)
        {
            thread = ThreadOf(db, room, pdu);
            NoteRead(changed, sender, notifications.Read(sender, nid, thread));
        }

        var (notified, toPush) = Evaluate(db, new PushedEvent(db, room, pdu, appended.State), Recipients(db, room, subject));
        if (notified.Count > 0)
        {
            thread ??= ThreadOf(db, room, pdu);
            notifications.Add(nid, thread.Value, notified);
            notifications.Queue(nid, thread.Value, toPush);
            changed.AddRange(notified.Select(one => one.User));
        }

        notifications.Save();
        if (changed.Count > 0)
        {
            db.AfterCommit(() => changed.ForEach(_changed));
        }
    }

    /// <summary>Whom of the users the event notifies, and those of them who have pushers.</summary>
    private (List<Notified> Notified, List<long> ToPush) Evaluate(WriteTransaction db, PushedEvent pushed, List<RecipientRow> users)
    {
        var (notified, toPush) = (new List<Notified>(), new List<long>());
        (bool IsKnown, PushActions? Actions) toOthers = default;
        foreach (var user in users)
        {
            // Whom an application service alone may be is told by it, and reads no notifications: of such there may be thousands in a room.
            if (user.UserId != pushed.Event.Sender
                && !_appServices.IsUserOfOther(user.UserId, by: null)
                && FindRecipient(db, user) is var recipient
                && !recipient.Ignored.Contains(pushed.Event.Sender)
                && Ask(recipient, user.UserId) is { } actions)
            {
                notified.Add(new Notified(user.User, actions.Highlight));
                if (user.HasPusher)
                {
                    toPush.Add(user.User);
                }
            }
        }

        return (notified, toPush);

        // Whom the event does not name it is the same to, by the rules of everyone.
        PushActions? Ask(Recipient recipient, string userId)
        {
            pushed.Recipient = userId;
            if (recipient.Rules != _everyones || _everyones.DependsOnRecipient(pushed))
            {
                return recipient.Rules.Evaluate(pushed);
            }

            toOthers = toOthers.IsKnown ? toOthers : (true, _everyones.Evaluate(pushed));
            return toOthers.Actions;
        }
    }

    private static void NoteRead(List<long> changed, long user, bool hasRead)
    {
        if (hasRead)
        {
            changed.Add(user);
        }
    }

    /// <summary>Whom the event may notify: who is in the room, and whom it is about.</summary>
    private List<RecipientRow> Recipients(WriteTransaction db, Room room, long? subject)
    {
        var committed = _database.CommittedPosition;
        _movers.RemoveAll(mover => mover.Nid <= committed);
        var movers = _movers.Where(mover => mover.Room == room.Nid).Select(mover => mover.User).ToList();
        var members = room.LocalMembers();
        if (movers.Count > 0 || subject is not null)
        {
            // Who has gone meanwhile is found out by looking for the recipient.
            return RecipientTable.Of(db, room.Nid, members.Union(movers).Union(subject is { } about ? [about] : []));
        }

        var changes = RecipientTable.Changes(db);
        if (_ofRooms.TryGet(room.Nid, out var known) && known.Changes == changes && known.Members == members)
        {
            return known.Rows;
        }

        var rows = RecipientTable.Of(db, room.Nid, members);

        // Not before it is on the disk: a job that is undone gives its number of changes to the next.
        db.AfterCommit(() => _ofRooms.Set(
            room.Nid, new RoomRecipients(members, changes, rows), rows.Sum(row => RecipientBytes + ((long)row.UserId.Length * sizeof(char)))));
        return rows;
    }

    private Recipient FindRecipient(WriteTransaction db, RecipientRow user)
    {
        var version = (user.RulesPosition, user.IgnoredPosition);
        if (_recipients.TryGet(user.User, out var known) && known.Version == version)
        {
            return known;
        }

        var (rules, bytes) = UserPushRules.ReadWithBytes(db, user.User, user.UserId);
        var ignored = user.IgnoredPosition is null ? _nobody : IgnoredUsers.Read(db, user.User);
        var recipient = new Recipient(bytes == 0 ? _everyones : new PushRuleEvaluator(rules, user.UserId), ignored, version);
        _recipients.Set(user.User, recipient, RecipientBytes + (bytes * BytesAByteOfRules) + ignored.Sum(name => (long)name.Length * 4));
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

        return UnreadTable.MainTimeline;
    }

    /// <param name="Members">The list of the room's members that they were read for.</param>
    /// <param name="Changes">The number of changes at which they were read.</param>
    private sealed record RoomRecipients(ImmutableArray<long> Members, long Changes, List<RecipientRow> Rows);

    private sealed record Recipient(PushRuleEvaluator Rules, HashSet<string> Ignored, (long?, long?) Version);
}
