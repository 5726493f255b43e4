using System.Globalization;
using EdgeMatrix.Storage.Rooms;
using Xunit;

namespace EdgeMatrix.Storage.Tests;

public sealed class StateNodeCollectorTests : IAsyncLifetime
{
    private static readonly int _stories =
        int.Parse(Environment.GetEnvironmentVariable("EDGEMATRIX_STATE_STORIES") ?? "20", CultureInfo.InvariantCulture);

    private readonly TemporaryDatabase _files = new();
    private readonly Dictionary<long, List<StateEntry>> _states = [];
    private Database _database = null!;
    private long _room;
    private long _state;

    public ValueTask InitializeAsync()
    {
        _database = _files.Open();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Beside_appends_and_deletions_only_what_nothing_reads_goes(int seed)
    {
        var random = new Random(seed);
        await GrowAsync(random, 5_000);
        var collector = new StateNodeCollector(_database);
        for (var round = 0; round < 6; round++)
        {
            await DeleteAsync(random, 0.4);
            for (var slice = 0; await collector.SliceAsync(TestContext.Current.CancellationToken); slice++)
            {
                await GrowAsync(random, 5);
                if (random.Next(10) == 0)
                {
                    await DeleteAsync(random, 0.05);
                }
            }

            await AssertStatesAsync();
        }

        while (await collector.SliceAsync(TestContext.Current.CancellationToken))
        {
        }

        await AssertStatesAsync();
        await _database.WriteAsync(db =>
        {
            var marks = new StateNodeMarks(db);
            marks.MarkEvents(db, 0, int.MaxValue);
            marks.MarkRooms(db, 0, int.MaxValue);
            marks.MarkParents(db, marks.Last + 1, int.MaxValue);
            using var nodes = db.Prepare("SELECT nid FROM state_nodes WHERE nid < ?").Bind(marks.Last);
            while (nodes.Step())
            {
                Assert.True(marks.IsState(nodes.Int64(0)));
            }
        });
        Assert.True(collector.Deleted > 100, $"{collector.Deleted} deleted");
    }

    [Fact]
    public async Task Whatever_happens_beside_it_what_is_read_stays_and_all_else_goes()
    {
        var deleted = 0L;
        for (var seed = 1; seed <= _stories; seed++)
        {
            await using var story = new StateNodeStory(seed);
            await story.RunAsync(steps: 250);
            deleted += story.Deleted;
        }

        Assert.True(deleted > _stories, $"{deleted} deleted");
    }

    [Fact]
    public async Task Without_a_deletion_one_row_is_looked_for()
    {
        await GrowAsync(new Random(1), 50);
        var (statements, writes) = (_database.StatementsRun, _database.Writes);

        Assert.False(await new StateNodeCollector(_database).SliceAsync(TestContext.Current.CancellationToken));
        Assert.InRange(_database.StatementsRun - statements, 1, 4);
        Assert.Equal(writes, _database.Writes);
    }

    [Fact]
    public async Task A_round_that_was_cut_off_begins_anew_after_a_start()
    {
        var random = new Random(7);
        await GrowAsync(random, 300);
        await DeleteAsync(random, 0.5);
        var collector = new StateNodeCollector(_database);
        Assert.True(await collector.SliceAsync(TestContext.Current.CancellationToken));
        Assert.True(await collector.SliceAsync(TestContext.Current.CancellationToken));

        _database = await _files.ReopenAsync();
        collector = new StateNodeCollector(_database);
        while (await collector.SliceAsync(TestContext.Current.CancellationToken))
        {
        }

        Assert.True(collector.Deleted > 10);
        await AssertStatesAsync();
    }

    // Mostly one upon the other, now and then from a state of long ago, as forks and resets are; some nodes are large.
    private Task GrowAsync(Random random, int count) => _database.WriteAsync(db =>
    {
        _room = _room == 0 ? RoomTable.Insert(db, "!r:b", "11") : _room;
        var type = EventTypeTable.Intern(db, "m.room.member");
        var sender = UserTable.Intern(db, "@a:b");
        for (var n = 0; n < count; n++)
        {
            var nid = db.NextPosition();
            var key = StateKeyTable.Intern(db, type, $"@{random.Next(400)}:b");
            if (random.Next(40) == 0 && _states.Count > 0)
            {
                _state = StateOf(db, _states.Keys.ElementAt(random.Next(_states.Count)));
            }

            _state = random.Next(3) == 0 ? _state : StateNodes.Append(db, _state, [new StateEntry(key, nid)]);
            var row = new NewEvent(_room, nid, $"$e{nid}", type, key, sender, EventFlags.None, _state, null, null, null);
            EventTable.Insert(db, nid, row, "{}"u8);
            RoomTable.MoveHead(db, _room, _state, [nid], nid);
            _states.Add(nid, n % 4 == 0 ? StateNodes.All(db, _state) : []);
        }
    });

    private Task DeleteAsync(Random random, double share) => _database.WriteAsync(db =>
    {
        foreach (var nid in _states.Keys.Where(_ => random.NextDouble() < share).ToList())
        {
            using var delete = db.Prepare("DELETE FROM events WHERE nid = ?").Bind(nid);
            delete.Run();
            _states.Remove(nid);
        }
    });

    private Task AssertStatesAsync() => _database.WriteAsync(db =>
    {
        foreach (var (nid, state) in _states.Where(static known => known.Value.Count > 0))
        {
            Assert.Equal(state, StateNodes.All(db, StateOf(db, nid)));
        }
    });

    private static long StateOf(Session db, long nid) => EventTable.Find(db, nid)!.State;
}
