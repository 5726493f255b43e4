using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Storage.Search;

namespace EdgeMatrix.Rooms.Purging;

/// <summary>Holds the database to the bytes that the administrator gives it, by deleting the oldest messages of the largest rooms.</summary>
/// <remarks>
/// Messages of the last day stay in any case, so that a device which looks in now and then misses none; and so does all state. Where what
/// is not messages is more than the limit, the limit does not hold, and no message is deleted for it.
/// </remarks>
/// <param name="limit">Bytes of the database, free pages not counted; null: no limit.</param>
/// <param name="roomLimit">Bytes of the messages of each room; null: no limit.</param>
public sealed class StorageBudget(RoomEngine engine, long? limit, long? roomLimit)
{
    // No more than these go beyond what must.
    private const int EventsPerSlice = 64;
    private const int FewEvents = 16;
    private static readonly TimeSpan _youngest = TimeSpan.FromDays(1);

    /// <summary>Of the run under way: rooms that may have messages to delete, and the bytes of those.</summary>
    private Dictionary<long, long>? _rooms;

    /// <summary>Of the run under way: bytes that are still to go.</summary>
    private long _excess;

    /// <summary>Of the run under way: what each message of the last slice took.</summary>
    private long _bytesEach = EventDeletion.BytesBesideBody;

    /// <summary>Of the run under way: how much more than itself a message takes with its share of the index of words.</summary>
    private double _withWords = 1;

    /// <summary>The stream position at the last look, and when that was: while nothing is new, only what grew old makes another one worth it.</summary>
    private long _seen = -1;
    private DateTimeOffset _seenAt;

    /// <summary>Rooms of which messages were deleted, and whose receipts are still to be looked at.</summary>
    private readonly HashSet<long> _thinned = [];

    /// <summary>Deletes a few messages, if there are too many.</summary>
    /// <returns>Whether there is more to do.</returns>
    public async Task<bool> SliceAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested || (_rooms is null && !Begin()))
        {
            return false;
        }

        if (Next() is not { } room)
        {
            if (await DeleteReceiptsAsync())
            {
                return true;
            }

            _rooms = null;
            return false;
        }

        var before = (engine.Time.GetUtcNow() - _youngest).ToUnixTimeMilliseconds();
        var slice = await engine.Database.WriteAsync(db => RoomTable.Find(db, room) is { } row && RoomVersions.Find(row.Version) is { } version
            ? EventDeletion.DeleteOldMessages(
                db, row, null, long.MaxValue, e => e.Parse(version).OriginServerTs < before, SliceFor(room))
            : default);
        var bytes = (long)((slice.Bytes + (slice.Count * EventDeletion.BytesBesideBody)) * _withWords);
        _excess -= bytes;
        _bytesEach = slice.Count > 0 ? bytes / slice.Count : _bytesEach;
        if (slice.Count > 0)
        {
            _thinned.Add(room);
        }

        if (slice.Next is null || slice.Kept > slice.Count)
        {
            // The rest is too young.
            _rooms!.Remove(room);
        }
        else
        {
            _rooms![room] -= bytes;
        }

        return true;
    }

    // Near the limit no more is looked at than may have to go.
    private int SliceFor(long room)
    {
        var tooMuch = Math.Max(_excess, roomLimit is null ? 0 : _rooms![room] - roomLimit.Value);
        return (int)Math.Clamp(tooMuch / _bytesEach, FewEvents, EventsPerSlice);
    }

    private bool Begin()
    {
        var now = engine.Time.GetUtcNow();
        if ((limit is null && roomLimit is null) || (engine.Database.CommittedPosition == _seen && now - _seenAt < _youngest))
        {
            return false;
        }

        using var snapshot = engine.Database.OpenSnapshot();
        (_seen, _seenAt) = (snapshot.Position, now);
        var free = FreePages.Read(snapshot);
        _excess = limit is null ? 0 : ((free.Pages - free.Free) * FreePages.PageBytes) - limit.Value;
        if (roomLimit is null && _excess <= 0)
        {
            return false;
        }

        _rooms = RoomTable.MessageBytes(snapshot, moreThan: _excess > 0 ? 0 : roomLimit!.Value);
        _withWords = 1;
        if (_excess > 0)
        {
            // Words that are indexed go along with their messages, and their room is given back when the index is merged.
            _withWords += SearchTable.Bytes(snapshot) / (double)Math.Max(1, _rooms.Values.Sum());
            _rooms = _rooms.ToDictionary(pair => pair.Key, pair => (long)(pair.Value * _withWords));
        }

        if (_excess > _rooms.Values.Sum())
        {
            // Something else takes the room: all messages gone would not make the limit hold, and nobody would have won anything.
            _excess = 0;
        }

        return true;
    }

    private async Task<bool> DeleteReceiptsAsync()
    {
        if (_thinned.Count == 0)
        {
            return false;
        }

        var room = _thinned.First();
        if (!await UnreadableReceipts.DeleteSomeAsync(engine.Database, room))
        {
            _thinned.Remove(room);
        }

        return true;
    }

    private long? Next()
    {
        if (_rooms!.Count == 0)
        {
            return null;
        }

        var (room, bytes) = _rooms.MaxBy(pair => pair.Value);
        return bytes > roomLimit || _excess > 0 ? room : null;
    }
}
