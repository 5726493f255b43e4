using Xunit;

namespace EdgeMatrix.Storage.Tests;

public sealed class StateNodesTests : IAsyncLifetime
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
    [InlineData(1, 40, 1)]
    [InlineData(2, 400, 1)]
    [InlineData(3, 5000, 40)]
    [InlineData(4, 100_000, 2000)]
    public Task Random_forks_with_removals_agree_with_a_dictionary(int seed, int keys, int maxChanges) => _database.WriteAsync(db =>
    {
        var random = new Random(seed);
        var states = new List<(long Node, Dictionary<long, long> Model)> { (StateNodes.Empty, []) };
        for (var step = 0; step < 400; step++)
        {
            // Mostly onwards from the newest, now and then from an old one.
            var (parent, model) = random.Next(5) == 0 ? states[random.Next(states.Count)] : states[^1];
            var changes = Changes(random, keys, random.Next(4) == 0 ? maxChanges : 1 + (maxChanges / 20));
            var node = StateNodes.Append(db, parent, changes);
            model = new Dictionary<long, long>(model);
            Apply(model, changes);
            states.Add((node, model));
        }

        foreach (var (node, model) in states.Where((_, index) => index % 7 == 0 || index > 390))
        {
            AssertIs(db, node, model);
            AssertFinds(db, node, model, random, keys);
        }

        for (var pair = 0; pair < 60; pair++)
        {
            var one = states[random.Next(states.Count)];
            var two = pair % 2 == 0 ? states[random.Next(states.Count)] : states[^(1 + (pair / 2))];
            Assert.Equal(Difference(one.Model, two.Model), StateNodes.Difference(db, one.Node, two.Node));
        }
    });

    [Theory]
    [InlineData(1, 40)]
    [InlineData(2, 400)]
    [InlineData(3, 20_000)]
    public Task States_over_what_is_not_known_are_whole_once_it_is_told(int seed, int keys) => _database.WriteAsync(db =>
    {
        var random = new Random(seed);
        var unknown = StateNodes.BeginUnknown(db);
        var states = new List<(long Node, Dictionary<long, long> Laid)> { (unknown, []) };
        for (var step = 0; step < 200; step++)
        {
            var (parent, laid) = random.Next(4) == 0 ? states[random.Next(states.Count)] : states[^1];
            var changes = Changes(random, keys, 1 + random.Next(20));
            laid = new Dictionary<long, long>(laid);
            foreach (var change in changes)
            {
                laid[change.StateKey] = change.Event;
            }

            states.Add((StateNodes.Append(db, parent, changes), laid));
        }

        foreach (var whole in (bool[])[false, true])
        {
            // What is told replaces what was told before.
            var told = Changes(random, keys, whole ? keys : 5).Where(entry => entry.Event != 0).DistinctBy(entry => entry.StateKey).ToList();
            StateNodes.Tell(db, unknown, told, whole);
            foreach (var (node, laid) in states.Where((_, index) => index % 7 == 0 || index > 190))
            {
                var model = told.ToDictionary(entry => entry.StateKey, entry => entry.Event);
                foreach (var (key, @event) in laid)
                {
                    model[key] = @event;
                }

                foreach (var removed in model.Where(entry => entry.Value == 0).Select(entry => entry.Key).ToList())
                {
                    model.Remove(removed);
                }

                AssertIs(db, node, model);
                AssertFinds(db, node, model, random, keys);
            }
        }
    });

    [Theory]
    [InlineData(1000, 10, 40)]
    [InlineData(10, 1_000, 48)]
    [InlineData(1, 100_000, 48)]
    public Task A_change_costs_tens_of_bytes_and_a_look_up_few_nodes(int rooms, int entries, int maxBytes) => _database.WriteAsync(db =>
    {
        var empty = PageBytes(db);
        var node = StateNodes.Empty;
        for (var room = 0; room < rooms; room++)
        {
            node = StateNodes.Empty;
            for (var n = 1; n <= entries; n++)
            {
                // As in a busy place: each new key comes a few events after the last.
                node = StateNodes.Append(db, node, [new StateEntry(1000 + n, 5_000_000 + (n * 3) + (n % 3))]);
            }
        }

        var bytes = (double)(PageBytes(db) - empty) / rooms / entries;
        var chain = Chain(db, node);
        TestContext.Current.TestOutputHelper!.WriteLine($"{entries} entries: {bytes:F1} B a change, chain {chain}");
        Assert.InRange(bytes, 1, maxBytes);
        Assert.InRange(chain, 1, 3 * (1 + (int)Math.Log(entries, 4)));
        Assert.Equal(5_000_004, StateNodes.Find(db, node, 1001));
        Assert.Equal(entries, StateNodes.All(db, node).Count);
    });

    [Fact]
    public Task Members_that_come_and_go_cost_tens_of_bytes_a_change() => _database.WriteAsync(db =>
    {
        var random = new Random(5);
        var empty = PageBytes(db);
        var node = StateNodes.Append(db, StateNodes.Empty, [.. Enumerable.Range(1, 1000).Select(key => new StateEntry(key, 1_000_000 + key))]);
        const int changes = 50_000;
        for (var n = 1; n <= changes; n++)
        {
            node = StateNodes.Append(db, node, [new StateEntry(random.Next(1, 1001), 2_000_000 + (n * 2))]);
        }

        var bytes = PageBytes(db) - empty;
        TestContext.Current.TestOutputHelper!.WriteLine($"{(double)bytes / changes:F1} B a change, chain {Chain(db, node)}");
        Assert.InRange((double)bytes / changes, 0, 64);
    });

    [Fact]
    public Task Many_forks_from_one_parent_pay_for_its_merge_once() => _database.WriteAsync(db =>
    {
        var parent = StateNodes.Empty;
        var fork = StateNodes.Empty;
        var entries = 0;
        for (var merge = 0L; merge < 20_000; entries++)
        {
            var before = ChunkBytes(db);
            parent = fork;
            fork = StateNodes.Append(db, parent, [new StateEntry(1 + entries, 5_000_001 + entries)]);
            merge = ChunkBytes(db) - before;
        }

        var paid = ChunkBytes(db);
        for (var n = 0; n < 100; n++)
        {
            fork = StateNodes.Append(db, parent, [new StateEntry(7, 6_000_000 + n)]);
            Assert.Equal(6_000_000 + n, StateNodes.Find(db, fork, 7));
        }

        Assert.Equal(paid, ChunkBytes(db));
        Assert.Equal(5_000_007, StateNodes.Find(db, parent, 7));
        Assert.Equal(entries - 1, StateNodes.All(db, parent).Count);
    });

    [Fact]
    public Task A_look_up_in_a_large_node_reads_one_chunk() => _database.WriteAsync(db =>
    {
        var node = StateNodes.Append(db, StateNodes.Empty, [.. Enumerable.Range(1, 200_000).Select(key => new StateEntry(key * 2, key + 9_000_000))]);
        var chunks = Scalar(db, "SELECT count(*) FROM state_chunks");
        var statements = _database.StatementsRun;

        Assert.Equal(9_100_000, StateNodes.Find(db, node, 200_000));
        Assert.Null(StateNodes.Find(db, node, 200_001));
        Assert.Equal(statements + 4, _database.StatementsRun);
        Assert.InRange(chunks, 200_000 / 500, 200_000 / 100);
        Assert.Equal([new StateEntry(2, 9_000_001), new StateEntry(400_000, 9_200_000)], StateNodes.FindMany(db, node, [400_000, 3, 2, 2]));
    });

    [Fact]
    public Task A_difference_costs_what_changed_not_what_there_is() => _database.WriteAsync(db =>
    {
        var before = StateNodes.Append(db, StateNodes.Empty, [.. Enumerable.Range(1, 100_000).Select(key => new StateEntry(key, key + 1_000_000))]);
        var after = before;
        for (var n = 1; n <= 100; n++)
        {
            after = StateNodes.Append(db, after, [new StateEntry(n * 1000, 2_000_000 + n)]);
        }

        var statements = _database.StatementsRun;
        var changes = StateNodes.Difference(db, before, after);

        Assert.Equal(Enumerable.Range(1, 100).Select(n => new StateChange(n * 1000, 1_000_000 + (n * 1000), 2_000_000 + n)), changes);
        Assert.InRange(_database.StatementsRun - statements, 0, 150);
    });

    [Fact]
    public Task Nothing_over_nothing_is_the_empty_state() => _database.WriteAsync(db =>
    {
        Assert.Equal(StateNodes.Empty, StateNodes.Append(db, StateNodes.Empty, []));
        Assert.Equal(StateNodes.Empty, StateNodes.Append(db, StateNodes.Empty, [new StateEntry(1, 0)]));
        Assert.Null(StateNodes.Find(db, StateNodes.Empty, 1));
        Assert.Empty(StateNodes.All(db, StateNodes.Empty));
        Assert.Empty(StateNodes.Difference(db, StateNodes.Empty, StateNodes.Empty));
    });

    [Fact]
    public Task Of_two_changes_to_a_key_the_later_counts() => _database.WriteAsync(db =>
    {
        var node = StateNodes.Append(db, StateNodes.Empty, [new StateEntry(2, 20), new StateEntry(1, 10), new StateEntry(2, 21)]);

        Assert.Equal([new StateEntry(1, 10), new StateEntry(2, 21)], StateNodes.All(db, node));
    });

    [Fact]
    public Task The_largest_numbers_fit() => _database.WriteAsync(db =>
    {
        StateEntry[] entries = [new(1, long.MaxValue), new(2, 1), new(long.MaxValue, long.MaxValue)];

        Assert.Equal(entries, StateNodes.All(db, StateNodes.Append(db, StateNodes.Empty, entries)));
    });

    [Fact]
    public async Task Damage_is_reported()
    {
        var failure = await Assert.ThrowsAsync<DatabaseException>(() => _database.WriteAsync(db =>
        {
            var node = StateNodes.Append(db, StateNodes.Empty, [new StateEntry(1, 1000)]);
            using var damage = db.Prepare("UPDATE state_nodes SET delta = x'01ff' WHERE nid = ?").Bind(node);
            damage.Run();
            return StateNodes.Find(db, node, 5);
        }));
        Assert.Contains("damaged", failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<DatabaseException>(() => _database.WriteAsync(db => StateNodes.Find(db, 99, 5)));
    }

    private static StateEntry[] Changes(Random random, int keys, int count) =>
        [.. Enumerable.Range(0, 1 + random.Next(count))
            .Select(_ => new StateEntry(1 + random.Next(keys), random.Next(4) == 0 ? 0 : 1 + random.NextInt64(1L << 40)))];

    private static void Apply(Dictionary<long, long> model, StateEntry[] changes)
    {
        foreach (var (key, value) in changes)
        {
            if (value == 0)
            {
                model.Remove(key);
            }
            else
            {
                model[key] = value;
            }
        }
    }

    private static void AssertIs(Session db, long node, Dictionary<long, long> model) =>
        Assert.Equal(model.OrderBy(pair => pair.Key).Select(pair => new StateEntry(pair.Key, pair.Value)), StateNodes.All(db, node));

    private static void AssertFinds(Session db, long node, Dictionary<long, long> model, Random random, int keys)
    {
        var some = Enumerable.Range(0, 20).Select(_ => 1L + random.Next(keys)).ToArray();
        foreach (var key in some)
        {
            Assert.Equal(model.TryGetValue(key, out var value) ? value : null, StateNodes.Find(db, node, key));
        }

        var expected = some.Distinct().Order().Where(model.ContainsKey).Select(key => new StateEntry(key, model[key]));
        Assert.Equal(expected, StateNodes.FindMany(db, node, some));
    }

    private static IEnumerable<StateChange> Difference(Dictionary<long, long> before, Dictionary<long, long> after) =>
        before.Keys.Union(after.Keys).Order()
            .Select(key => new StateChange(key, before.GetValueOrDefault(key), after.GetValueOrDefault(key)))
            .Where(change => change.Before != change.After);

    private static long ChunkBytes(Session db) => Scalar(db, "SELECT sum(length(delta)) FROM state_chunks");

    private static long PageBytes(Session db) => (Scalar(db, "PRAGMA page_count") - Scalar(db, "PRAGMA freelist_count")) * 4096;

    private static long Scalar(Session db, string sql)
    {
        using var query = db.Prepare(sql);
        return query.Step() ? query.Int64(0) : 0;
    }

    private static int Chain(Session db, long node)
    {
        var length = 0;
        for (; node != StateNodes.Empty; length++)
        {
            node = StateNodes.Read(db, node).Parent;
        }

        return length;
    }
}
