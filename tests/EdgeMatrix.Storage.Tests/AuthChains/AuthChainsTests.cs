using EdgeMatrix.Protocol.StateResolution;
using EdgeMatrix.Storage.AuthChains;
using Xunit;
using Chains = EdgeMatrix.Storage.AuthChains.AuthChains;
using State = System.Collections.Generic.Dictionary<(string Type, string StateKey), long>;

namespace EdgeMatrix.Storage.Tests.AuthChains;

public sealed class AuthChainsTests : IAsyncLifetime
{
    private readonly TemporaryDatabase _files = new();
    private Database _database = null!;

    public ValueTask InitializeAsync()
    {
        _database = _files.Open();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    [Theory]
    [InlineData(1, 500, 12)]
    [InlineData(2, 1_000, 40)]
    [InlineData(3, 100, 150)]
    [InlineData(4, 20, 600)]
    public Task In_any_graph_the_index_finds_what_walking_finds(int seed, int graphs, int maxEvents) => _database.WriteAsync(db =>
    {
        var random = new Random(seed);
        for (var n = 0; n < graphs; n++)
        {
            var graph = RandomGraph(db, random, $"!{seed}.{n}:b", random.Next(4, maxEvents));
            var chains = new Chains(db, graph.Room, AuthGraph.Version);
            AssertDifference(graph, chains, [.. Enumerable.Range(0, random.Next(2, 6)).Select(_ => RandomState(random, graph))]);
            AssertSubgraph(graph, chains, [.. graph.All.Where(_ => random.Next(5) == 0)]);
            AssertReaches(graph, chains, random);
        }
    });

    [Theory]
    [InlineData(100)]
    [InlineData(1_000_000)]
    public Task Events_of_several_rooms_are_taken_in_slice_by_slice(int slice) => _database.WriteAsync(db =>
    {
        var random = new Random(slice);
        AuthGraph[] graphs = [.. Enumerable.Range(0, 3).Select(n => new AuthGraph(db, $"!{n}:b"))];
        for (var n = 0; n < 900; n++)
        {
            Grow(graphs[random.Next(3)], random);
        }

        while (AuthChainWriter.Extend(db, slice))
        {
        }

        foreach (var graph in graphs)
        {
            var all = graph.All.ToList();
            Assert.Equal(all, new AuthChainIndex(db, graph.Room, NoEvents(db), writer: null).After(0).Select(static entry => entry.Event));
            foreach (var nid in all.Where((_, index) => index % 9 == 0))
            {
                Assert.Equal(
                    graph.WithChain(nid).Where(other => other != nid).Order(), new Chains(db, graph.Room, AuthGraph.Version).Of([nid]).Order());
            }
        }
    });

    // An index whose room has no event to work anything out from.
    private static StoredEventSource NoEvents(WriteTransaction db) => new(db, room: 0, AuthGraph.Version);

    private static AuthGraph RandomGraph(WriteTransaction db, Random random, string roomId, int count)
    {
        var graph = new AuthGraph(db, roomId);
        var indexes = random.Next(3);
        for (var n = 0; n < count; n++)
        {
            Grow(graph, random);
            if (indexes > 0 && random.Next(8) == 0)
            {
                AuthChainWriter.Extend(db, random.Next(1, 20));
            }
        }

        // All of it, some of it, or mostly none.
        while (indexes == 2 && AuthChainWriter.Extend(db, 7))
        {
        }

        return graph;
    }

    private static void Grow(AuthGraph graph, Random random)
    {
        var all = graph.All.ToList();
        var key = random.Next(6);
        var (type, stateKey) = key == 0 ? ("m.room.power_levels", "") : key == 1 ? ("m.room.join_rules", "") : ("m.room.member", $"@{random.Next(1 + (all.Count / 5))}:b");

        // Mostly the latest of some keys, its own among them; now and then any.
        var latest = all.GroupBy(graph.Key).Select(static ofKey => ofKey.Last())
            .Where(nid => graph.Key(nid) == (type, stateKey) ? random.Next(5) > 0 : random.Next(all.Count) < 4);
        var any = all.Where(_ => random.Next(all.Count) < 1 && random.Next(3) == 0);
        graph.Add(type, stateKey, latest.Concat(any).Distinct(), random.Next(9) == 0 ? ["$lost"] : []);
    }

    private static State RandomState(Random random, AuthGraph graph)
    {
        var state = new State();
        foreach (var ofKey in graph.All.GroupBy(graph.Key))
        {
            // Often the latest, so that much is unconflicted.
            long[] events = [.. ofKey];
            if (random.Next(10) > 0)
            {
                state[ofKey.Key] = events[random.Next(4) > 0 ? events.Length - 1 : random.Next(events.Length)];
            }
        }

        return state;
    }

    private static void AssertDifference(AuthGraph graph, Chains chains, List<State> states)
    {
        var conflict = StateConflict.Between(AuthGraph.Version, graph.RoomId, states);
        HashSet<long> conflicted = [.. conflict.Keys.SelectMany(static key => key.Candidates).Where(static nid => nid != 0)];
        var full = states.ConvertAll(state => state.Values.SelectMany(graph.WithChain).ToHashSet());
        var expected = full.SelectMany(static chain => chain).Distinct().Where(nid => !full.TrueForAll(chain => chain.Contains(nid)));
        var walked = new ResolutionTrace();
        var indexed = new ResolutionTrace();

        Assert.Equal(expected.Except(conflicted).Order(), chains.Difference(conflict, conflicted).Except(conflicted).Order());
        Assert.Equal(
            StateResolver.Resolve(conflict, chains.Events, walked).Order(Entries),
            StateResolver.Resolve(conflict, chains.Events, chains, indexed).Order(Entries));
        Assert.Equal(walked.FullConflictedSet ?? [], indexed.FullConflictedSet ?? []);
    }

    private static Comparer<ResolvedEntry> Entries { get; } = Comparer<ResolvedEntry>.Create(static (one, other) => one.Number.CompareTo(other.Number));

    private static void AssertSubgraph(AuthGraph graph, Chains chains, HashSet<long> conflicted)
    {
        if (conflicted.Count > 0)
        {
            var expected = conflicted.SelectMany(graph.WithChain).Distinct().Where(nid => graph.WithChain(nid).Overlaps(conflicted));
            Assert.Equal(expected.Order(), chains.Subgraph(conflicted).Order());
        }
    }

    private static void AssertReaches(AuthGraph graph, Chains chains, Random random)
    {
        var all = graph.All.ToList();
        for (var n = 0; n < 10; n++)
        {
            var (from, to) = (all[random.Next(all.Count)], all[random.Next(all.Count)]);
            Assert.Equal(graph.WithChain(from).Contains(to), chains.Reaches(from, to));
        }
    }
}
