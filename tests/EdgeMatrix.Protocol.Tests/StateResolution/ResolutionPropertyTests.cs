using CsCheck;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;
using EdgeMatrix.Protocol.Tests.StateResolution.Differential;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.StateResolution;

/// <summary>What is true of every resolution, in rooms full of quarrels.</summary>
public sealed class ResolutionPropertyTests
{
    private const int RoomsPerProperty = 40;

    public static TheoryData<StateResolutionVersion> Resolutions => [.. Enum.GetValues<StateResolutionVersion>()];

    [Theory]
    [MemberData(nameof(Resolutions))]
    public void The_order_of_states_and_events_does_not_count(StateResolutionVersion resolution) => ForEach(resolution, (room, states, random) =>
    {
        var expected = Resolve(room, states).SortedIds;

        Pdu[] shuffledEvents = [.. room.Events.All];
        random.Shuffle(shuffledEvents);
        var renumbered = new EventGraph(shuffledEvents, room.Events.Rejected);
        var shuffledStates = states.ToArray();
        random.Shuffle(shuffledStates);
        var elsewhere = new ForkedRoom(room.Version, room.RoomId, renumbered).Resolve(shuffledStates, trace: null);

        Assert.Equal(expected, elsewhere.SortedIds);
    });

    [Theory]
    [MemberData(nameof(Resolutions))]
    public void A_state_given_twice_counts_once(StateResolutionVersion resolution) => ForEach(resolution, (room, states, random) =>
    {
        var twice = states.Append(states[random.Next(states.Count)]).ToList();

        Assert.Equal(Resolve(room, states).SortedIds, Resolve(room, twice).SortedIds);
    });

    [Theory]
    [MemberData(nameof(Resolutions))]
    public void Equal_states_resolve_to_themselves(StateResolutionVersion resolution) => ForEach(resolution, (room, states, _) =>
    {
        var resolved = Resolve(room, states);

        Assert.Equal(resolved.SortedIds, Resolve(room, [resolved, resolved]).SortedIds);
        Assert.Equal(resolved.SortedIds, Resolve(room, [resolved]).SortedIds);
    });

    [Theory]
    [MemberData(nameof(Resolutions))]
    public void What_all_states_agree_on_stays(StateResolutionVersion resolution) => ForEach(resolution, (room, states, _) =>
    {
        var resolved = Resolve(room, states);

        foreach (var (key, eventId) in states[0])
        {
            if (states.All(state => state.GetValueOrDefault(key) == eventId))
            {
                Assert.Equal(eventId, resolved[key]);
            }
        }
    });

    /// <summary>
    /// Not that the resolved state allows each of its events, which is not so: who made a topic may leave. But that each was allowed by what
    /// had been resolved before it, as whoever replays the trace finds.
    /// </summary>
    [Theory]
    [InlineData(StateResolutionVersion.V2)]
    [InlineData(StateResolutionVersion.V2_1)]
    public void Whoever_replays_the_trace_finds_the_same_verdicts_and_state(StateResolutionVersion resolution) => ForEach(resolution, (room, states, _) =>
    {
        var trace = new ResolutionTrace();
        var resolved = TestedResolution.Resolve(room.Version, room.RoomId, states, room.Events, trace);

        var unconflicted = new State();
        foreach (var (key, eventId) in states[0].Where(entry => states.All(state => state.GetValueOrDefault(entry.Key) == entry.Value)))
        {
            unconflicted[key] = eventId;
        }

        var replayed = resolution == StateResolutionVersion.V2_1 ? new State() : new State(unconflicted);
        foreach (var check in trace.Checks)
        {
            var pdu = room.Events.Find(check.Number)!;
            var verdict = EventAuth.CheckAgainstState(pdu, (type, stateKey) => Lookup(room, replayed, pdu, (type, stateKey)));
            Assert.Equal(verdict, check.Verdict);
            if (verdict.Allowed)
            {
                replayed[(pdu.Type, pdu.StateKey!)] = pdu.EventId;
            }
        }

        foreach (var (key, eventId) in unconflicted)
        {
            replayed[key] = eventId;
        }

        Assert.Equal(replayed.SortedIds, resolved.SortedIds);
        Assert.Equal(trace.FullConflictedSet.Order(), trace.Checks.Select(static check => check.Number).Order());
        Assert.Equal(trace.Checks.Select(static check => check.Number), OrderOf(trace));
    });

    private static IEnumerable<long> OrderOf(ResolutionTrace trace) =>
        trace.PowerEvents.Select(static e => e.Number).Concat(trace.RemainingEvents.Select(static e => e.Number));

    private static Pdu? Lookup(RoomGenerator room, State state, Pdu candidate, (string Type, string StateKey) key)
    {
        if (state.TryGetValue(key, out var eventId) && !room.Events.Rejected.Contains(eventId))
        {
            return room.Events[eventId];
        }

        var cited = candidate.AuthEvents.Select(id => room.Events[id]).FirstOrDefault(pdu => (pdu.Type, pdu.StateKey!) == key);
        return cited ?? (key == (EventTypes.Create, "") ? room.Events.All[0] : null);
    }

    private static State Resolve(RoomGenerator room, IReadOnlyList<State> states) =>
        TestedResolution.Resolve(room.Version, room.RoomId, states, room.Events, trace: null);

    private static void ForEach(StateResolutionVersion resolution, Action<RoomGenerator, IReadOnlyList<State>, Random> property) =>
        Gen.Int[0, int.MaxValue].Sample(
            seed =>
            {
                var room = new RoomGenerator(seed, DifferentialTests.VersionFor(resolution, seed), withRejected: seed % 2 == 0);
                foreach (var states in room.Inputs)
                {
                    property(room, states, new Random(seed));
                }
            },
            iter: RoomsPerProperty);
}
