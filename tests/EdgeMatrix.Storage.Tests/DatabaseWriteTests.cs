using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Storage.Tests;

public sealed class DatabaseWriteTests : IAsyncLifetime
{
    private readonly TemporaryDatabase _files = new();
    private Database _database = null!;

    public ValueTask InitializeAsync()
    {
        _database = _files.Open();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    [Fact]
    public async Task Writes_that_queue_up_share_a_commit()
    {
        using var held = Hold();
        var writes = Enumerable.Range(0, 200).Select(n => _database.WriteAsync(db => Set(db, $"k{n}", "v"))).ToArray();
        held.Release();
        await Task.WhenAll(writes);

        Assert.Equal(2, _database.Commits);
        Assert.Equal(201, _database.Writes);
        Assert.Equal(200, Count());
    }

    [Fact]
    public async Task A_write_alone_waits_for_the_disk_once_and_so_does_a_group()
    {
        var before = _database.Fsyncs;
        await _database.WriteAsync(db => Set(db, "alone", "v"));
        Assert.Equal(before + 1, _database.Fsyncs);

        using var held = Hold();
        var writes = Enumerable.Range(0, 200).Select(n => _database.WriteAsync(db => Set(db, $"k{n}", "v"))).ToArray();
        held.Release();
        await Task.WhenAll(writes);
        Assert.Equal(before + 2, _database.Fsyncs);
    }

    [Fact]
    public async Task Whoever_waits_for_a_write_does_it_and_wakes_nobody()
    {
        var here = Environment.CurrentManagedThreadId;
        var write = _database.Queue(db =>
        {
            Set(db, "own", "v");
            return Environment.CurrentManagedThreadId;
        });
        var next = write.Task.ContinueWith(
            _ => Environment.CurrentManagedThreadId,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        Assert.False(write.Task.IsCompleted);

        write.Start();
        Assert.True(write.Task.IsCompletedSuccessfully && next.IsCompletedSuccessfully);
        Assert.Equal(here, await write.Task);
        Assert.Equal(here, await next);
        Assert.Equal(1, _database.Fsyncs);
    }

    [Fact]
    public async Task Whoever_waits_for_a_write_takes_along_what_others_have_queued()
    {
        var mine = Queue("mine");
        var other = Queue("other");
        mine.Start();
        Assert.True(mine.Task.IsCompletedSuccessfully);
        await other.Task;

        Assert.Equal(1, _database.Commits);
        other.Start();
        Assert.Equal(1, _database.Commits);
    }

    [Fact]
    public async Task While_another_thread_writes_a_write_is_left_to_the_writer()
    {
        using var held = Hold();
        var write = _database.Queue(_ => Environment.CurrentManagedThreadId);
        write.Start();
        Assert.False(write.Task.IsCompleted);

        held.Release();
        Assert.NotEqual(0, await write.Task);
    }

    [Fact]
    public async Task Writes_of_many_threads_are_all_done_whoever_does_them()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(async () =>
        {
            for (var n = 0; n < 200; n++)
            {
                var key = $"k{thread}-{n}";
                if (n % 3 == 0)
                {
                    await _database.WriteAsync(db => Set(db, key, "v"));
                    continue;
                }

                var write = Queue(key);
                write.Start();
                await write.Task;
            }
        })));

