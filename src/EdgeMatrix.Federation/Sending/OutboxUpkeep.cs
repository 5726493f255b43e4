using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Federation;

namespace EdgeMatrix.Federation.Sending;

/// <summary>Forgets of events that servers are to be told of them, where all have been, or lack so many that they are told the newest only.</summary>
public sealed class OutboxUpkeep(Database database)
{
    private const int RoomsPerSlice = 100;

    /// <summary>So many rows of a room are kept for those who lack them: one more than is told in full.</summary>
    private const int Kept = OutgoingStream.MaxBehind + 1;

    private long _room;

    /// <returns>Whether there is more to look at.</returns>
    public async Task<bool> SliceAsync(CancellationToken cancellation)
    {
        var done = new List<(long Room, long UpTo)>();
        using (var db = database.OpenSnapshot())
        {
            var rooms = OutgoingEventTable.Rooms(db, _room, RoomsPerSlice);
            foreach (var room in rooms)
            {
                var upTo = OutgoingEventTable.Done(db, room, Kept, db.Position);
                if (OutgoingEventTable.Between(db, room, 0, upTo, 1).Count > 0)
                {
                    done.Add((room, upTo));
                }
            }

            _room = rooms.Count == RoomsPerSlice ? rooms[^1] : 0;
        }

        if (done.Count > 0)
        {
            await database.WriteAsync(db => done.ForEach(one => OutgoingEventTable.DeleteUpTo(db, one.Room, one.UpTo)));
        }

        return _room > 0 && !cancellation.IsCancellationRequested;
    }
}
