using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>Pages of a room's timeline, for which other servers are asked where it has gaps.</summary>
/// <remarks>
/// A page ends at a gap that could not be filled, so that whoever goes on from there has it filled later; one that begins there passes over it. Forwards,
/// the past from before this server came is not asked for.
/// </remarks>
internal static class FilledHistory
{
    private const int MaxFetches = 3;

    /// <inheritdoc cref="RoomHistory.Page(EdgeMatrix.Storage.Session, Room, RoomVisibility, bool, long?, long?, int, Func{StoredEvent, bool})"/>
    /// <returns>The page, in a room that the caller disposes of; or why it may not be read.</returns>
    public static async Task<(RoomView? View, HistoryPage? Page, MatrixError? Error)> ReadAsync(
        RoomEngine engine,
        Requester requester,
        string roomId,
        RoomBackfill backfill,
        bool backward,
        long from,
        long? to,
        int limit,
        Func<RoomView, StoredEvent, bool> wanted,
        CancellationToken cancellation)
    {
        var mayFetch = true;
        for (var fetches = 0; ; fetches++)
        {
            var (view, error) = RoomView.Open(engine, requester, roomId);
            if (view is null)
            {
                return (null, null, error);
            }

            var returned = false;
            try
            {
                var page = RoomHistory.Page(view.Db, view.Room, view.Visibility, backward, from, to, limit, stored => wanted(view, stored));
                var gap = GapIn(view, page, backward, from, to);
                if (gap is null || fetches == MaxFetches || !mayFetch)
                {
                    returned = true;
                    return (view, gap is { } left ? Cut(page, left, backward, from) : page, null);
                }

                // No snapshot is held while others are waited for.
                var room = view.Room;
                view.Dispose();
                returned = true;
                mayFetch = await backfill.FillAsync(room, gap.Value, cancellation);
            }
            finally
            {
                if (!returned)
                {
                    view.Dispose();
                }
            }
        }
    }

    /// <summary>The first gap that a page comes through.</summary>
    public static TimelineGap? GapIn(RoomView view, HistoryPage page, bool backward, long from, long? to)
    {
        var gap = backward
            ? BackwardExtremityTable.Backward(view.Db, view.Room.Nid, from, page.End is { } end ? end + 1 : to ?? long.MinValue)
            : BackwardExtremityTable.Forward(view.Db, view.Room.Nid, from, page.End ?? to ?? long.MaxValue);
        return !backward && gap?.Low == BackwardExtremityTable.Beginning ? null : gap;
    }

    /// <summary>As much of a page as comes before a gap.</summary>
    public static HistoryPage Cut(HistoryPage page, TimelineGap gap, bool backward, long from)
    {
        if (!backward)
        {
            return from < gap.Low ? new HistoryPage(page.Events.FindAll(stored => stored.Timeline <= gap.Low), page.Start, gap.Low) : page;
        }

        return from >= gap.Order ? new HistoryPage(page.Events.FindAll(stored => stored.Timeline >= gap.Order), page.Start, gap.Order - 1)
            : gap.Low == BackwardExtremityTable.Beginning ? new HistoryPage([], page.Start, from)
            : page;
    }
}
