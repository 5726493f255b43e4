using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Relations;

/// <summary>Takes in the relations of events that an older EdgeMatrix stored.</summary>
public sealed class RelationUpkeep(RoomEngine engine)
{
    private const int EventsPerSlice = 256;

    /// <returns>Whether there is more to look at.</returns>
    public async Task<bool> SliceAsync(CancellationToken cancellationToken)
    {
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            if (cancellationToken.IsCancellationRequested || RelationBackfill.IsDone(snapshot))
            {
                return false;
            }
        }

        await engine.Database.WriteAsync(db => RelationBackfill.TakeSlice(db, EventsPerSlice));
        return true;
    }
}
