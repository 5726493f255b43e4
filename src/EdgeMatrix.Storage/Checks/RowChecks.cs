namespace EdgeMatrix.Storage.Checks;

/// <summary>What rows promise of other rows, as SQL that finds those that broke it.</summary>
internal static class RowChecks
{
    private const int MaxNamed = 5;

    // The rows of a room that is being deleted go one after the other, and only then the mark.
    private const string Rooms = "(SELECT nid FROM rooms UNION ALL SELECT nid FROM purged_rooms)";
    private const string NotPurged = "room NOT IN (SELECT nid FROM purged_rooms)";

    /// <summary>What a row should be, and a query for those that are not.</summary>
    private static readonly (string Promise, string Sql)[] _promises =
    [
        ("an event is in a room", $"SELECT nid FROM events e WHERE e.room NOT IN {Rooms}"),
        ("an event has a type", "SELECT nid FROM events e WHERE NOT EXISTS (SELECT 1 FROM event_types WHERE nid = e.type)"),
        ("an event has a sender", "SELECT nid FROM events e WHERE NOT EXISTS (SELECT 1 FROM users WHERE nid = e.sender)"),
        ("a state event has its key", """
            SELECT nid FROM events e WHERE state_key IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM state_keys WHERE nid = e.state_key AND type = e.type)
            """),
        ("an event of the timeline has the state after it", """
            SELECT nid FROM events e WHERE timeline IS NOT NULL AND NOT EXISTS (SELECT 1 FROM state_nodes WHERE nid = e.state)
            """),
        ("an event replaces an earlier one of its room", """
            SELECT nid FROM events e WHERE replaces IS NOT NULL AND NOT EXISTS (SELECT 1 FROM events WHERE nid = e.replaces AND room = e.room)
            """),
        ("a key has a type", "SELECT nid FROM state_keys k WHERE NOT EXISTS (SELECT 1 FROM event_types WHERE nid = k.type)"),
        ("a redaction and what it emptied are there", $"""
            SELECT event FROM redactions r WHERE NOT EXISTS (SELECT 1 FROM events WHERE nid = r.event AND flags & 8)
            OR (NOT EXISTS (SELECT 1 FROM events WHERE nid = r.redaction) AND EXISTS (SELECT 1 FROM events WHERE nid = r.event AND {NotPurged}))
            """),
        ("an event that is marked as redacted has its redaction", """
            SELECT nid FROM events e WHERE flags & 40 = 8 AND NOT EXISTS (SELECT 1 FROM redactions WHERE event = e.nid)
            """),
        ("a room has its current state", "SELECT nid FROM rooms r WHERE length(extremities) > 0 AND NOT EXISTS (SELECT 1 FROM state_nodes WHERE nid = r.state)"),
        ("the newest event of a room is that of its timeline", """
            SELECT nid FROM rooms r WHERE last_event <> (
                SELECT coalesce(max(timeline), 0) FROM events WHERE room = r.nid AND timeline IS NOT NULL)
            """),
        ("a room knows what its messages take", """
            SELECT nid FROM rooms r WHERE message_bytes <> (
                SELECT coalesce(sum(length(body) + 100), 0) FROM events WHERE room = r.nid AND state_key IS NULL)
            """),
        ("a room counts its members", """
            SELECT nid FROM rooms r WHERE joined <> (SELECT count(*) FROM memberships WHERE room = r.nid AND membership = 1)
            OR invited <> (SELECT count(*) FROM memberships WHERE room = r.nid AND membership = 2)
            """),
        ("a membership is of a room and a user", $"""
            SELECT room FROM memberships m WHERE m.room NOT IN {Rooms}
            OR NOT EXISTS (SELECT 1 FROM users WHERE nid = m.user)
            """),
        ("a membership has its event", """
            SELECT event FROM memberships m WHERE NOT EXISTS (SELECT 1 FROM events WHERE nid = m.event AND room = m.room)
            """),
        ("an alias is of a room", "SELECT room FROM room_aliases a WHERE NOT EXISTS (SELECT 1 FROM rooms WHERE nid = a.room)"),
        ("an event has its frame", """
            SELECT nid FROM events e WHERE frame IS NOT NULL AND NOT EXISTS (SELECT 1 FROM event_frames WHERE nid = e.frame AND room = e.room)
            """),
        ("a frame is of a room", $"SELECT nid FROM event_frames f WHERE f.room NOT IN {Rooms}"),
        ("a relation has its event", $"""
            SELECT event FROM relations r WHERE {NotPurged} AND NOT EXISTS (SELECT 1 FROM events WHERE nid = r.event AND timeline = r.timeline)
            """),
        ("a thread counts its replies and knows the newest", $"""
            SELECT latest FROM threads t WHERE {NotPurged} AND (replies, latest) IS NOT (
                SELECT count(*), max(timeline) FROM relations
                WHERE room = t.room AND parent = t.root AND rel_type = (SELECT nid FROM event_types WHERE type = 'm.thread'))
            """),
        ("an event that waits is of a room", $"SELECT nid FROM waiting_events w WHERE w.room NOT IN {Rooms}"),
        ("a gap ends at events of its room", $"""
            SELECT event FROM backward_extremities b WHERE b.room NOT IN {Rooms} OR low >= timeline OR NOT EXISTS (
                SELECT 1 FROM events WHERE nid = b.event AND (room = b.room OR b.room IN (SELECT nid FROM purged_rooms)))
            """),
        ("a transaction has its event", """
            SELECT event FROM (SELECT event FROM transactions_even UNION ALL SELECT event FROM transactions_odd) t
            WHERE event <> 0 AND NOT EXISTS (SELECT 1 FROM events WHERE nid = t.event)
            """),
        ("a receipt is of a room and a user", $"""
            SELECT position FROM receipts c WHERE c.room NOT IN {Rooms}
            OR NOT EXISTS (SELECT 1 FROM users WHERE nid = c.user)
            """),
        ("what notifies is an event of a room", $"""
            SELECT event FROM notified n WHERE {NotPurged} AND NOT EXISTS (SELECT 1 FROM events WHERE nid = n.event AND room = n.room)
            """),
        ("unread counts are of a room", $"SELECT room FROM unread u WHERE u.room NOT IN {Rooms}"),
        ("what is read is of a room and an account", $"""
            SELECT event FROM read_to t WHERE t.room NOT IN {Rooms} OR NOT EXISTS (SELECT 1 FROM accounts WHERE user = t.user)
            """),
        ("what waits to be pushed notifies, and is of a user with a pusher", """
            SELECT event FROM push_queue q WHERE NOT EXISTS (SELECT 1 FROM pushers WHERE user = q.user)
            OR NOT EXISTS (SELECT 1 FROM notified WHERE room = q.room AND event = q.event)
            """),
        ("a room that is being deleted is gone", "SELECT nid FROM purged_rooms p WHERE nid IN (SELECT nid FROM rooms) OR room_id IN (SELECT room_id FROM rooms)"),
        ("a room has a number of its own for ever", """
            SELECT nid FROM purged_rooms WHERE nid > coalesce((SELECT reserved FROM sequence WHERE name = 'room'), 0)
            """),
        ("an account is of a user", "SELECT user FROM accounts a WHERE NOT EXISTS (SELECT 1 FROM users WHERE nid = a.user)"),
        ("a device is of an account", "SELECT nid FROM devices d WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE user = d.user)"),
        ("an access token is of a device", "SELECT device FROM access_tokens t WHERE NOT EXISTS (SELECT 1 FROM devices WHERE nid = t.device)"),
        ("a refresh token is of a device", "SELECT nid FROM refresh_tokens t WHERE NOT EXISTS (SELECT 1 FROM devices WHERE nid = t.device)"),
        ("keys and messages are of a device", """
            SELECT device FROM (
                SELECT device FROM device_keys
                UNION ALL SELECT device FROM one_time_keys
                UNION ALL SELECT device FROM claimed_one_time_keys
                UNION ALL SELECT device FROM fallback_keys
                UNION ALL SELECT device FROM to_device_messages
                UNION ALL SELECT device FROM dehydrated_devices) k
            WHERE NOT EXISTS (SELECT 1 FROM devices WHERE nid = k.device)
            """),
        ("cross-signing keys and key backups are of an account", """
            SELECT user FROM (SELECT user FROM cross_signing_keys UNION ALL SELECT user FROM key_backups) k
            WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE user = k.user)
            """),
        ("a key backup counts its keys", """
            SELECT user FROM key_backups b WHERE keys <> (SELECT count(*) FROM backed_up_keys WHERE user = b.user AND version = b.version)
            """),
        ("a backed-up key is of a backup", """
            SELECT user FROM backed_up_keys k WHERE NOT EXISTS (SELECT 1 FROM key_backups WHERE user = k.user AND version = k.version)
            """),
        ("a profile is of a user", "SELECT user FROM profiles p WHERE NOT EXISTS (SELECT 1 FROM users WHERE nid = p.user)"),
        ("account data is of an account", "SELECT position FROM account_data d WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE user = d.user)"),
        ("a filter is of an account", "SELECT nid FROM filters f WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE user = f.user)"),
        ("an e-mail address or phone number is of an account in use", """
            SELECT user FROM threepids t WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE user = t.user AND deactivated_ts IS NULL)
            """),
        ("a position is below what is reserved", """
            SELECT position FROM (
                SELECT max(nid) AS position FROM events
                UNION ALL SELECT max(position) FROM receipts
                UNION ALL SELECT max(position) FROM account_data
                UNION ALL SELECT max(position) FROM to_device_messages
                UNION ALL SELECT max(position) FROM device_list_changes
                UNION ALL SELECT max(position) FROM key_signatures
                UNION ALL SELECT max(position) FROM device_changes
                UNION ALL SELECT max(position) FROM outgoing_messages
                UNION ALL SELECT max(position) FROM outgoing_cursors)
            WHERE position > coalesce((SELECT reserved FROM sequence WHERE name = 'position'), 0)
            """),
    ];

    public static IEnumerable<string> Findings(Session db)
    {
        foreach (var (promise, sql) in _promises)
        {
            var broken = new List<long>();
            using (var query = db.Prepare(sql))
            {
                while (broken.Count <= MaxNamed && query.Step())
                {
                    broken.Add(query.Int64(0));
                }
            }

            if (broken.Count > 0)
            {
                yield return $"Broken: {promise}. Not so: {string.Join(", ", broken.Take(MaxNamed))}{(broken.Count > MaxNamed ? ", …" : "")}";
            }
        }
    }
}
