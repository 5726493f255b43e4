using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Purging;

/// <summary>Deletes old messages of rooms: those that have expired, and those that an administrator has no more use for.</summary>
/// <remarks>See <see cref="EventDeletion.DeleteOldMessages"/> for what stays. Used by one caller at a time for expired messages.</remarks>
public sealed class HistoryPurge(RoomEngine engine)
{
    private const int EventsPerSlice = 256;

    // Clocks differ, so what expires is only nearly in the order of the timeline.
    private const int MaxOutOfOrder = 64;

    private long _room;
    private long? _after;
    private long _deletedOfRoom;

    // Of the run under way: the position it began at, and when the first of what stays expires.
    private long _begunAt;
    private long _nextExpiry = long.MaxValue;

    // Of the last whole run. As long as nothing is new, there is nothing to look for before that time.
    private (long Position, long NextExpiry) _done = (-1, 0);

    /// <summary>Deletes the messages of a room up to a place in its timeline, or those sent before a time.</summary>
    /// <param name="upTo">Order of the last event that may go.</param>
    /// <param name="sentBeforeMs">ms since the Unix epoch; null: whenever it was sent.</param>
    /// <returns>How many went.</returns>
    public async Task<long> DeleteAsync(Room room, long upTo, long? sentBeforeMs, CancellationToken cancellationToken)
    {
        var deleted = 0L;
        for (long? after = null; ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var slice = await engine.Database.WriteAsync(db => RoomTable.Find(db, room.Nid) is { } row
                ? EventDeletion.DeleteOldMessages(
                    db, row, after, upTo, sentBeforeMs is null ? null : e => e.Parse(room.Version).OriginServerTs < sentBeforeMs, EventsPerSlice)
                : default);
            deleted += slice.Count;
            if (slice.Next is not { } next)
            {
                while (deleted > 0 && await UnreadableReceipts.DeleteSomeAsync(engine.Database, room.Nid))
                {
                }

                return deleted;
            }

            after = next;
        }
    }

    /// <summary>Deletes a few of the messages that have expired, room by room.</summary>
    /// <returns>Whether there is more to look at.</returns>
    public async Task<bool> ExpireSliceAsync(CancellationToken cancellationToken)
    {
        if (!engine.Retention.Enabled || cancellationToken.IsCancellationRequested)
        {
            return false;
        }

        var now = engine.Time.GetUtcNow().ToUnixTimeMilliseconds();
        if (_room == 0 && !Begin(now))
        {
            return false;
        }

        if (_after is null && _deletedOfRoom > 0)
        {
            if (!await UnreadableReceipts.DeleteSomeAsync(engine.Database, _room))
            {
                (_room, _deletedOfRoom) = (_room + 1, 0);
            }

            return true;
        }

        if (NextRoom() is not { } room)
        {
            (_room, _after) = (0, null);
            _done = (_begunAt, _nextExpiry);
            return false;
        }

        var slice = await engine.Database.WriteAsync(db => Expire(db, room, now));
        _deletedOfRoom += slice.Count;
        _after = slice.Kept - slice.Count > MaxOutOfOrder ? null : slice.Next;

        // Where something went, its receipts are the next slice.
        _room = _after is null && _deletedOfRoom == 0 ? room + 1 : room;
        return true;
    }

    private bool Begin(long now)
    {
        _begunAt = engine.Database.CommittedPosition;
        if (_begunAt == _done.Position && now < _done.NextExpiry)
        {
            return false;
        }

        (_nextExpiry, _done) = (long.MaxValue, (-1, 0));
        return true;
    }

    private DeletedMessages Expire(WriteTransaction db, long room, long now)
    {
        if (RoomTable.Find(db, room) is not { } row || RoomVersions.Find(row.Version) is not { } version
            || engine.Retention.ExpiredUntil(db, version, row.State, now) is not { } until)
        {
            return default;
        }

        return EventDeletion.DeleteOldMessages(
            db, row, _after, long.MaxValue, stored =>
            {
                var pdu = stored.Parse(version);
                if (RetentionPolicy.HasExpired(pdu, until))
                {
                    return true;
                }

                _nextExpiry = Math.Min(_nextExpiry, pdu.OriginServerTs + (now - until));
                return false;
            }, EventsPerSlice);
    }

    /// <summary>The first room from the next one on in which messages may expire.</summary>
    private long? NextRoom()
    {
        using var snapshot = engine.Database.OpenSnapshot();
        var now = engine.Time.GetUtcNow().ToUnixTimeMilliseconds();
        while (RoomTable.FirstFrom(snapshot, _room) is { } row)
        {
            if (RoomVersions.Find(row.Version) is { } version && engine.Retention.ExpiredUntil(snapshot, version, row.State, now) is not null)
            {
                return row.Nid;
            }

            (_room, _after) = (row.Nid + 1, null);
        }

        return null;
    }
}
