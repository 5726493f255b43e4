using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.History;

/// <summary>Finds the event that a user may see closest to a time.</summary>
/// <remarks>
/// Times are in the events alone, so the place is found by halving the timeline: some twenty events are read of a long one, and from
/// there on those that the user may not see, 40,000 at most. Clocks
/// differ, and a timeline is only nearly in the order of its times: where it is not, the place is one of those at which the time is crossed.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event
/// </remarks>
public static class EventByTimestamp
{
    private const int MaxPages = 20;

    /// <param name="maySee">Whether whoever asks may know of an event.</param>
    /// <param name="ts">ms since the Unix epoch.</param>
    /// <param name="backward">At the time or before it; else at it or after it.</param>
    /// <returns>Null if there is none.</returns>
    public static StoredEvent? Find(Session db, Room room, Func<StoredEvent, bool> maySee, long ts, bool backward)
    {
        if (EventTable.Forward(db, room.Nid, long.MinValue, long.MaxValue, 1) is not [var first]
            || EventTable.LastTimeline(db, room.Nid) is not { } last)
        {
            return null;
        }

        // After low come no events from before the time; after high none from behind it.
        var (low, high) = (first.Timeline!.Value - 1, last);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (EventTable.Forward(db, room.Nid, middle, high, 1) is [var next] && IsBefore(next))
            {
                low = next.Timeline!.Value;
            }
            else
            {
                high = middle;
            }
        }

        // Where much is hidden from the user, a page ends before it finds anything.
        long? from = low;
        for (var pages = 0; from is not null && pages < MaxPages; pages++)
        {
            var page = RoomHistory.Page(db, room, backward, from, null, 1, stored => maySee(stored) && IsBefore(stored) == backward);
            if (page.Events is [var found])
            {
                return found;
            }

            from = page.End;
        }

        return null;

        bool IsBefore(StoredEvent stored)
        {
            var time = stored.Parse(room.Version).OriginServerTs;
            return backward ? time <= ts : time < ts;
        }
    }
}
