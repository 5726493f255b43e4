using Xunit;

namespace EdgeMatrix.Storage.Tests;

/// <summary>What states cost at each size of room, counted; the benchmark <c>state</c> goes on to 200,000 entries, and takes the time.</summary>
public sealed class StateNodeCostTests : IAsyncLifetime
{
    private const double MaxBytesAChange = 64;
    private const double MaxBytesAnEntryTakenIn = 16;

    // A look-up in a B-tree, and in that of the chunks.
    private const int PagesANode = 8;

    private readonly TemporaryDatabase _files = new();
    private Database _database = null!;

    public ValueTask InitializeAsync()
    {
        _database = _files.Open();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    [Theory]
    [InlineData(10)]
    [InlineData(100)]
    [InlineData(1_000)]
    [InlineData(10_000)]
    public async Task A_change_takes_at_most_64_bytes_on_forks_and_after_resets_too(int entries)
    {
        var history = new StateHistory(entries);

        Assert.InRange(await BytesAsync(history.Join, entries * history.Rooms), 1, MaxBytesAChange);
        Assert.InRange(await BytesAsync(history.Change, history.Changes * history.Rooms), 1, MaxBytesAChange);
        Assert.InRange(await BytesAsync(history.TakeBack, history.Reset * history.Rooms), 1, MaxBytesAChange);
        Assert.InRange(await BytesAsync(history.TakeIn, entries * history.Rooms), 1, MaxBytesAnEntryTakenIn);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(100)]
    [InlineData(1_000)]
    [InlineData(10_000)]
    public async Task A_look_up_reads_the_nodes_of_the_chain_and_all_entries_are_read_once(int entries)
    {
        var history = await GrownAsync(entries);
        var maxNodes = 3 * (1 + (int)Math.Log(entries + history.Changes, 4));
        using var snapshot = _database.OpenSnapshot();
        for (var n = 0; n < entries; n += 1 + (entries / 20))
        {
            var before = _database.Cost();
            using var fresh = _database.OpenSnapshot();
            Assert.NotNull(StateNodes.Find(fresh, history.Heads[0], history.Key(0, n)));
            var cost = _database.Cost() - before;
            Assert.InRange(cost.Rows, 1, 1 + (2 * maxNodes));
            Assert.InRange(cost.Pages, 1, maxNodes * PagesANode);
        }

        var all = _database.Cost();
        var count = 0;
        StateNodes.ForEach(snapshot, history.Heads[0], _ => count++);
        all = _database.Cost() - all;
        Assert.Equal(entries, count);

        // An entry is in one node of each size at most, and a chunk holds more than a hundred.
        Assert.InRange(all.Rows, 1, (2 * maxNodes) + (entries / 50));
        Assert.InRange(all.Pages, 1, (maxNodes * PagesANode) + (entries / 20));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(1_000)]
    [InlineData(10_000)]
    public async Task A_difference_costs_what_is_different(int entries)
    {
        var history = await GrownAsync(entries);
        foreach (var different in (int[])[1, 10, 50])
        {
            var head = history.Heads[0];
            var other = await _database.WriteAsync(db => Enumerable.Range(0, different).Aggregate(
                head, (node, n) => StateNodes.Append(db, node, [new StateEntry(history.Key(0, n * entries / different), 9_000_000 + n)])));
            using var snapshot = _database.OpenSnapshot();
            var cost = _database.Cost();

            Assert.Equal(different, StateNodes.Difference(snapshot, head, other).Count);
            cost = _database.Cost() - cost;
            Assert.InRange(cost.Rows, 1, 40 + (3 * different));
            Assert.InRange(cost.Pages, 1, (40 + (3 * different)) * PagesANode);
        }
    }

    private async Task<StateHistory> GrownAsync(int entries)
    {
        var history = new StateHistory(entries);
        await _database.WriteAsync(history.Join);
        await _database.WriteAsync(history.Change);
        await _database.WriteAsync(history.TakeBack);
        return history;
    }

    private Task<double> BytesAsync(Action<WriteTransaction> phase, int changes) => _database.WriteAsync(db =>
    {
        var before = StateHistory.PageBytes(db);
        phase(db);
        return (StateHistory.PageBytes(db) - before) / (double)changes;
    });
}
