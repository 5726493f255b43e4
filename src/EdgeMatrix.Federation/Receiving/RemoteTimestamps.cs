using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Receiving;

/// <summary>Finds the event closest to a time where that is in a gap of the timeline: other servers know it.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event</remarks>
public sealed class RemoteTimestamps(
    RoomEngine engine, RemoteEvents remote, EventChecks checks, OutlierFetch outliers, Destinations destinations)
{
    private const int MaxServers = 3;

    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Asks for the event, and places it in the middle of the gap: what is around it is fetched when somebody reads on from there.
    /// </summary>
    /// <param name="known">Time of the closest event that is here, ms; null if there is none.</param>
    /// <returns>Id of an event that is closer, and has its place now; null if there is none.</returns>
    public async Task<string?> FindAsync(Room room, TimelineGap gap, long ts, bool backward, long? known, CancellationToken cancellation)
    {
        if (room.LocalMembers().IsEmpty)
        {
            return null;
        }

        List<string> servers;
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            servers = RoomServerTable.Likely(snapshot, room.Nid, MaxServers * 2);
        }

        using var late = new CancellationTokenSource(_longest, engine.Time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        try
        {
            foreach (var server in servers.Where(server => destinations.Wait(server) is null).Take(MaxServers))
            {
                if (await remote.ByTimestampAsync(server, room.Id, ts, backward, ended.Token) is var (eventId, at)
                    && (backward ? at <= ts && !(at <= known) : at >= ts && !(at >= known))
                    && await PlaceAsync(server, room, gap, eventId, at, ended.Token))
                {
                    return eventId;
                }
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Too late: what is known here is the answer.
        }

        return null;
    }

    private async Task<bool> PlaceAsync(string server, Room room, TimelineGap gap, string eventId, long ts, CancellationToken cancellation)
    {
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            if (EventTable.FindPlace(snapshot, eventId) is { Timeline: not null } place)
            {
                return place.Room == room.Nid;
            }
        }

        var events = await outliers.OneByOneAsync(server, [eventId], cancellation);
        if ((await checks.PassedAsync(events, room.Version, room.Id, cancellation)).Find(one => one.EventId == eventId) is not { } pdu
            || pdu.OriginServerTs != ts
            || (await outliers.StateBeforeAsync(server, room, eventId, cancellation)).State is not { } before)
        {
            return false;
        }

        await outliers.AuthEventsAsync(server, room, [pdu], cancellation);
        return await engine.PlaceAsync(room, gap.Low, pdu, before, cancellation);
    }
}
