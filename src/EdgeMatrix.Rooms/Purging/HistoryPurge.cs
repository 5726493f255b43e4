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

        if (NextRoom() is not { } room)
        {
            (_room, _after) = (0, null);
            return false;
        }

        var now = engine.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var slice = await engine.Database.WriteAsync(db => RoomTable.Find(db, room) is { } row && RoomVersions.Find(row.Version) is { } version
            && engine.Retention.ExpiredUntil(db, version, row.State, now) is { } until
            ? EventDeletion.DeleteOldMessages(
                db, row, _after, long.MaxValue, e => RetentionPolicy.HasExpired(e.Parse(version), until), EventsPerSlice)
            : default);
        _after = slice.Kept - slice.Count > MaxOutOfOrder ? null : slice.Next;
        _room = _after is null ? room + 1 : room;
        return true;
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
