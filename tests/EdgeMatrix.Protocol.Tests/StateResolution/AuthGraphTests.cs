using CsCheck;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.StateResolution;
using EdgeMatrix.Protocol.Tests.StateResolution.Differential;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.StateResolution;

/// <summary>The definitions that walk the graph of auth events, on graphs of events that mean nothing.</summary>
public sealed class AuthGraphTests
{
    //                .- D < D2 -.
    //    A < B < C <-+          +-- F < G
    //                `- E < E2 -`
    private static readonly string[] Forked = ["A", "B A", "C B", "D C", "E C", "D2 D", "E2 E", "F D2 E2", "G F"];

    /// <remarks>Facts from https://github.com/matrix-org/gomatrixserverlib, stateresolutionv2_test.go, commit ffcbbd38fba6.</remarks>
    [Theory]
    [InlineData("B D", "B C D")]
    [InlineData("B F", "B C D D2 E E2 F")]
    [InlineData("A C", "A B C")]
    [InlineData("D2 E2", "D2 E2")]
    [InlineData("G", "G")]
    public void The_conflicted_state_subgraph_is_all_that_lies_between(string conflicted, string subgraph)
    {
        var events = Graph(Forked);

        var found = ConflictedStateSubgraph.Of(conflicted.Split(' ').Select(events.NumberOf).ToHashSet(), Room(events));

        Assert.Equal(subgraph.Split(' '), found.Select(events.IdOf).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_an_unconflicted_event_leads_to_is_in_no_difference()
    {
        // Only the first state has Y, and Y leads to X. That U leads to X too, no walk from the conflict shows.
        var events = Graph(["A", "X A", "U X", "Y X", "Z A"]);
        var state = new State { [("A", "")] = "A", [("U", "")] = "U" };

        Assert.Equal(["Y", "Z"], Difference([new State(state) { [("k", "")] = "Y" }, new State(state) { [("k", "")] = "Z" }], events));
        state.Remove(("U", ""));
        Assert.Equal(["X", "Y", "Z"], Difference([new State(state) { [("k", "")] = "Y" }, new State(state) { [("k", "")] = "Z" }], events));
    }

    [Fact]
    public void The_auth_difference_of_any_states_is_what_some_chains_have_and_not_all() => Gen.Int.Sample(
        seed =>
        {
            var random = new Random(seed);
            var events = RandomGraph(random);
            var states = Enumerable.Range(0, random.Next(2, 6)).Select(_ => RandomState(random, events)).ToList();
            var chains = states.Select(state => state.Values.SelectMany(id => ChainWithSelf(id, events)).ToHashSet()).ToList();
            var expected = chains.SelectMany(static chain => chain).Distinct().Where(id => !chains.TrueForAll(chain => chain.Contains(id)));

            // An event in conflict is replayed in any case; which of them the walk names too is of no account.
            Assert.Equal(
                expected.Except(Conflicted(states)).Order(StringComparer.Ordinal),
                Difference(states, events).Except(Conflicted(states)).Order(StringComparer.Ordinal));
        },
        iter: 2_000);

    [Fact]
    public void The_conflicted_state_subgraph_of_any_events_is_what_lies_between() => Gen.Int.Sample(
        seed =>
        {
            var random = new Random(seed);
            var events = RandomGraph(random);
            var conflicted = events.All.Where(_ => random.Next(5) == 0).Select(static pdu => pdu.EventId).ToHashSet();
            if (conflicted.Count == 0)
            {
                return;
            }

            var expected = conflicted.SelectMany(id => ChainWithSelf(id, events)).Distinct()
                .Where(id => ChainWithSelf(id, events).Overlaps(conflicted));
            var found = ConflictedStateSubgraph.Of(conflicted.Select(events.NumberOf).ToHashSet(), Room(events)).Select(events.IdOf);

            Assert.Equal(expected.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
        },
        iter: 2_000);

    private static ListedEvents Graph(IEnumerable<string> eventsAndTheirAuthEvents)
    {
        var events = new ListedEvents();
        foreach (var line in eventsAndTheirAuthEvents)
        {
            var ids = line.Split(' ');
            var auth = string.Join(',', ids.Skip(1).Select(static id => $"\"{id}\""));
            var json = $$"""{"auth_events":[{{auth}}],"content":{},"room_id":"!r","sender":"@a:b","state_key":"","type":"{{TypeOf(ids[0])}}"}""";
            events.Add(ForkedRoom.Event(Versions.V11, json, ids[0]));
        }

        return events;
    }

    // E7 is an event of the type T2: of five types, so that many events have one key.
    private static string TypeOf(string id) => id[0] == 'e' ? $"T{int.Parse(id.AsSpan(1)) % 5}" : id;

    private static ListedEvents RandomGraph(Random random) => Graph(Enumerable.Range(0, random.Next(4, 40)).Select(number =>
        string.Join(' ', Enumerable.Range(0, number).Where(_ => random.Next(number) < 2).Select(static auth => $"e{auth}").Prepend($"e{number}"))));

    private static State RandomState(Random random, ListedEvents events)
    {
        var state = new State();
        foreach (var key in events.All.Select(static pdu => pdu.Type).Distinct())
        {
            // Often the latest, so that much is unconflicted.
            var ofKey = events.All.Where(pdu => pdu.Type == key).ToList();
            if (random.Next(8) > 0)
            {
                state[(key, "")] = ofKey[random.Next(3) > 0 ? ofKey.Count - 1 : random.Next(ofKey.Count)].EventId;
            }
        }

        return state;
    }

    private static HashSet<string> ChainWithSelf(string id, ListedEvents events)
    {
        var chain = new HashSet<string> { id };
        foreach (var auth in events[id].AuthEvents)
        {
            chain.UnionWith(ChainWithSelf(auth, events));
        }

        return chain;
    }

    private static HashSet<string> Conflicted(List<State> states) =>
        [.. states.SelectMany(static state => state).Where(entry => !states.TrueForAll(state => state.GetValueOrDefault(entry.Key) == entry.Value))
            .Select(static entry => entry.Value)];

    private static IEnumerable<string> Difference(IReadOnlyList<State> states, ListedEvents events)
    {
        var conflict = StateConflict.Between(
            Versions.V11, "!r", [.. states.Select(state => state.ToDictionary(static entry => entry.Key, entry => events.NumberOf(entry.Value)))]);
        HashSet<long> conflictedStateSet = [.. conflict.Keys.SelectMany(static key => key.Candidates).Where(static number => number != 0)];
        return AuthDifference.Of(conflict, conflictedStateSet, Room(events)).Select(events.IdOf).Order(StringComparer.Ordinal);
    }

    private static RoomEvents Room(ListedEvents events) => new(Versions.V11, "!r", events);
}
