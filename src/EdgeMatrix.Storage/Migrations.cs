namespace EdgeMatrix.Storage;

/// <summary>The schema, as an append-only list; <c>PRAGMA user_version</c> holds how many have run.</summary>
/// <remarks>
/// Everything that repeats has an integer id (<c>nid</c>). A stream position is one number of a single sequence that
/// every change a client can sync takes from, in commit order; an event's nid is its stream position.
/// </remarks>
internal static class Migrations
{
    // A number as a Varint, in hexadecimal; up to 2^35, beyond which there are no users.
    private const string VarintHex = """
        CASE WHEN number < 128 THEN printf('%02X', number)
        WHEN number < 16384 THEN printf('%02X%02X', number & 127 | 128, number >> 7)
        WHEN number < 2097152 THEN printf('%02X%02X%02X', number & 127 | 128, number >> 7 & 127 | 128, number >> 14)
        WHEN number < 268435456
        THEN printf('%02X%02X%02X%02X', number & 127 | 128, number >> 7 & 127 | 128, number >> 14 & 127 | 128, number >> 21)
        ELSE printf('%02X%02X%02X%02X%02X', number & 127 | 128, number >> 7 & 127 | 128, number >> 14 & 127 | 128, number >> 21 & 127 | 128, number >> 28) END
        """;