        Assert.Equal(1_600, Count());
    }

    [Fact]
    public async Task A_log_that_grows_long_is_moved_into_the_file()
    {
        var value = new string('v', 100_000);
        for (var n = 0; n < 100; n++)
        {
            await _database.WriteAsync(db => Set(db, $"k{n}", value));
        }

        // A hundred writes of 25 pages are two checkpoints, and the log begins anew after each.
        Assert.InRange(_database.Fsyncs, 102, 106);
        Assert.InRange(new FileInfo(_files.Path + "-wal").Length, 1, 6_000_000);
    }

    [Fact]
    public async Task A_queue_that_is_full_makes_writers_wait_and_keeps_their_order()
    {
        using var held = Hold();
        var order = new List<int>();
        var writes = Enumerable.Range(0, 3000).Select(n => _database.WriteAsync(_ => order.Add(n))).ToArray();
        held.Release();
        await Task.WhenAll(writes);

        Assert.Equal(Enumerable.Range(0, 3000), order);
        Assert.InRange(_database.Commits, 3000 / 256, 20);
    }

    [Fact]
    public async Task A_job_that_throws_harms_nobody()
    {
        using var held = Hold();
        var before = _database.WriteAsync(db => Set(db, "before", "1"));
        var bad = _database.WriteAsync(db =>
        {
            Set(db, "bad", "1");
            throw new InvalidOperationException("bad");
        });
        var worse = _database.WriteAsync(db => db.Prepare("INSERT INTO settings (key, value) VALUES (NULL, 1)").Run());
        var after = _database.WriteAsync(db => Set(db, "after", "1"));
        held.Release();
        await Task.WhenAll(before, after);

        Assert.Equal("bad", (await Assert.ThrowsAsync<InvalidOperationException>(() => bad)).Message);
        Assert.Contains("NOT NULL", (await Assert.ThrowsAsync<DatabaseException>(() => worse)).Message, StringComparison.Ordinal);
        Assert.Equal(["after", "before"], Keys());
    }

    [Fact]
    public async Task A_job_that_throws_alone_leaves_nothing()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => _database.WriteAsync(db =>
        {
            Set(db, "bad", "1");
            throw new InvalidOperationException();
        }));

        Assert.Equal(0, Count());
        Assert.Equal(0, _database.Commits);
    }

    [Fact]
    public async Task A_transaction_lost_under_a_job_faults_the_whole_group()
    {
        using var held = Hold();
        var before = _database.WriteAsync(db => Set(db, "before", "1"));
        var loses = _database.WriteAsync(db => db.Prepare("ROLLBACK").Run());
        held.Release();

        await Assert.ThrowsAsync<DatabaseException>(() => before);
        await Assert.ThrowsAsync<DatabaseException>(() => loses);
        Assert.Equal(0, Count());

        await _database.WriteAsync(db => Set(db, "later", "1"));
        Assert.Equal(["later"], Keys());
    }

    [Fact]
    public async Task A_full_disk_faults_the_whole_group_and_the_writer_goes_on()
    {
        using var held = Hold();
        var acted = false;
        var good = _database.WriteAsync(db =>
        {
            Set(db, "good", "1");
            db.NextPosition();
            db.AfterCommit(() => acted = true);
        });
        var full = _database.WriteAsync(FillTheDisk);
        held.Release();

        await Assert.ThrowsAsync<DatabaseException>(() => good);
        await Assert.ThrowsAsync<DatabaseException>(() => full);
        Assert.False(acted);
        Assert.Equal(0, _database.CommittedPosition);

        await _database.WriteAsync(db => db.Prepare("PRAGMA max_page_count = 1000000").Run());
        await _database.WriteAsync(db => Set(db, "later", "1"));
        Assert.Equal(["later"], Keys());
    }

    [Fact]
    public async Task A_commit_that_fails_faults_the_whole_group_and_the_writer_goes_on()
    {
        await _database.WriteAsync(db =>
        {
            db.Prepare("CREATE TABLE child (parent REFERENCES settings (key) DEFERRABLE INITIALLY DEFERRED)").Run();
            db.Prepare("COMMIT").Run();
            db.Prepare("PRAGMA foreign_keys = ON").Run();
            db.Prepare("BEGIN IMMEDIATE").Run();
        });
        using var held = Hold();
        var good = _database.WriteAsync(db => Set(db, "good", "1"));
        var orphan = _database.WriteAsync(db => db.Prepare("INSERT INTO child VALUES ('nobody')").Run());
        held.Release();

        await Assert.ThrowsAsync<DatabaseException>(() => good);
        await Assert.ThrowsAsync<DatabaseException>(() => orphan);

        await _database.WriteAsync(db => Set(db, "later", "1"));
        Assert.Equal(["later"], Keys());
    }

    [Fact]
    public async Task Actions_run_after_the_commit_in_order_and_before_the_tasks_complete()
    {
        var log = new List<string>();
        using var held = Hold();
        var writes = Enumerable.Range(0, 3).Select(n => _database.WriteAsync(db =>
        {
            log.Add($"work {n}");
            var position = db.NextPosition();
            db.AfterCommit(() => log.Add($"{n} at {position} of {_database.CommittedPosition}"));
            if (n == 1)
            {
                throw new InvalidOperationException();
            }
        })).ToArray();
        held.Release();
        await Assert.ThrowsAsync<InvalidOperationException>(() => Task.WhenAll(writes));

        Assert.Equal(["work 0", "work 1", "work 2", "0 at 1 of 3", "2 at 3 of 3"], log);
    }

    [Fact]
    public async Task An_action_that_throws_faults_its_own_task_only()
    {
        var bad = _database.WriteAsync(db =>
        {
            Set(db, "written", "1");
            db.AfterCommit(() => throw new InvalidOperationException());
        });
        await Assert.ThrowsAsync<InvalidOperationException>(() => bad);
        await _database.WriteAsync(db => Set(db, "later", "1"));

        Assert.Equal(["later", "written"], Keys());
    }

    [Fact]
    public async Task Positions_grow_across_failures_and_restarts()
    {
        var first = await _database.WriteAsync(db => db.NextPosition());
        await Assert.ThrowsAsync<InvalidOperationException>(() => _database.WriteAsync(db =>
        {
            for (var n = 0; n < 2500; n++)
            {
                db.NextPosition();
            }

            throw new InvalidOperationException();
        }));
        var second = await _database.WriteAsync(db => db.NextPosition());

        Assert.Equal(1, first);
        Assert.Equal(2502, second);
        Assert.Equal(second, _database.CommittedPosition);

        var reopened = await _files.ReopenAsync();
        Assert.InRange(reopened.CommittedPosition, second, second + 1000);
        var committed = reopened.CommittedPosition;
        Assert.Equal(committed + 1, await reopened.WriteAsync(db => db.NextPosition()));
    }

    [Fact]
    public async Task A_transaction_cannot_be_used_after_its_job()
    {
        var kept = await _database.WriteAsync(db => db);

        Assert.Throws<ObjectDisposedException>(() => kept.Prepare("SELECT 1"));
        Assert.Throws<ObjectDisposedException>(() => kept.NextPosition());
        Assert.Throws<ObjectDisposedException>(() => kept.AfterCommit(() => { }));
    }

    [Fact]
    public async Task What_is_written_before_something_else_fails_is_not_written_once_more()
    {
        await _files.CloseAsync();
        _database = _files.Open(new DatabaseOptions(_files.Path)
        {
            RelaxedDurability = true, FlushInterval = TimeSpan.FromMinutes(1), Time = new FailingTimer(),
        });
        var runs = 0;
        var write = _database.Queue(db =>
        {
            runs++;
            Set(db, "first", "v");
            return true;
        });

        write.Start();

        await Assert.ThrowsAsync<InvalidOperationException>(() => write.Task);
        await _database.WriteAsync(db => Set(db, "second", "v"));
        Assert.Equal((1, 2), (runs, Count()));
    }

    [Fact]
    public async Task The_writer_has_a_thread_of_its_own_unless_it_is_to_write_in_the_pool()
    {
        Assert.False(await _database.WriteAsync(_ => Thread.CurrentThread.IsThreadPoolThread));

        await _files.CloseAsync();
        _database = _files.Open(new DatabaseOptions(_files.Path) { WritesInPool = true });
        var writes = Enumerable.Range(0, 2000).Select(n => _database.WriteAsync(db =>
        {
            Set(db, $"k{n}", "v");
            return Thread.CurrentThread.IsThreadPoolThread;
        })).ToArray();
        await _files.CloseAsync();

        Assert.DoesNotContain(false, await Task.WhenAll(writes));
        Assert.False(File.Exists(_files.Path + "-wal"));
    }

    [Fact]
    public async Task Closing_writes_what_is_queued_and_then_refuses()
    {
        var writes = Enumerable.Range(0, 2000).Select(n => _database.WriteAsync(db => Set(db, $"k{n}", "v"))).ToArray();
        await _files.CloseAsync();
        await Task.WhenAll(writes);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _database.WriteAsync(_ => { }));
        Assert.Throws<ObjectDisposedException>(_database.OpenSnapshot);
        Assert.False(File.Exists(_files.Path + "-wal"));

        _database = _files.Open();
        Assert.Equal(2000, Count());
    }

    /// <summary>Its timers cannot be set the first time, which the writer asks for once a group is on its way to the disk.</summary>
    private sealed class FailingTimer : TimeProvider, ITimer
    {
        private bool _hasFailed;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => this;

        public bool Change(TimeSpan dueTime, TimeSpan period) => _hasFailed ? true : throw Fail();

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private InvalidOperationException Fail()
        {
            _hasFailed = true;
            return new InvalidOperationException("no timer");
        }
    }

    /// <summary>Keeps the writer busy, so that the writes that follow gather into a group.</summary>
    private HeldWriter Hold() => new(_database);

    private QueuedWrite<bool> Queue(string key) => _database.Queue(db =>
    {
        Set(db, key, "v");
        return true;
    });

    private static void FillTheDisk(WriteTransaction db)
    {
        db.Prepare("PRAGMA max_page_count = 1").Run();
        Set(db, "much", new string('x', 10_000_000));
    }

    private static void Set(WriteTransaction db, string key, string value)
    {
        using var insert = db.Prepare("INSERT INTO settings (key, value) VALUES (?, ?)").Bind(key).Bind(value);
        insert.Run();
    }

    private long Count()
    {
        using var db = _database.OpenSnapshot();
        using var query = db.Prepare("SELECT count(*) FROM settings");
        return query.Step() ? query.Int64(0) : -1;
    }

    private List<string> Keys()
    {
        using var db = _database.OpenSnapshot();
        using var query = db.Prepare("SELECT key FROM settings ORDER BY key");
        var keys = new List<string>();
        while (query.Step())
        {
            keys.Add(query.Text(0));
        }

        return keys;
    }
}
