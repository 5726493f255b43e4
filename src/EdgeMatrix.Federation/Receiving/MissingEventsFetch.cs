using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Receiving;

/// <summary>What came of a fetch.</summary>
public enum FetchResult
{
    NothingWaits,

    /// <summary>Some have their place now; others may wait still.</summary>
    SomeDone,

    /// <summary>Nobody who was asked could help.</summary>
    NothingDone,
}

/// <summary>Fetches what the waiting events of a room follow, and has the room judge them all.</summary>
/// <remarks>
/// 1. What waits is judged again: what it waited for may have come.
/// 2. Servers are asked for what is between it and the forward extremities, in small steps back (<c>get_missing_events</c>).
/// 3. Where the gap is too wide, or nobody has what is in it, the state before the events right after it is asked for (<c>state_ids</c>), of those
///    who have not these events that after the one they follow: they stand after a gap of the timeline then, which is filled when somebody reads
///    that far back. Where not even the room's own state is whole, they wait until it is.
/// 4. What allows any of them, and is not here, is fetched (<c>event_auth</c>).
/// 5. All are judged, parents first.
/// What is fetched passes the same checks as what is sent here. Each step is bounded, whatever ancestors an event claims.
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events
/// </remarks>
public sealed class MissingEventsFetch(
    RoomEngine engine, RemoteEvents remote, EventChecks checks, OutlierFetch outliers, Destinations destinations, ReceivedCounts counts)
{
    private const int EventsAtOnce = 50;
    private const int MaxServers = 4;
    private const int MaxRounds = 12;
    private const int EventsInRound = 20;
    private const int MaxFetched = 200;
    private const int MaxStates = 5;
    private const int EventsInRun = 20;

    /// <param name="turn">How often it was tried before: so that others are asked than those who could not help.</param>
    /// <param name="unreachable">Servers that did not answer are added to it.</param>
    public async Task<FetchResult> RunAsync(Room room, int turn, ICollection<string> unreachable, CancellationToken cancellation)
    {
        // 1.
        var waiting = ReadWaiting(room);
        var undecided = await JudgeAsync(room, EventOrder.ParentsFirst(waiting.Select(one => one.Event)), null, cancellation);
        if (undecided.Count == 0)
        {
            return FetchResult.NothingWaits;
        }

        // 2.
        var chosen = Choose(waiting.Where(one => undecided.Contains(one.Event)));
        var fetched = new Fetched(engine, room, [.. chosen.Select(one => one.Event)]);
        var servers = Servers(room, chosen, turn);
        foreach (var server in servers)
        {
            if (!fetched.Holes().Any() || fetched.IsFull)
            {
                break;
            }

            await StepBackAsync(server, room, fetched, unreachable, cancellation);
        }

        // 3.
        var states = new Dictionary<string, IReadOnlyList<StateEntry>>(StringComparer.Ordinal);
        foreach (var hole in engine.IsPartial(room) ? [] : fetched.Holes().Take(MaxStates))
        {
            foreach (var server in servers.Where(server => !unreachable.Contains(server)))
            {
                var (state, failure) = await outliers.StateBeforeAsync(server, room, hole.EventId, cancellation);
                if (failure is { IsNotFound: true } && fetched.OnlyMissing(hole) is { } parent)
                {
                    (state, failure) = await outliers.StateAfterAsync(server, room, parent, cancellation);
                }

                Note(server, failure, unreachable);
                if (state is not null)
                {
                    states.Add(hole.EventId, state);
                    break;
                }
            }
        }

        // 4.
        foreach (var server in servers.Where(server => !unreachable.Contains(server)))
        {
            var notAllowed = fetched.WithoutAuthEvents();
            if (notAllowed.Count == 0)
            {
                break;
            }

            await outliers.AuthEventsAsync(server, room, notAllowed, cancellation);
        }

        // 5.
        var left = await JudgeAsync(room, EventOrder.ParentsFirst(fetched.All), states, cancellation);
        return chosen.TrueForAll(one => left.Contains(one.Event)) ? FetchResult.NothingDone : FetchResult.SomeDone;
    }

    /// <summary>A few of each server, its newest: those of one that has none of the ancestors do not stand before those of the others.</summary>
    private static List<(Pdu Event, string Origin)> Choose(IEnumerable<(Pdu Event, string Origin)> waiting) =>
    [
        .. waiting.Reverse().GroupBy(one => one.Origin).SelectMany(ofOrigin => ofOrigin.Select((one, place) => (one, place)))
            .OrderBy(one => one.place).Select(one => one.one).Take(EventsInRun),
    ];

    private async Task StepBackAsync(string server, Room room, Fetched fetched, ICollection<string> unreachable, CancellationToken cancellation)
    {
        var (earliest, minDepth) = ReadKnown(room);
        for (var round = 0; round < MaxRounds && !fetched.IsFull; round++)
        {
            var holes = fetched.Holes().Select(pdu => pdu.EventId).ToList();
            if (holes.Count == 0)
            {
                return;
            }

            var told = await remote.MissingAsync(server, room.Id, holes, earliest, EventsInRound, minDepth, includeLatest: false, cancellation);
            if (told.Events is null)
            {
                Note(server, told.Failure, unreachable);
                return;
            }

            var passed = await checks.PassedAsync([.. told.Events.Take(EventsInRound)], room.Version, room.Id, cancellation);
            if (!fetched.Add(passed))
            {
                return;
            }
        }
    }

    /// <returns>Those that cannot be judged yet.</returns>
    private async Task<List<Pdu>> JudgeAsync(
        Room room, IEnumerable<Pdu> events, IReadOnlyDictionary<string, IReadOnlyList<StateEntry>>? states, CancellationToken cancellation)
    {
        var undecided = new List<Pdu>();
        foreach (var some in events.Chunk(EventsAtOnce))
        {
            var receptions = await engine.ReceiveAsync(room, new PduBatch(some) { StatesBefore = states }, cancellation);
            counts.Add(receptions);
            undecided.AddRange(receptions.Where(reception => reception.Outcome is null).Select(reception => reception.Event));
        }

        return undecided;
    }

    private List<(Pdu Event, string Origin)> ReadWaiting(Room room)
    {
        using var snapshot = engine.Database.OpenSnapshot();
        return
        [
            .. WaitingEventTable.OfRoom(snapshot, room.Nid, WaitingEventTable.MostInRoom)
                .Select(one => (Pdu.FromStored(one.Json, room.Version, one.EventId), one.Origin)).Reverse(),
        ];
    }

    private (List<string> Earliest, long MinDepth) ReadKnown(Room room)
    {
        using var snapshot = engine.Database.OpenSnapshot();
        var extremities = RoomTable.Find(snapshot, room.Nid)?.Extremities ?? [];
        var oldest = EventTable.Forward(snapshot, room.Nid, long.MinValue, long.MaxValue, 1);
        return (EventTable.IdsOf(snapshot, extremities), oldest is [var first] ? first.Parse(room.Version).Depth : 0);
    }

    /// <summary>Who may have what is missing: whoever sent the events, then the servers of who wrote them, then others in the room.</summary>
    private List<string> Servers(Room room, IEnumerable<(Pdu Event, string Origin)> waiting, int turn)
    {
        var near = waiting.SelectMany(one => (string[])[one.Origin, RemoteEvents.ServerOf(one.Event)]);
        List<string> far;
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            far = RoomServerTable.Likely(snapshot, room.Nid, MaxServers * 4);
        }

        var skipped = far.Count == 0 ? 0 : turn % far.Count;
        return
        [
            .. near.Distinct().Take(MaxServers / 2).Concat(far.Skip(skipped)).Concat(far.Take(skipped)).Distinct()
                .Where(server => server != engine.Server.Name && destinations.Wait(server) is null).Take(MaxServers),
        ];
    }

    private static void Note(string server, FederationFailure? failure, ICollection<string> unreachable)
    {
        if (failure is { Kind: FederationFailureKind.Unreachable or FederationFailureKind.Unwell or FederationFailureKind.BackingOff })
        {
            unreachable.Add(server);
        }
    }

    /// <summary>Waiting events of a room, and those that were fetched for them.</summary>
    private sealed class Fetched(RoomEngine engine, Room room, IReadOnlyList<Pdu> waiting)
    {
        private readonly Dictionary<string, Pdu> _events = waiting.ToDictionary(pdu => pdu.EventId, StringComparer.Ordinal);
        private readonly Dictionary<string, MissingEvents> _missing = engine.Missing(room, waiting);

        public IEnumerable<Pdu> All => _events.Values;

        public bool IsFull => _events.Count - waiting.Count >= MaxFetched;

        /// <summary>Adds what is neither here nor among them.</summary>
        /// <returns>Whether anything was.</returns>
        public bool Add(IEnumerable<Pdu> events)
        {
            var fresh = engine.Unplaced(events.Where(pdu => !_events.ContainsKey(pdu.EventId)));
            foreach (var pdu in fresh)
            {
                _events.Add(pdu.EventId, pdu);
            }

            foreach (var (eventId, missing) in engine.Missing(room, fresh))
            {
                _missing[eventId] = missing;
            }

            return fresh.Count > 0;
        }

        /// <summary>Those that follow what is neither here nor among them.</summary>
        public IEnumerable<Pdu> Holes() => _missing
            .Where(missing => missing.Value.Prev.Any(id => !_events.ContainsKey(id))).Select(missing => _events[missing.Key]);

        /// <summary>The one event that an event follows and that is neither here nor among them; null if it follows several such.</summary>
        public string? OnlyMissing(Pdu hole) => _missing[hole.EventId].Prev is [var only] ? only : null;

        /// <summary>Those that are allowed by what is neither here nor among them.</summary>
        public List<Pdu> WithoutAuthEvents() =>
        [
            .. engine.Missing(room, _events.Values).Where(missing => missing.Value.Auth.Any(id => !_events.ContainsKey(id)))
                .Select(missing => _events[missing.Key]),
        ];
    }
}