    public static readonly string[] All =
    [
        // 1: one homeserver, its names, rooms, events, states, accounts.
        """
        -- How far the stream positions are reserved; positions up to here may have been handed out.
        CREATE TABLE sequence (
            name     TEXT NOT NULL PRIMARY KEY,
            reserved INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- What the server is, chosen at the first start: its name.
        CREATE TABLE settings (
            key   TEXT NOT NULL PRIMARY KEY,
            value TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- Ed25519 signing keys; the one without expired_ts signs.
        CREATE TABLE signing_keys (
            key_id     TEXT NOT NULL PRIMARY KEY,
            seed       BLOB NOT NULL,
            expired_ts INTEGER
        ) STRICT, WITHOUT ROWID;

        -- Every user seen, local or remote.
        CREATE TABLE users (
            nid     INTEGER PRIMARY KEY,
            user_id TEXT NOT NULL UNIQUE
        ) STRICT;

        CREATE TABLE event_types (
            nid  INTEGER PRIMARY KEY,
            type TEXT NOT NULL UNIQUE
        ) STRICT;

        -- The pair (event type, state key): what a room's state maps to events.
        CREATE TABLE state_keys (
            nid       INTEGER PRIMARY KEY,
            type      INTEGER NOT NULL,
            state_key TEXT NOT NULL,
            UNIQUE (type, state_key)
        ) STRICT;

        CREATE TABLE rooms (
            nid           INTEGER PRIMARY KEY,
            room_id       TEXT NOT NULL UNIQUE,
            version       TEXT NOT NULL,
            state         INTEGER NOT NULL DEFAULT 0, -- the node of the current state
            extremities   BLOB NOT NULL,              -- nids of the forward extremities, 8 bytes each, little endian
            last_event    INTEGER NOT NULL DEFAULT 0, -- nid of the newest event in the timeline
            joined        INTEGER NOT NULL DEFAULT 0, -- members with membership join
            invited       INTEGER NOT NULL DEFAULT 0,
            listed        INTEGER NOT NULL DEFAULT 0, -- 1: in the published room directory
            partial_state INTEGER NOT NULL DEFAULT 0  -- 1: joined, but not all of the state is here yet
        ) STRICT;
        CREATE INDEX rooms_listed ON rooms (joined) WHERE listed = 1;

        CREATE TABLE events (
            nid           INTEGER PRIMARY KEY,        -- the stream position at which it was stored
            room          INTEGER NOT NULL,
            timeline      INTEGER,                    -- order in the room's timeline; null: an outlier, rejected or soft-failed
            event_id      BLOB NOT NULL,              -- the 32-byte reference hash, or the text of an old room version's id
            type          INTEGER NOT NULL,
            state_key     INTEGER,                    -- null: not a state event
            sender        INTEGER NOT NULL,
            flags         INTEGER NOT NULL DEFAULT 0,
            state         INTEGER NOT NULL DEFAULT 0, -- the node of the room's state after the event
            replaces      INTEGER,                    -- the state event whose place it took
            body          BLOB NOT NULL
        ) STRICT;
        -- Eight bytes tell almost every id apart, at a quarter of an index over the whole id.
        CREATE INDEX events_by_id ON events (substr(event_id, 1, 8));
        CREATE INDEX events_in_timeline ON events (room, timeline) WHERE timeline IS NOT NULL;

        -- Which redaction emptied an event.
        CREATE TABLE redactions (
            event     INTEGER PRIMARY KEY,
            redaction INTEGER NOT NULL
        ) STRICT;

        -- A state: that of the parent with the entries of delta laid over it (see StateNodes).
        CREATE TABLE state_nodes (
            nid     INTEGER PRIMARY KEY,
            parent  INTEGER NOT NULL,
            entries INTEGER NOT NULL,
            delta   BLOB                              -- null: in state_chunks, as it is large
        ) STRICT;
        CREATE TABLE state_chunks (
            node      INTEGER NOT NULL,
            first_key INTEGER NOT NULL,
            delta     BLOB NOT NULL,
            PRIMARY KEY (node, first_key)
        ) STRICT, WITHOUT ROWID;

        -- Current membership: 1 join, 2 invite, 3 knock, 4 leave, 5 ban.
        CREATE TABLE memberships (
            room       INTEGER NOT NULL,
            user       INTEGER NOT NULL,
            membership INTEGER NOT NULL,
            event      INTEGER NOT NULL,
            forgotten  INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (room, user)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX memberships_of_user ON memberships (user, membership, event);
        CREATE INDEX memberships_in_room ON memberships (room, membership, event);

        CREATE TABLE room_aliases (
            alias   TEXT NOT NULL PRIMARY KEY,
            room    INTEGER NOT NULL,
            creator INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX room_aliases_of_room ON room_aliases (room);

        -- What a device's transaction id became, so that a repeated request has one effect.
        CREATE TABLE transactions (
            device   INTEGER NOT NULL,
            endpoint TEXT NOT NULL,                   -- what the id is scoped to besides the device
            txn_id   TEXT NOT NULL,
            event    INTEGER NOT NULL,
            PRIMARY KEY (device, txn_id, endpoint)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX transactions_by_event ON transactions (event);

        -- Local users. password is an Argon2id PHC string; null: no password login.
        CREATE TABLE accounts (
            user       INTEGER PRIMARY KEY,
            password   TEXT,
            admin      INTEGER NOT NULL DEFAULT 0,
            created_ts INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE devices (
            nid          INTEGER PRIMARY KEY AUTOINCREMENT,
            user         INTEGER NOT NULL,
            device_id    TEXT NOT NULL,
            display_name TEXT,
            last_seen_ts INTEGER,
            last_seen_ip TEXT,
            UNIQUE (user, device_id)
        ) STRICT;

        -- Tokens are kept as SHA-256 hashes only.
        CREATE TABLE access_tokens (
            hash       BLOB NOT NULL PRIMARY KEY,
            device     INTEGER NOT NULL,
            expires_ts INTEGER,                       -- null: until logout
            refresh    INTEGER                        -- the refresh token issued with it
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX access_tokens_of_device ON access_tokens (device);
        CREATE TABLE refresh_tokens (
            nid    INTEGER PRIMARY KEY AUTOINCREMENT,
            hash   BLOB NOT NULL UNIQUE,
            device INTEGER NOT NULL,
            next   INTEGER                            -- the refresh token that replaced it; gone once that pair is used
        ) STRICT;
        CREATE INDEX refresh_tokens_of_device ON refresh_tokens (device);

        CREATE TABLE profiles (
            user  INTEGER NOT NULL,
            field TEXT NOT NULL,
            value TEXT NOT NULL,                      -- JSON
            PRIMARY KEY (user, field)
        ) STRICT, WITHOUT ROWID;

        -- room 0: global. Tags are the m.tag, the fully read marker the m.fully_read of a room.
        CREATE TABLE account_data (
            user     INTEGER NOT NULL,
            room     INTEGER NOT NULL,
            type     TEXT NOT NULL,
            content  TEXT NOT NULL,                   -- a JSON object
            position INTEGER NOT NULL,
            PRIMARY KEY (user, room, type)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX account_data_stream ON account_data (user, position);

        CREATE TABLE filters (
            nid    INTEGER PRIMARY KEY AUTOINCREMENT,
            user   INTEGER NOT NULL,
            filter TEXT NOT NULL,                     -- JSON as the client sent it, canonical
            UNIQUE (user, filter)
        ) STRICT;

        -- type: 1 m.read, 2 m.read.private. thread: '' for an unthreaded receipt.
        CREATE TABLE receipts (
            room     INTEGER NOT NULL,
            user     INTEGER NOT NULL,
            type     INTEGER NOT NULL,
            thread   TEXT NOT NULL,
            event    INTEGER NOT NULL,
            ts       INTEGER NOT NULL,
            position INTEGER NOT NULL,
            PRIMARY KEY (room, user, type, thread)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX receipts_stream ON receipts (room, position);
        """,

        // 2: events that no timeline shows are found by their room.
        """
        CREATE INDEX events_outside_timeline ON events (room) WHERE timeline IS NULL;
        """,

        // 3: transaction ids take a third of their place: the event says its own, and scopes are hashes. Requests
        // answered before the change are not recognised when repeated after it.
        """
        ALTER TABLE events ADD COLUMN device INTEGER;    -- nid of the device that sent it with a transaction id
        ALTER TABLE events ADD COLUMN txn_id TEXT;
        UPDATE events SET (device, txn_id) = (SELECT device, txn_id FROM transactions WHERE event = events.nid)
        WHERE nid IN (SELECT event FROM transactions);
        DROP TABLE transactions;

        -- What a device's transaction id became, so that a repeated request has one effect.
        CREATE TABLE transactions (
            device INTEGER NOT NULL,
            txn_id TEXT NOT NULL,
            scope  INTEGER NOT NULL,                  -- 8 bytes of the hash of what the id is scoped to besides the device
            event  INTEGER NOT NULL,
            PRIMARY KEY (device, txn_id, scope)
        ) STRICT, WITHOUT ROWID;
        """,

        // 4: transaction ids of yesterday and today lie apart, so that those from before are gone at once.
        """
        ALTER TABLE transactions RENAME TO transactions_even;
        CREATE TABLE transactions_odd (
            device INTEGER NOT NULL,
            txn_id TEXT NOT NULL,
            scope  INTEGER NOT NULL,
            event  INTEGER NOT NULL,
            PRIMARY KEY (device, txn_id, scope)
        ) STRICT, WITHOUT ROWID;

        -- The day (since the Unix epoch) whose ids a table holds: parity 0 the even, 1 the odd.
        CREATE TABLE transaction_days (
            parity INTEGER PRIMARY KEY,
            day    INTEGER NOT NULL
        ) STRICT;
        """,

        // 5: rooms and old messages can be deleted, a piece at a time.
        """
        ALTER TABLE rooms ADD COLUMN forgotten_ts INTEGER; -- ms; when the last user of this server had left and forgotten it
        ALTER TABLE rooms ADD COLUMN purged_to INTEGER;    -- timeline order up to which old messages are deleted
        CREATE INDEX rooms_forgotten ON rooms (forgotten_ts) WHERE forgotten_ts IS NOT NULL;

        -- Rooms that are gone, and whose rows are being deleted.
        CREATE TABLE purged_rooms (
            nid     INTEGER PRIMARY KEY,
            room_id TEXT NOT NULL UNIQUE
        ) STRICT;
        CREATE INDEX redactions_by_redaction ON redactions (redaction);
        """,

        // 6: media. A file lies in the media folder, under its hash, however many ids it has.
        """
        CREATE TABLE media (
            nid         INTEGER PRIMARY KEY,
            media_id    TEXT NOT NULL UNIQUE,
            uploader    INTEGER NOT NULL,             -- nid of the user
            created_ts  INTEGER NOT NULL,
            expires_ts  INTEGER,                      -- when an id without a file is forgotten; null once it has one
            hash        BLOB,                         -- SHA-256 of the file; null: not uploaded yet
            bytes       INTEGER,
            type        TEXT,
            name        TEXT,
            quarantined INTEGER NOT NULL DEFAULT 0,
            accessed_ts INTEGER NOT NULL              -- a day coarse
        ) STRICT;
        CREATE INDEX media_of_uploader ON media (uploader);
        CREATE INDEX media_by_hash ON media (hash) WHERE hash IS NOT NULL;
        CREATE INDEX media_waiting ON media (uploader, expires_ts) WHERE expires_ts IS NOT NULL;
        CREATE INDEX media_expiring ON media (expires_ts) WHERE expires_ts IS NOT NULL;

        -- Bytes that each user has uploaded.
        CREATE TABLE media_usage (
            user  INTEGER PRIMARY KEY,
            bytes INTEGER NOT NULL
        ) STRICT;
        """,

        // 7: the public keys of devices, by which clients encrypt to each other.
        """
        -- Identity keys; a device without a row has none. Signatures of others are in key_signatures.
        CREATE TABLE device_keys (
            device INTEGER PRIMARY KEY,
            keys   TEXT NOT NULL                      -- canonical JSON, as uploaded, without unsigned
        ) STRICT;

        -- In the order of the upload, which is the order in which they are handed out, each once.
        CREATE TABLE one_time_keys (
            nid       INTEGER PRIMARY KEY,
            device    INTEGER NOT NULL,
            algorithm TEXT NOT NULL,
            key_id    TEXT NOT NULL,
            key       TEXT NOT NULL,                  -- canonical JSON
            UNIQUE (device, algorithm, key_id)
        ) STRICT;
        CREATE INDEX one_time_keys_in_order ON one_time_keys (device, algorithm);

        -- The last keys that each device had handed out, so that an upload that is repeated brings none of them back.
        CREATE TABLE claimed_one_time_keys (
            nid    INTEGER PRIMARY KEY,
            device INTEGER NOT NULL,
            hash   INTEGER NOT NULL                   -- 8 bytes of the hash of the key with its name
        ) STRICT;
        CREATE INDEX claimed_one_time_keys_of_device ON claimed_one_time_keys (device, hash);

        -- Handed out again and again where the one-time keys are gone.
        CREATE TABLE fallback_keys (
            device    INTEGER NOT NULL,
            algorithm TEXT NOT NULL,
            key_id    TEXT NOT NULL,
            key       TEXT NOT NULL,                  -- canonical JSON
            used      INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (device, algorithm)
        ) STRICT, WITHOUT ROWID;
        """,

        // 8: what the messages of a sender in a room have in common is kept once. A number is never given twice, as frames are remembered.
        """
        CREATE TABLE event_frames (
            nid   INTEGER PRIMARY KEY AUTOINCREMENT,
            room  INTEGER NOT NULL,
            hash  INTEGER NOT NULL,                   -- 8 bytes of the hash of what it holds
            frame BLOB NOT NULL
        ) STRICT;
        CREATE INDEX event_frames_of_room ON event_frames (room, hash);
        ALTER TABLE events ADD COLUMN frame INTEGER;  -- what body leaves out; null: nothing
        """,

        // 9: what users of this server are notified of.
        """
        CREATE TABLE notifications (
            user      INTEGER NOT NULL,
            event     INTEGER NOT NULL,
            room      INTEGER NOT NULL,
            thread    INTEGER NOT NULL,               -- nid of the thread's root; 0: the main timeline
            highlight INTEGER NOT NULL,
            read      INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (user, event)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX notifications_unread ON notifications (user, room, event, thread, highlight) WHERE read = 0;
        """,

        // 10: which events relate to which.
        """
        CREATE TABLE relations (
            room     INTEGER NOT NULL,
            parent   INTEGER NOT NULL,                -- tells the event that is pointed to: see RelationTable.Key
            rel_type INTEGER NOT NULL,                -- its name is in event_types
            timeline INTEGER NOT NULL,                -- of the event that points
            event    INTEGER NOT NULL,
            sender   INTEGER NOT NULL,
            type     INTEGER NOT NULL,
            PRIMARY KEY (room, parent, rel_type, timeline)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE threads (
            room    INTEGER NOT NULL,
            root    INTEGER NOT NULL,                 -- as parent in relations
            replies INTEGER NOT NULL,
            latest  INTEGER NOT NULL,                 -- timeline order of the newest reply
            PRIMARY KEY (room, root)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX threads_by_latest ON threads (room, latest);

        -- Those of events that are there already are looked for by upkeep, from the newest down.
        INSERT INTO sequence (name, reserved) SELECT 'relations', coalesce(max(nid), 0) FROM events;
        """,

        // 11: messages from device to device, and whose devices changed when.
        """
        CREATE TABLE to_device_messages (
            position INTEGER PRIMARY KEY,             -- of this message alone
            device   INTEGER NOT NULL,                -- nid of the device that it is for
            message  TEXT NOT NULL                    -- a JSON object: content, sender, type
        ) STRICT;
        CREATE INDEX to_device_messages_of_device ON to_device_messages (device);

        -- The last change of the devices and keys of a user.
        CREATE TABLE device_list_changes (
            user     INTEGER PRIMARY KEY,
            position INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX device_list_changes_stream ON device_list_changes (position);

        -- nid of the newest event by which somebody joined, or was joined no longer.
        ALTER TABLE rooms ADD COLUMN last_join_change INTEGER NOT NULL DEFAULT 0;
        UPDATE rooms SET last_join_change = last_event;
        """,

        // 12: keys that sign keys, backups of room keys, devices that nobody is logged in with.
        """
        CREATE TABLE cross_signing_keys (
            user       INTEGER NOT NULL,
            usage      TEXT NOT NULL,                 -- master, self_signing, user_signing
            public_key TEXT NOT NULL,
            key        TEXT NOT NULL,                 -- canonical JSON, as uploaded
            PRIMARY KEY (user, usage)
        ) STRICT, WITHOUT ROWID;

        -- Signatures that came after the key they are on.
        CREATE TABLE key_signatures (
            target_user INTEGER NOT NULL,
            target      TEXT NOT NULL,                -- the id of a device, or the public key of a cross-signing key
            signer      INTEGER NOT NULL,             -- nid of the user
            key_id      TEXT NOT NULL,
            signature   TEXT NOT NULL,
            position    INTEGER NOT NULL,
            PRIMARY KEY (target_user, target, signer, key_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX key_signatures_stream ON key_signatures (signer, position);

        CREATE TABLE key_backups (
            user      INTEGER NOT NULL,
            version   INTEGER NOT NULL,
            algorithm TEXT NOT NULL,
            auth_data TEXT NOT NULL,                  -- a JSON object
            etag      INTEGER NOT NULL DEFAULT 0,
            keys      INTEGER NOT NULL DEFAULT 0,     -- how many it holds
            deleted   INTEGER NOT NULL DEFAULT 0,     -- 1: gone, but its version stays taken
            PRIMARY KEY (user, version)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE backed_up_keys (
            user                INTEGER NOT NULL,
            version             INTEGER NOT NULL,
            room_id             TEXT NOT NULL,
            session_id          TEXT NOT NULL,
            first_message_index INTEGER NOT NULL,
            forwarded_count     INTEGER NOT NULL,
            is_verified         INTEGER NOT NULL,
            session_data        TEXT NOT NULL,        -- a JSON object
            PRIMARY KEY (user, version, room_id, session_id)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE dehydrated_devices (
            user   INTEGER PRIMARY KEY,
            device INTEGER NOT NULL,
            data   TEXT NOT NULL                      -- a JSON object
        ) STRICT;
        CREATE INDEX dehydrated_devices_by_device ON dehydrated_devices (device);
        """,

        // 13: parents of relations are told by a hash of their id, not by its beginning, which anybody can imitate.
        """
        DELETE FROM relations;
        DELETE FROM threads;
        UPDATE sequence SET reserved = (SELECT coalesce(max(nid), 0) FROM events) WHERE name = 'relations';
        """,

        // 14: auth chains answer without being walked.
        """
        -- The state events of a room in the order of their nids, packed in blocks (see AuthChainBlock).
        CREATE TABLE auth_chains (
            room    INTEGER NOT NULL,
            first   INTEGER NOT NULL,                 -- nid of the first event in the block
            entries BLOB NOT NULL,
            PRIMARY KEY (room, first)
        ) STRICT, WITHOUT ROWID;

        -- One row: the nid up to which every state event is in auth_chains.
        CREATE TABLE auth_chains_end (
            one   INTEGER PRIMARY KEY CHECK (one = 1),
            event INTEGER NOT NULL
        ) STRICT;

        -- One row where there may be state nodes that nothing reads; collecting: none became so since marking began.
        CREATE TABLE loose_state_nodes (
            one        INTEGER PRIMARY KEY CHECK (one = 1),
            collecting INTEGER NOT NULL
        ) STRICT;
        CREATE TRIGGER state_of_deleted_event AFTER DELETE ON events WHEN old.state <> 0 BEGIN
            INSERT OR REPLACE INTO loose_state_nodes (one, collecting) VALUES (1, 0);
        END;
        CREATE TRIGGER state_of_changed_event AFTER UPDATE OF state ON events WHEN old.state <> new.state BEGIN
            INSERT OR REPLACE INTO loose_state_nodes (one, collecting) VALUES (1, 0);
        END;
        CREATE TRIGGER map_of_deleted_auth_chains AFTER DELETE ON auth_chains BEGIN
            INSERT OR REPLACE INTO loose_state_nodes (one, collecting) VALUES (1, 0);
        END;
        """,

        // 15: a room knows what its messages take, so that nobody need look at them all to know the largest.
        """
        ALTER TABLE rooms ADD COLUMN message_bytes INTEGER NOT NULL DEFAULT 0;
        UPDATE rooms SET message_bytes = sums.bytes
            FROM (SELECT room, sum(length(body) + 100) AS bytes FROM events WHERE state_key IS NULL GROUP BY room) AS sums
            WHERE sums.room = rooms.nid;
        CREATE TRIGGER bytes_of_new_message AFTER INSERT ON events WHEN new.state_key IS NULL BEGIN
            UPDATE rooms SET message_bytes = message_bytes + length(new.body) + 100 WHERE nid = new.room;
        END;
        CREATE TRIGGER bytes_of_deleted_message AFTER DELETE ON events WHEN old.state_key IS NULL BEGIN
            UPDATE rooms SET message_bytes = message_bytes - length(old.body) - 100 WHERE nid = old.room;
        END;
        CREATE TRIGGER bytes_of_redacted_message AFTER UPDATE OF body ON events WHEN old.state_key IS NULL BEGIN
            UPDATE rooms SET message_bytes = message_bytes + length(new.body) - length(old.body) WHERE nid = new.room;
        END;
        """,

        // 16: what an account may do, and accounts that are no more.
        """
        ALTER TABLE accounts ADD COLUMN guest INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE accounts ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE accounts ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE accounts ADD COLUMN deactivated_ts INTEGER; -- ms; null: in use
        ALTER TABLE accounts ADD COLUMN parting INTEGER NOT NULL DEFAULT 0; -- 1: deactivated, and not out of all rooms yet
        CREATE INDEX accounts_parting ON accounts (user) WHERE parting = 1;

        -- Users whose events whoever joins later sees redacted.
        CREATE TABLE erased_users (
            user     INTEGER PRIMARY KEY,
            position INTEGER NOT NULL
        ) STRICT;
        """,

        // 17: where users want to be told of what they are to be notified of.
        """
        CREATE TABLE pushers (
            nid                 INTEGER PRIMARY KEY AUTOINCREMENT,
            user                INTEGER NOT NULL,
            device              INTEGER,              -- nid of the device that set it
            app_id              TEXT NOT NULL,
            pushkey             TEXT NOT NULL,
            kind                TEXT NOT NULL,
            app_display_name    TEXT NOT NULL,
            device_display_name TEXT NOT NULL,
            profile_tag         TEXT,
            lang                TEXT NOT NULL,
            data                TEXT NOT NULL,        -- a JSON object
            set_ts              INTEGER NOT NULL,
            position            INTEGER NOT NULL,     -- nid of the last event that was delivered, or passed over
            failing_since_ts    INTEGER,
            UNIQUE (app_id, pushkey, user)
        ) STRICT;
        CREATE INDEX pushers_of_user ON pushers (user);
        CREATE INDEX pushers_of_device ON pushers (device);
        """,

        // 18: registration by token, and what users report.
        """
        -- The token stands here itself as well, since administrators are shown it; it is looked up by its hash.
        CREATE TABLE registration_tokens (
            hash         BLOB NOT NULL PRIMARY KEY,
            token        TEXT NOT NULL,
            uses_allowed INTEGER,                     -- null: any number
            completed    INTEGER NOT NULL DEFAULT 0,
            expiry_ts    INTEGER                      -- ms; null: never
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE reports (
            nid         INTEGER PRIMARY KEY AUTOINCREMENT,
            received_ts INTEGER NOT NULL,
            reporter    INTEGER NOT NULL,             -- nid of the user
            room_id     TEXT,                         -- null: a user is reported
            event_id    TEXT,                         -- null: a room or a user is
            user_id     TEXT,                         -- the sender of the event, or the user
            reason      TEXT,
            score       INTEGER
        ) STRICT;
        CREATE INDEX reports_by_reporter ON reports (reporter);
        """,

        // 19: the words of messages, room names and topics: neither the texts nor where in them the words are. See SearchTable.
        """
        CREATE VIRTUAL TABLE search USING fts5(
            words, content='', contentless_delete=1, detail=none, tokenize="unicode61 remove_diacritics 2 categories 'L* N* M* Co'");
        """,

        // 20: rooms that nobody here may join.
        """
        CREATE TABLE blocked_rooms (
            room_id TEXT NOT NULL PRIMARY KEY,
            blocker INTEGER NOT NULL                  -- nid of the administrator
        ) STRICT, WITHOUT ROWID;
        """,

        // 21: guests are found among all accounts.
        """
        CREATE INDEX accounts_guests ON accounts (user) WHERE guest = 1 AND deactivated_ts IS NULL;
        """,

        // 22: what users say of how they are outlives the server.
        """
        CREATE TABLE status_messages (
            user    INTEGER PRIMARY KEY,
            message TEXT NOT NULL
        ) STRICT;
        """,

        // 23: what of one type relates to an event, and what a space holds, is found without reading past the rest.
        """
        CREATE INDEX relations_by_type ON relations (room, parent, rel_type, type, timeline);

        -- The state keys that an m.space.child ever had in a room.
        CREATE TABLE space_children (
            room      INTEGER NOT NULL,
            state_key INTEGER NOT NULL,               -- nid in state_keys
            PRIMARY KEY (room, state_key)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO space_children (room, state_key) SELECT DISTINCT room, state_key FROM events
            WHERE state_key IN (SELECT k.nid FROM event_types t JOIN state_keys k ON k.type = t.nid WHERE t.type = 'm.space.child');
        CREATE TRIGGER child_of_space AFTER INSERT ON events
            WHEN new.state_key IS NOT NULL AND new.type = (SELECT nid FROM event_types WHERE type = 'm.space.child') BEGIN
            INSERT INTO space_children (room, state_key) VALUES (new.room, new.state_key) ON CONFLICT DO NOTHING;
        END;
        """,

        // 24: an event that notifies is one row for all whom it notifies, and what they have not read is counted, all of them in a row.
        $"""
        CREATE TABLE notified (
            room   INTEGER NOT NULL,
            event  INTEGER NOT NULL,
            thread INTEGER NOT NULL,                  -- nid of the thread's root; 0: the main timeline
            users  BLOB NOT NULL,                     -- see NotifiedUsers
            PRIMARY KEY (room, event)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE unread (
            room   INTEGER NOT NULL,
            thread INTEGER NOT NULL,                  -- as in notified; -1: all threads together
            counts BLOB NOT NULL,                     -- see UnreadCounts
            PRIMARY KEY (room, thread)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE read_to (
            room   INTEGER NOT NULL,
            user   INTEGER NOT NULL,
            thread INTEGER NOT NULL,                  -- as in notified; -1: everything
            event  INTEGER NOT NULL,
            PRIMARY KEY (room, user, thread)
        ) STRICT, WITHOUT ROWID;

        -- What is unread of users with pushers, until all of those have delivered it.
        CREATE TABLE push_queue (
            user   INTEGER NOT NULL,
            event  INTEGER NOT NULL,
            room   INTEGER NOT NULL,
            thread INTEGER NOT NULL,
            PRIMARY KEY (user, event)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER queue_of_moved_pusher AFTER UPDATE OF position ON pushers BEGIN
            DELETE FROM push_queue WHERE user = new.user AND event <= (SELECT min(position) FROM pushers WHERE user = new.user);
        END;
        CREATE TRIGGER queue_of_deleted_pusher AFTER DELETE ON pushers BEGIN
            DELETE FROM push_queue WHERE user = old.user
            AND event <= coalesce((SELECT min(position) FROM pushers WHERE user = old.user), 9223372036854775807);
        END;

        DELETE FROM notifications WHERE NOT EXISTS (SELECT 1 FROM events e JOIN rooms r ON r.nid = e.room WHERE e.nid = event AND e.room = notifications.room);
        UPDATE notifications SET thread = 0 WHERE thread <> 0 AND NOT EXISTS (SELECT 1 FROM events WHERE nid = thread);
        INSERT INTO read_to (room, user, thread, event)
            SELECT room, user, thread, max(event) FROM notifications WHERE read = 1 GROUP BY room, user, thread;
        INSERT INTO notified (room, event, thread, users)
            WITH numbers (room, event, thread, user, number) AS (
                SELECT room, event, thread, user, 2 * (user - lag(user, 1, 0) OVER (PARTITION BY room, event ORDER BY user)) + highlight
                FROM notifications)
            SELECT room, event, min(thread), unhex(group_concat({VarintHex}, '' ORDER BY user)) FROM numbers GROUP BY room, event;
        INSERT INTO unread (room, thread, counts)
            WITH threads (room, thread, user, notifications, highlights) AS (
                SELECT n.room, n.thread, n.user, count(*), sum(n.highlight) FROM notifications n
                LEFT JOIN read_to r ON r.room = n.room AND r.user = n.user AND r.thread = n.thread
                WHERE n.event > coalesce(r.event, 0) GROUP BY n.room, n.thread, n.user),
            counted AS (
                SELECT * FROM threads
                UNION ALL
                SELECT room, -1, user, sum(notifications), sum(highlights) FROM threads WHERE thread <> 0 GROUP BY room, user),
            numbers (room, thread, user, part, number) AS (
                SELECT room, thread, user, 0, user - lag(user, 1, 0) OVER (PARTITION BY room, thread ORDER BY user) FROM counted
                UNION ALL SELECT room, thread, user, 1, notifications FROM counted
                UNION ALL SELECT room, thread, user, 2, highlights FROM counted)
            SELECT room, thread, unhex(group_concat({VarintHex}, '' ORDER BY user, part)) FROM numbers GROUP BY room, thread;
        INSERT INTO push_queue (user, event, room, thread)
            SELECT user, event, room, thread FROM notifications n
            WHERE read = 0 AND event > (SELECT min(position) FROM pushers p WHERE p.user = n.user);
        DROP TABLE notifications;
        """,

        // 25: what application services are to be told.
        """
        CREATE TABLE appservices (
            nid              INTEGER PRIMARY KEY AUTOINCREMENT,
            id               TEXT NOT NULL UNIQUE,    -- as the registration has it
            txn_id           TEXT,                    -- of the transaction that is not acknowledged; null: there is none
            body             BLOB,                    -- what that transaction says, to the byte, however often it is sent
            failing_since_ts INTEGER,                 -- ms; null while it takes what it is sent
            last_success_ts  INTEGER                  -- ms
        ) STRICT;

        -- What is in no transaction yet.
        CREATE TABLE appservice_queue (
            appservice INTEGER NOT NULL,
            position   INTEGER NOT NULL,              -- in the stream; of an event its nid
            kind       INTEGER NOT NULL,              -- 0 event, 1 receipt, 2 to-device message, 3 devices of a user, 4 keys of a device
            subject    INTEGER NOT NULL,              -- nid of the event, room, device or user
            PRIMARY KEY (appservice, position)
        ) STRICT, WITHOUT ROWID;

        -- The directories that application services keep for their networks.
        CREATE TABLE appservice_rooms (
            appservice INTEGER NOT NULL,
            network    TEXT NOT NULL,
            room       INTEGER NOT NULL,
            PRIMARY KEY (appservice, network, room)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX appservice_rooms_by_room ON appservice_rooms (room);
        """,

        // 26: which pictures of URL previews, which the server stores as uploader 0, were not asked for the longest.
        """
        CREATE INDEX media_of_server ON media (accessed_ts, nid) WHERE uploader = 0;
        """,

        // 27: e-mail: addresses of accounts, addresses that are being proved, and mails on their way.
        """
        CREATE TABLE threepids (
            medium       TEXT NOT NULL,
            address      TEXT NOT NULL,               -- in its canonical form
            user         INTEGER NOT NULL,
            validated_ts INTEGER NOT NULL,
            added_ts     INTEGER NOT NULL,
            PRIMARY KEY (medium, address)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX threepids_of_user ON threepids (user);

        CREATE TABLE email_sessions (
            sid          TEXT NOT NULL PRIMARY KEY,
            purpose      INTEGER NOT NULL,            -- see EmailPurpose
            address      TEXT NOT NULL,
            secret       BLOB NOT NULL,               -- SHA-256
            token        BLOB NOT NULL,               -- SHA-256
            send_attempt INTEGER NOT NULL,
            next_link    TEXT,
            expires_ts   INTEGER NOT NULL,
            validated_ts INTEGER,
            UNIQUE (address, secret, purpose)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX email_sessions_expiring ON email_sessions (expires_ts);

        CREATE TABLE mails (
            nid        INTEGER PRIMARY KEY AUTOINCREMENT,
            recipient  TEXT NOT NULL,
            message    TEXT NOT NULL,                 -- as it goes over the wire
            next_ts    INTEGER NOT NULL,              -- when it is to be tried
            failures   INTEGER NOT NULL,
            expires_ts INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX mails_by_time ON mails (next_ts, nid);
        """,

        // 28: when a pusher last wrote a mail, and how long it writes no other.
        """
        ALTER TABLE pushers ADD COLUMN mailed_ts INTEGER;
        ALTER TABLE pushers ADD COLUMN mail_wait_ms INTEGER NOT NULL DEFAULT 0;
        """,

        // 29: a number that moves with everything that RecipientTable tells of users, whatever room they are in.
        """
        CREATE TABLE recipient_changes (number INTEGER NOT NULL) STRICT;
        INSERT INTO recipient_changes (number) VALUES (0);
        CREATE TRIGGER recipient_of_new_account_data AFTER INSERT ON account_data
        WHEN new.room = 0 AND new.type IN ('m.push_rules', 'm.ignored_user_list') BEGIN UPDATE recipient_changes SET number = number + 1; END;
        CREATE TRIGGER recipient_of_changed_account_data AFTER UPDATE ON account_data
        WHEN new.room = 0 AND new.type IN ('m.push_rules', 'm.ignored_user_list') BEGIN UPDATE recipient_changes SET number = number + 1; END;
        CREATE TRIGGER recipient_of_deleted_account_data AFTER DELETE ON account_data
        WHEN old.room = 0 AND old.type IN ('m.push_rules', 'm.ignored_user_list') BEGIN UPDATE recipient_changes SET number = number + 1; END;
        CREATE TRIGGER recipient_of_new_pusher AFTER INSERT ON pushers BEGIN UPDATE recipient_changes SET number = number + 1; END;
        CREATE TRIGGER recipient_of_moved_pusher AFTER UPDATE OF user ON pushers BEGIN UPDATE recipient_changes SET number = number + 1; END;
        CREATE TRIGGER recipient_of_deleted_pusher AFTER DELETE ON pushers BEGIN UPDATE recipient_changes SET number = number + 1; END;
        """,

        // 30: events of other servers, which may stand beside others, and may come before what they are about.
        """
        -- The node of the room's current state once the event was taken in, where that is not the state after it.
        CREATE TABLE current_states (
            event INTEGER PRIMARY KEY,
            state INTEGER NOT NULL
        ) STRICT;
        CREATE TRIGGER current_state_of_deleted_event AFTER DELETE ON events BEGIN
            DELETE FROM current_states WHERE event = old.nid;
        END;
        CREATE TRIGGER state_of_deleted_current_state AFTER DELETE ON current_states BEGIN
            INSERT OR REPLACE INTO loose_state_nodes (one, collecting) VALUES (1, 0);
        END;

        -- Redactions of events that are not here.
        CREATE TABLE early_redactions (
            room      INTEGER NOT NULL,
            event_id  BLOB NOT NULL,                  -- of the event to be redacted, as in events
            redaction INTEGER NOT NULL,               -- nid of the redaction
            PRIMARY KEY (room, event_id, redaction)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX early_redactions_by_redaction ON early_redactions (redaction);
        CREATE TRIGGER early_redaction_deleted AFTER DELETE ON events BEGIN
            DELETE FROM early_redactions WHERE redaction = old.nid;
        END;
        """,

        // 31: what administrators look for and set: rooms by name and size, how often a user may send, media under quarantine by whom and never.
        """
        CREATE TABLE room_names (
            room  INTEGER PRIMARY KEY,
            place TEXT,                               -- name, or else alias, or else id: all in small letters; null: not looked up yet
            name  TEXT,
            alias TEXT
        ) STRICT;
        INSERT INTO room_names (room) SELECT nid FROM rooms;
        CREATE INDEX room_names_in_order ON room_names (place, room);
        CREATE TRIGGER name_of_new_room AFTER INSERT ON rooms BEGIN
            INSERT INTO room_names (room) VALUES (new.nid);
        END;
        CREATE TRIGGER name_of_deleted_room AFTER DELETE ON rooms BEGIN
            DELETE FROM room_names WHERE room = old.nid;
        END;
        CREATE INDEX rooms_by_joined ON rooms (joined);
        CREATE INDEX rooms_by_version ON rooms (version);

        CREATE TABLE rate_overrides (
            user       INTEGER PRIMARY KEY,
            per_second INTEGER NOT NULL,              -- 0: as often as they like
            burst      INTEGER NOT NULL
        ) STRICT;

        ALTER TABLE media ADD COLUMN quarantined_by INTEGER;   -- nid of the administrator; null: nobody, or it is not known who
        ALTER TABLE media ADD COLUMN protected INTEGER NOT NULL DEFAULT 0;
        """,

        // 32: other servers: how it stands with them, and their signing keys.
        """
        CREATE TABLE destinations (
            server           TEXT NOT NULL PRIMARY KEY,
            failures         INTEGER NOT NULL,            -- in a row
            failing_since_ts INTEGER,                     -- ms; null while it answers
            next_ts          INTEGER NOT NULL,            -- when it is to be tried again
            last_heard_ts    INTEGER                      -- to the hour; null: never
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE server_keys (
            server   TEXT NOT NULL,
            key_id   TEXT NOT NULL,
            key      BLOB NOT NULL,
            until_ts INTEGER NOT NULL,                    -- of a key in use: trusted until; of an old one: when it expired
            old      INTEGER NOT NULL,
            PRIMARY KEY (server, key_id)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE server_key_answers (
            server         TEXT NOT NULL PRIMARY KEY,
            json           BLOB NOT NULL,                 -- as its server signed it, for those who ask us as a notary
            fetched_ts     INTEGER NOT NULL,
            valid_until_ts INTEGER NOT NULL               -- as it says itself
        ) STRICT;
        CREATE INDEX server_key_answers_by_age ON server_key_answers (fetched_ts);
        """,

        // 33: the other servers in each room. Nobody of another server could be joined before.
        """
        CREATE TABLE room_servers (
            room    INTEGER NOT NULL,
            server  TEXT NOT NULL,
            members INTEGER NOT NULL,                     -- how many of its users are joined
            since   INTEGER NOT NULL,                     -- stream position at which it came in
            until   INTEGER,                              -- stream position at which its last user left; null while it is in
            PRIMARY KEY (room, server)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX room_servers_by_server ON room_servers (server, room);
        """,

        // 34: what comes of other servers before what it follows, and what of the past is not here.
        """
        CREATE TABLE waiting_events (
            nid         INTEGER PRIMARY KEY,
            room        INTEGER NOT NULL,
            event_id    BLOB NOT NULL,                    -- as in events
            origin      TEXT NOT NULL,                    -- the server that sent it
            received_ts INTEGER NOT NULL,                 -- ms
            body        BLOB NOT NULL                     -- canonical JSON
        ) STRICT;
        CREATE UNIQUE INDEX waiting_events_by_id ON waiting_events (room, event_id);
        CREATE INDEX waiting_events_by_origin ON waiting_events (origin, room);

        -- Events of which those that they follow are not here.
        CREATE TABLE backward_extremities (
            room     INTEGER NOT NULL,
            event    INTEGER NOT NULL,                    -- nid
            low      INTEGER NOT NULL,                    -- timeline order before the gap
            timeline INTEGER NOT NULL,                    -- order of the event
            PRIMARY KEY (room, event)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER backward_extremity_deleted AFTER DELETE ON events BEGIN
            DELETE FROM backward_extremities WHERE room = old.room AND event = old.nid;
        END;

        -- More than ten forward extremities, of eight bytes each.
        CREATE INDEX rooms_with_many_branches ON rooms (nid) WHERE length(extremities) > 80;
        """,

        // 35: what other servers are to be told, and how far each of them has it.
        """
        CREATE TABLE outgoing_events (
            room     INTEGER NOT NULL,
            position INTEGER NOT NULL,                    -- order in the room's timeline
            PRIMARY KEY (room, position)
        ) STRICT, WITHOUT ROWID;

        -- Events that concern a server which is not in their room.
        CREATE TABLE outgoing_strangers (
            server   TEXT NOT NULL,
            position INTEGER NOT NULL,
            room     INTEGER NOT NULL,
            PRIMARY KEY (server, position)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX outgoing_strangers_by_room ON outgoing_strangers (room);

        CREATE TABLE outgoing_messages (
            position INTEGER PRIMARY KEY,                 -- of this message alone
            server   TEXT NOT NULL,
            content  TEXT NOT NULL                        -- a JSON object: of the EDU
        ) STRICT;
        CREATE INDEX outgoing_messages_by_server ON outgoing_messages (server, position);

        CREATE TABLE outgoing_cursors (
            server     TEXT NOT NULL PRIMARY KEY,
            position   INTEGER NOT NULL,                  -- up to here it has everything
            success_ts INTEGER                            -- when it last took something; null: never
        ) STRICT, WITHOUT ROWID;

        -- The last change of each device; one without an id: of the user's cross-signing keys.
        CREATE TABLE device_changes (
            user      INTEGER NOT NULL,
            device_id TEXT NOT NULL,
            position  INTEGER NOT NULL,
            previous  INTEGER NOT NULL,                   -- position of the change of a device of the user before it; 0: none
            PRIMARY KEY (user, device_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX device_changes_stream ON device_changes (position);
        """,

        // 36: what other servers tell of their users' devices, and which of their messages to devices came.
        """
        CREATE TABLE remote_device_lists (
            user             INTEGER PRIMARY KEY,
            server           TEXT NOT NULL,
            stream_id        INTEGER,                     -- how far it goes, as its server counts; -1: not known; null: never given
            stale            INTEGER NOT NULL,            -- its server is to be asked for all of it
            master_key       TEXT,                        -- JSON
            self_signing_key TEXT                         -- JSON
        ) STRICT;
        CREATE INDEX remote_device_lists_stale ON remote_device_lists (server, user) WHERE stale = 1;

        CREATE TABLE remote_devices (
            user         INTEGER NOT NULL,
            device_id    TEXT NOT NULL,
            display_name TEXT,
            keys         TEXT NOT NULL,                   -- JSON
            PRIMARY KEY (user, device_id)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER devices_of_deleted_list AFTER DELETE ON remote_device_lists BEGIN
            DELETE FROM remote_devices WHERE user = old.user;
        END;

        CREATE TABLE received_messages (
            nid         INTEGER PRIMARY KEY,
            server      TEXT NOT NULL,
            message_id  TEXT NOT NULL,
            received_ts INTEGER NOT NULL,
            UNIQUE (server, message_id)
        ) STRICT;
        """,

        // 37: what rooms are to which users of this server are invited, and which it is not in; and when a membership changed, which may be
        // later than its event was first heard of.
        """
        CREATE TABLE told_states (
            event INTEGER PRIMARY KEY,                    -- nid of the member event
            state BLOB NOT NULL                           -- a JSON list of stripped state events
        ) STRICT;
        CREATE TRIGGER told_state_of_deleted_event AFTER DELETE ON events WHEN old.flags & 16 <> 0 BEGIN
            DELETE FROM told_states WHERE event = old.nid;
        END;

        ALTER TABLE memberships ADD COLUMN position INTEGER NOT NULL DEFAULT 0; -- stream position at which it became what it is
        UPDATE memberships SET position = event;
        DROP INDEX memberships_of_user;
        CREATE INDEX memberships_of_user ON memberships (user, membership, position, event);
        DROP INDEX memberships_in_room;
        CREATE INDEX memberships_in_room ON memberships (room, membership, position, event);
        """,

        // 38: media of other servers. Their bytes together are in media_usage, as those of user -1.
        """
        CREATE TABLE remote_media (
            nid            INTEGER PRIMARY KEY,
            server         TEXT NOT NULL,
            media_id       TEXT NOT NULL,
            hash           BLOB NOT NULL,                 -- SHA-256 of the file
            bytes          INTEGER NOT NULL,
            type           TEXT,
            name           TEXT,
            quarantined    INTEGER NOT NULL,
            quarantined_by INTEGER,                       -- nid of the administrator; null: nobody
            fetched_ts     INTEGER NOT NULL,
            accessed_ts    INTEGER NOT NULL,              -- a day coarse
            UNIQUE (server, media_id)
        ) STRICT;
        CREATE INDEX remote_media_by_hash ON remote_media (hash);
        CREATE INDEX remote_media_by_access ON remote_media (accessed_ts) WHERE quarantined = 0;
        """,

        // 39: rooms that this server is in, but of which it does not know all of the state yet.
        """
        CREATE TABLE partial_rooms (
            room     INTEGER PRIMARY KEY,
            entry    INTEGER NOT NULL,                    -- nid of the join by which this server came in
            unknown  INTEGER NOT NULL,                    -- the state node that stands for what is not known
            servers  BLOB NOT NULL                        -- a JSON list: who is in the room, first who told so; each counts as one member more
        ) STRICT;
        ALTER TABLE rooms ADD COLUMN whole_since INTEGER NOT NULL DEFAULT 0; -- stream position at which a partial state became whole
        """,

        // 40: addresses that identity servers know as those of users; by what program a device was last seen; and when what only a user sees of
        // their own keys changed last.
        """
        ALTER TABLE devices ADD COLUMN user_agent TEXT;
        ALTER TABLE device_list_changes ADD COLUMN own_position INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE bound_threepids (
            user      INTEGER NOT NULL,
            medium    TEXT NOT NULL,
            address   TEXT NOT NULL,
            id_server TEXT NOT NULL,
            PRIMARY KEY (user, medium, address, id_server)
        ) STRICT, WITHOUT ROWID;
        """,

        // 41: what servers answered before, of keys that their last answers do not list any more.
        """
        CREATE TABLE server_key_earlier_answers (
            server         TEXT NOT NULL,
            key_id         TEXT NOT NULL,
            json           BLOB NOT NULL,                 -- as in server_key_answers
            fetched_ts     INTEGER NOT NULL,
            valid_until_ts INTEGER NOT NULL,
            PRIMARY KEY (server, key_id)
        ) STRICT, WITHOUT ROWID;
        """,

        // 42: messages that are to be gone by a time. One that went otherwise is still here until then.
        """
        CREATE TABLE self_destructing_events (
            due_ts INTEGER NOT NULL,
            event  INTEGER NOT NULL,                      -- nid
            PRIMARY KEY (due_ts, event)
        ) STRICT, WITHOUT ROWID;
        """,

        // 43: users of this server who were in a room by an event that the room's state has no more, and are nothing in it now.
        """
        CREATE TABLE lost_memberships (
            user     INTEGER NOT NULL,
            room     INTEGER NOT NULL,
            position INTEGER NOT NULL,                    -- stream position at which it was lost
            PRIMARY KEY (user, room)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER lost_memberships_of_deleted_room AFTER DELETE ON rooms BEGIN
            DELETE FROM lost_memberships WHERE room = old.nid;
        END;
        """,
    ];
}
