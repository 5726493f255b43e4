using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Memory;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Receiving;

/// <summary>Fetches the past of rooms where somebody reads back to a gap of the timeline.</summary>
/// <remarks>
/// What is fetched gets orders between the gap and what is behind it, so tokens that were given out stay where they are, and no page has an event twice.
/// Its signatures and hashes are checked like those of anything else; its right to be there by its auth events and the state before it, which is told
/// by the same server, but for a line of messages, before which the state is that after it.
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid
/// </remarks>
public sealed class RoomBackfill
{
    private const int EventsAtOnce = 100;
    private const int MaxServers = 3;
    private const int MaxNamed = 20;
    private const int MaxStates = 4;
    private const int BytesOfFailure = 160;

    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(20);

    // Who turns the same page again and again does not have the same servers asked again and again.
    private static readonly TimeSpan _failureHolds = TimeSpan.FromSeconds(30);

    private readonly RoomEngine _engine;
    private readonly RemoteEvents _remote;
    private readonly EventChecks _checks;
    private readonly OutlierFetch _outliers;
    private readonly Destinations _destinations;
    private readonly TurnsByName _turns = new(1);
    private readonly BoundedCache<(string RoomId, TimelineGap Gap), DateTimeOffset> _failed = new("backfill_failures", wanted: 64 << 10, least: 16 << 10);

    public RoomBackfill(RoomEngine engine, RemoteEvents remote, EventChecks checks, OutlierFetch outliers, Destinations destinations)
    {
        (_engine, _remote, _checks, _outliers, _destinations) = (engine, remote, checks, outliers, destinations);
        engine.Database.Memory.Add(_failed);
    }

    /// <summary>Told of events that have come into a gap of a room; some of them may have no place there.</summary>
    public Func<Room, IReadOnlyList<Pdu>, Task>? Placed { get; init; }

