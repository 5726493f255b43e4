using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.History;

/// <summary>A place between two events of a room's timeline: after the event with the order, before the next.</summary>
/// <remarks>
/// As text <c>t{order}</c>. A sync token <c>s{position}_…</c> is a place as well: live events have their stream position
/// as their order.
/// </remarks>
public static class TimelineToken
{
    public static string Format(long order) => $"t{order}";

    public static bool TryParse(string? text, out long order)
    {
        order = 0;
        return text switch
        {
            ['t', .. var rest] => long.TryParse(rest, System.Globalization.NumberStyles.AllowLeadingSign, null, out order),
            ['s', .. var rest] => long.TryParse(rest.AsSpan(0, rest.IndexOf('_') is var end and >= 0 ? end : rest.Length), out order),
            _ => false,
        };
    }
}

/// <param name="End">Where the next page begins; null when there is no more.</param>
public sealed record HistoryPage(List<StoredEvent> Events, long Start, long? End);

/// <summary>Pages through what a user may see of a room's timeline.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages</remarks>
public static class RoomHistory
{
    // How many events one request looks at: a page of a room whose events are mostly hidden ends early, with a token to go on.
    private const int MaxScanned = 2_000;

    /// <param name="from">Where to begin; null for the newest (backwards) or the oldest (forwards).</param>
    /// <param name="to">Where to stop at the latest.</param>
    /// <param name="limit">The greatest number of events.</param>
    public static HistoryPage Page(
        Session db, Room room, RoomVisibility visibility, bool backward, long? from, long? to, int limit, Func<StoredEvent, bool> wanted) =>
        Page(db, room, backward, from, to, limit, stored => visibility.MaySee(stored) && wanted(stored));

    /// <summary>As the other, of all events: of which of them are to be seen, the caller has to think.</summary>
    public static HistoryPage Page(
        Session db, Room room, bool backward, long? from, long? to, int limit, Func<StoredEvent, bool> wanted)
    {
        var at = from ?? (backward ? long.MaxValue : long.MinValue);
        var stop = to ?? (backward ? long.MinValue : long.MaxValue);
        var page = new List<StoredEvent>();
        var start = at;
        for (var scanned = 0; scanned < MaxScanned;)
        {
            var size = Math.Min(Math.Max(limit - page.Count, 16), 100);
            var batch = backward ? EventTable.Backward(db, room.Nid, at, stop, size) : EventTable.Forward(db, room.Nid, at, stop, size);
            foreach (var stored in batch)
            {
                at = backward ? stored.Timeline!.Value - 1 : stored.Timeline!.Value;
                scanned++;
                if (wanted(stored))
                {
                    page.Add(stored);
                    if (page.Count == limit)
                    {
                        return new HistoryPage(page, start, at);
                    }
                }
            }

            if (batch.Count < size)
            {
                return new HistoryPage(page, start, null);
            }
        }

        return new HistoryPage(page, start, at);
    }
}
