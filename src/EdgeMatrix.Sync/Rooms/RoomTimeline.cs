using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>The newest events of a room that the user may see and wants to.</summary>
/// <param name="Events">Oldest first.</param>
/// <param name="Limited">There are more between the last sync and these.</param>
/// <param name="PrevBatch">The place just before the first event.</param>
internal sealed record RoomTimeline(List<StoredEvent> Events, bool Limited, long PrevBatch)
{
    private const int DefaultLimit = 10;
    private const int MaxLimit = 100;

    /// <param name="after">Order after which to begin (exclusive).</param>
    /// <param name="upTo">Order of the last event (inclusive).</param>
    /// <param name="purgedTo">Order up to which old messages were deleted; null if none were.</param>
    /// <param name="shownState">
    /// The node of a state that the user is told in any case: its events stand in the timeline where they happened, whether or not the user was there.
    /// Null for none.
    /// </param>
    public static RoomTimeline Read(
        SyncRound round, Room room, RoomVisibility visibility, long after, long upTo, long? purgedTo, long? shownState = null)
    {
        var filter = round.Filter.Timeline;
        if (filter.MatchesNothing || !filter.MatchesRoom(room.Id))
        {
            return new RoomTimeline([], false, upTo);
        }

        var limit = Math.Min(filter.Limit ?? DefaultLimit, MaxLimit);
        var ignored = round.Ignored;

        // What is not here yet is to be asked for: the timeline begins behind it, and is limited.
        var begin = BackwardExtremityTable.Newest(round.Db, room.Nid, after, upTo) is { } gap ? gap.Order - 1 : after;

        // One more than wanted tells whether there is more.
        var page = RoomHistory.Page(
            round.Db, room, backward: true, upTo, begin, limit + 1, stored => IsShown(stored) && Wanted(room, filter, ignored, stored));
        var events = page.Events;
        // What was deleted before the client came for it leaves a gap between what it has and this.
        var limited = page.End is not null || begin != after || (after != long.MinValue && after < purgedTo);
        if (events.Count > limit)
        {
            limited = true;
            events.RemoveRange(limit, events.Count - limit);
        }

        events.Reverse();
        return new RoomTimeline(events, limited, events.Count > 0 ? events[0].Timeline!.Value - 1 : upTo);

        bool IsShown(StoredEvent stored) => visibility.MaySee(stored) || (shownState is { } node && IsIn(round, node, stored));
    }

    private static bool IsIn(SyncRound round, long node, StoredEvent stored) =>
        stored.IsState
        && EventTable.StateKeyOf(round.Db, stored.Nid) is var (type, stateKey)
        && StateKeyTable.Find(round.Db, type, stateKey) is { } key
        && StateNodes.Find(round.Db, node, key) == stored.Nid;

    private static bool Wanted(Room room, RoomEventFilter filter, HashSet<string> ignored, StoredEvent stored)
    {
        var pdu = SyncRound.Parse(room, stored);

        // Servers must still send state events sent by ignored users to clients.
        return filter.Matches(pdu) && (stored.IsState || !ignored.Contains(pdu.Sender));
    }
}