    /// <summary>Fetches some of what is right before the events behind a gap.</summary>
    /// <returns>Whether the gap is another now, or none; false: nobody who was asked has anything of it, or answered in time.</returns>
    public async Task<bool> FillAsync(Room room, TimelineGap gap, CancellationToken cancellation)
    {
        if (room.LocalMembers().IsEmpty
            || (_failed.TryGet((room.Id, gap), out var failed) && _engine.Time.GetUtcNow() - failed < _failureHolds))
        {
            return false;
        }

        using var late = new CancellationTokenSource(_longest, _engine.Time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        try
        {
            var endTurn = await _turns.TakeAsync(room.Id, ended.Token);
            try
            {
                if (await FillOnceAsync(room, gap, ended.Token))
                {
                    return true;
                }
            }
            finally
            {
                endTurn();
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Too late: what was placed so far stays.
        }

        _failed.Set((room.Id, gap), _engine.Time.GetUtcNow(), BytesOfFailure + (2 * room.Id.Length));
        return false;
    }

    private async Task<bool> FillOnceAsync(Room room, TimelineGap gap, CancellationToken cancellation)
    {
        var (behind, missing, servers) = Read(room, gap);
        if (behind.Count == 0)
        {
            // Somebody else filled it meanwhile.
            return true;
        }

        foreach (var server in servers.Where(server => _destinations.Wait(server) is null).Take(MaxServers))
        {
            var told = await _remote.BackfillAsync(server, room.Id, missing.Take(MaxNamed), EventsAtOnce, cancellation);
            if (told.Events is not { Count: > 0 } events)
            {
                continue;
            }

            var passed = await _checks.PassedAsync([.. events.Take(EventsAtOnce)], room.Version, room.Id, cancellation);
            var past = Reached(missing, _engine.Unplaced(passed));
            if (past.Count > 0 && await PlaceAsync(server, room, gap.Low, behind, past, cancellation) > 0)
            {
                if (Placed is { } placed)
                {
                    await placed(room, past);
                }

                return true;
            }
        }

        return false;
    }

    private async Task<int> PlaceAsync(
        string server, Room room, long low, List<Pdu> behind, List<Pdu> past, CancellationToken cancellation)
    {
        // While the members are not known, a state is no more than what is.
        var isPartial = _engine.IsPartial(room);
        if (behind is [var only] && Line(only, past) is { Count: > 0 } line && (isPartial || line.Count * 2 >= past.Count))
        {
            await _outliers.AuthEventsAsync(server, room, WithoutAuthEvents(room, line), cancellation);
            return await _engine.BackfillAsync(room, low, new PastEvents(line) { LeaveStateAsItIs = true }, cancellation);
        }

        if (isPartial)
        {
            return 0;
        }

        var here = past.Select(pdu => pdu.EventId).ToHashSet(StringComparer.Ordinal);
        var holes = _engine.Missing(room, past).Where(missing => missing.Value.Prev.Any(id => !here.Contains(id))).Select(missing => missing.Key);
        var states = new Dictionary<string, IReadOnlyList<StateEntry>>(StringComparer.Ordinal);
        foreach (var hole in holes.Take(MaxStates))
        {
            if ((await _outliers.StateBeforeAsync(server, room, hole, cancellation)).State is { } state)
            {
                states.Add(hole, state);
            }
        }

        await _outliers.AuthEventsAsync(server, room, WithoutAuthEvents(room, past), cancellation);
        return await _engine.BackfillAsync(room, low, new PastEvents(past) { StatesBefore = states }, cancellation);
    }

    private List<Pdu> WithoutAuthEvents(Room room, List<Pdu> past)
    {
        var missing = _engine.Missing(room, past);
        var here = past.Select(pdu => pdu.EventId).ToHashSet(StringComparer.Ordinal);
        return [.. past.Where(pdu => missing.TryGetValue(pdu.EventId, out var of) && of.Auth.Any(id => !here.Contains(id)))];
    }

    /// <summary>The messages right before an event that follow each other in a line, as far as they do, the oldest first.</summary>
    private static List<Pdu> Line(Pdu behind, List<Pdu> past)
    {
        var byId = past.ToDictionary(pdu => pdu.EventId, StringComparer.Ordinal);
        var line = new List<Pdu>();
        for (var last = behind; last.PrevEvents is [var id] && byId.TryGetValue(id, out var before) && !before.IsState; last = before)
        {
            line.Add(before);
        }

        line.Reverse();
        return line;
    }

    /// <summary>Those of the events that the missing ones lead back to, themselves among them, each after those that it follows.</summary>
    private static List<Pdu> Reached(IEnumerable<string> missing, List<Pdu> events)
    {
        var byId = events.ToDictionary(pdu => pdu.EventId, StringComparer.Ordinal);
        var (reached, ahead) = (new HashSet<string>(StringComparer.Ordinal), new Queue<string>(missing));
        while (ahead.TryDequeue(out var id))
        {
            if (byId.TryGetValue(id, out var pdu) && reached.Add(id))
            {
                foreach (var parent in pdu.PrevEvents)
                {
                    ahead.Enqueue(parent);
                }
            }
        }

        // They came the newest first.
        return EventOrder.ParentsFirst(events.Where(pdu => reached.Contains(pdu.EventId)).Reverse());
    }

    private (List<Pdu> Behind, List<string> Missing, List<string> Servers) Read(Room room, TimelineGap gap)
    {
        using var snapshot = _engine.Database.OpenSnapshot();
        if (BackwardExtremityTable.Backward(snapshot, room.Nid, gap.Order, gap.Low) != gap)
        {
            return ([], [], []);
        }

        var behind = BackwardExtremityTable.OfGap(snapshot, room.Nid, gap.Low, MaxNamed)
            .Select(nid => EventTable.Find(snapshot, nid)).OfType<StoredEvent>().Select(stored => stored.Parse(room.Version)).ToList();
        var missing = behind.SelectMany(pdu => pdu.PrevEvents)
            .Where(id => EventTable.Find(snapshot, id) is not { } stored || stored.Flags.HasFlag(EventFlags.Outlier)).Distinct().ToList();

        // What was deleted here on purpose is not fetched again.
        if (RoomTable.Find(snapshot, room.Nid)?.PurgedTo >= gap.Order - 1)
        {
            return (behind, missing, []);
        }

        // Likely to have it: whoever was there when it was sent, and then whoever answers and has many users.
        var servers = behind.Select(RemoteEvents.ServerOf)
            .Concat(RoomServerTable.Likely(snapshot, room.Nid, MaxServers * 2))
            .Where(server => server != _engine.Server.Name).Distinct().ToList();
        return (behind, missing, servers);
    }
}
