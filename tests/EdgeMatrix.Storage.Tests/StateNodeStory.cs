using System.Text;
using EdgeMatrix.Storage.AuthChains;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Storage.Rooms;
using Xunit;
using Chains = EdgeMatrix.Storage.AuthChains.AuthChains;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Storage.Tests;

/// <summary>
/// What may happen to a database beside the collection of its state nodes, as a seed has it: rooms that grow, fork, are reset and deleted,
/// history that is purged, events that are redacted or given another state, the index of auth chains brought on, starts, copies.
/// </summary>
internal sealed class StateNodeStory(int seed) : IAsyncDisposable
{
    private readonly Random _random = new(seed);
    private readonly TemporaryDatabase _files = new();
    private readonly SortedDictionary<long, Told> _events = [];
    private readonly HashSet<long> _purging = [];
    private readonly List<long> _rooms = [];
    private Database _database = null!;
    private StateNodeCollector _collector = null!;

    /// <summary>State nodes that were collected.</summary>
    public long Deleted { get; private set; }

    public async Task RunAsync(int steps)
    {
        _database = Open(_files);
        _collector = NewCollector();
        for (var step = 0; step < steps; step++)
        {
            await StepAsync();
        }

        await FinishAsync();
        await AssertNothingLooseAsync();
    }

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    private static Database Open(TemporaryDatabase files) => files.Open(new DatabaseOptions(files.Path) { RelaxedDurability = true });

    private StateNodeCollector NewCollector() => new(_database, _random.Next(1, 40));

    private async Task StepAsync()
    {
        switch (_random.Next(60))
        {
            case < 20:
                // The slice and the write go on at once.
                var write = _database.WriteAsync(db => Grow(db, _random.Next(1, 8)));
                await SliceAsync();
                await write;
                break;
            case < 42:
                await SliceAsync();
                break;
            case < 47:
                await _database.WriteAsync(db => AuthChainWriter.Extend(db, _random.Next(1, 60)));
                break;
            case < 50:
                await _database.WriteAsync(PurgeHistory);
                break;
            case < 54:
                await _database.WriteAsync(PurgeRoom);
                break;
            case < 56:
                await _database.WriteAsync(GiveOtherState);
                break;
            case < 58:
                await _database.WriteAsync(Redact);
                break;
            case 58:
                await RestartAsync();
                break;
            default:
                await FailAsync();
                break;
        }
    }

    private async Task<bool> SliceAsync()
    {
        var before = _collector.Deleted;
        var more = await _collector.SliceAsync(CancellationToken.None);
        Deleted += _collector.Deleted - before;
        return more;
    }

    private async Task FinishAsync()
    {
        // A round that was cut off is begun anew by the next run.
        for (var run = 0; run < 3; run++)
        {
            while (await SliceAsync())
            {
            }
        }

        await _database.WriteAsync(AssertAll);
    }

    private void Grow(WriteTransaction db, int count)
    {
        if (_rooms.Count == 0 || (_rooms.Count < 4 && _random.Next(20) == 0))
        {
            _rooms.Add(RoomTable.Insert(db, $"!{db.NextPosition()}:b", "11"));
        }

        for (var n = 0; n < count; n++)
        {
            var room = _rooms[_random.Next(_rooms.Count)];
            var all = _events.Where(told => told.Value.Room == room).ToList();
            var row = RoomTable.Find(db, room)!;
            var (state, known) = (row.State, all.Count == 0 ? [] : _events[row.LastEvent].State);
            if (all.Count > 0 && _random.Next(8) == 0)
            {
                // A fork, from a state that an event still has.
                var from = all[_random.Next(all.Count)];
                (state, known) = (EventTable.Find(db, from.Key)!.State, from.Value.State);
            }

            Append(db, room, state, known, [.. all.Where(static told => told.Value.Auth is not null).Select(static told => told.Key)]);
        }
    }

    private void Append(WriteTransaction db, long room, long state, Dictionary<long, long> known, List<long> older)
    {
        var nid = db.NextPosition();
        var isState = _random.Next(3) > 0;
        var type = EventTypeTable.Intern(db, isState ? "m.room.member" : "m.room.message");
        var key = isState ? StateKeyTable.Intern(db, type, $"@{_random.Next(60)}:b") : 0;
        long[] auth = isState ? [.. older.Where(_ => _random.Next(1 + (older.Count / 3)) == 0)] : [];
        if (isState)
        {
            known = new Dictionary<long, long>(known) { [key] = nid };
            List<StateEntry> changes = [new(key, nid)];
            if (_random.Next(10) == 0)
            {
                // A reset: many keys are gone at once.
                changes.AddRange(known.Keys.Where(other => other != key && _random.Next(2) == 0).Select(static other => new StateEntry(other, 0)));
                changes.ForEach(change => _ = change.Event == 0 && known.Remove(change.StateKey));
            }

            state = StateNodes.Append(db, state, [.. changes]);
        }

        EventTable.Insert(
            db, nid,
            new NewEvent(
                room, nid, $"$e{nid}", type, isState ? key : null, UserTable.Intern(db, "@a:b"), EventFlags.None, state, null, null, null),
            Json(auth, isState));
        RoomTable.MoveHead(db, room, state, [nid], nid);
        _events.Add(nid, new Told(room, known, isState ? auth : null));
    }

    private static byte[] Json(long[] auth, bool isState) => Encoding.UTF8.GetBytes($$"""
        {"auth_events":[{{string.Join(',', auth.Select(static nid => $"\"$e{nid}\""))}}],"content":{},"depth":1,"hashes":{"sha256":""},"origin_server_ts":1,
        "prev_events":[],"room_id":"!r:b","sender":"@a:b","signatures":{},{{(isState ? "\"state_key\":\"\"," : "")}}"type":"m.t"}
        """.ReplaceLineEndings(""));

    private void PurgeHistory(WriteTransaction db)
    {
        if (_rooms.Count > 0)
        {
            var room = _rooms[_random.Next(_rooms.Count)];
            EventDeletion.DeleteOldMessages(db, RoomTable.Find(db, room)!, null, long.MaxValue, _ => _random.Next(5) > 0, _random.Next(1, 30));
            Forget(db);
        }
    }

    private void PurgeRoom(WriteTransaction db)
    {
        if (_purging.Count > 0)
        {
            var room = _purging.First();
            PurgedRoomTable.DeleteSlice(db, room, _random.Next(1, 40));
            if (PurgedRoomTable.First(db) is null)
            {
                _purging.Clear();
            }
        }
        else if (_rooms.Count > 0 && _random.Next(3) == 0)
        {
            var room = _rooms[_random.Next(_rooms.Count)];
            PurgedRoomTable.Begin(db, RoomTable.Find(db, room)!);
            _rooms.Remove(room);
            _purging.Add(room);
        }

        Forget(db);
    }

    // As when what was missing before an event has come.
    private void GiveOtherState(WriteTransaction db)
    {
        if (_events.Count > 1)
        {
            var (one, other) = (_events.ElementAt(_random.Next(_events.Count)), _events.ElementAt(_random.Next(_events.Count)));
            if (one.Value.Room == other.Value.Room && _rooms.Contains(one.Value.Room) && one.Key != RoomTable.Find(db, one.Value.Room)!.LastEvent)
            {
                using var update = db.Prepare("UPDATE events SET state = ? WHERE nid = ?").Bind(EventTable.Find(db, other.Key)!.State).Bind(one.Key);
                update.Run();
                _events[one.Key] = one.Value with { State = other.Value.State };
            }
        }
    }

    private void Redact(WriteTransaction db)
    {
        if (_events.Count > 0)
        {
            var (nid, told) = _events.ElementAt(_random.Next(_events.Count));
            EventTable.Redact(db, nid, nid, Json(told.Auth ?? [], told.Auth is not null));
        }
    }

    private async Task RestartAsync()
    {
        await _files.CloseAsync();
        await using var copy = new TemporaryDatabase();
        File.Copy(_files.Path, copy.Path);
        (var deleted, _database) = (Deleted, Open(copy));
        _collector = NewCollector();
        await FinishAsync();
        await copy.CloseAsync();
        (Deleted, _database) = (deleted, Open(_files));
        _collector = NewCollector();
        await _database.WriteAsync(AssertAll);
    }

    // A write that comes to nothing.
    private async Task FailAsync()
    {
        if (_rooms.Count > 0)
        {
            var failing = Assert.ThrowsAsync<NotSupportedException>(() => _database.WriteAsync(db =>
            {
                var row = RoomTable.Find(db, _rooms[_random.Next(_rooms.Count)])!;
                StateNodes.Append(db, row.State, [new StateEntry(1 + _random.Next(60), 1)]);
                using var delete = db.Prepare("DELETE FROM events WHERE room = ?").Bind(row.Nid);
                delete.Run();
                throw new NotSupportedException();
            }));
            await SliceAsync();
            await failing;
        }
    }

    private void Forget(WriteTransaction db)
    {
        foreach (var nid in _events.Keys.Where(nid => EventTable.Find(db, nid) is null).ToList())
        {
            _events.Remove(nid);
        }
    }

    private void AssertAll(WriteTransaction db)
    {
        if (_purging.Count == 0)
        {
            // What is left of a room may have states that name what is gone.
            Assert.Empty(StateNodeChecks.Findings(db));
        }

        foreach (var (nid, told) in _events)
        {
            Assert.Equal(
                told.State.OrderBy(static pair => pair.Key).Select(static pair => new StateEntry(pair.Key, pair.Value)),
                StateNodes.All(db, EventTable.Find(db, nid)!.State));
        }

        foreach (var room in _rooms)
        {
            var chains = new Chains(db, room, Versions.V11);
            foreach (var (nid, told) in _events.Where(told => told.Value is { Auth: not null } && told.Value.Room == room && told.Key % 4 == 0))
            {
                Assert.Equal(Walk(told.Auth!).Order(), chains.Of([nid]).Order());
            }
        }
    }

    private HashSet<long> Walk(long[] auth)
    {
        var (found, toVisit) = (new HashSet<long>(), new Stack<long>(auth));
        while (toVisit.TryPop(out var next))
        {
            if (found.Add(next))
            {
                Array.ForEach(_events[next].Auth!, toVisit.Push);
            }
        }

        return found;
    }

    private Task AssertNothingLooseAsync() => _database.WriteAsync(db =>
    {
        using var nodes = db.Prepare("""
            WITH RECURSIVE read(node) AS (
                SELECT state FROM events UNION SELECT state FROM rooms UNION SELECT value FROM json_each(?1)
                UNION SELECT parent FROM read JOIN state_nodes ON nid = node)
            SELECT nid FROM state_nodes WHERE nid NOT IN (SELECT node FROM read)
            """).Bind(MapsOf(db));
        Assert.False(nodes.Step(), "a node that nothing reads is left");
    });

    private static string MapsOf(WriteTransaction db)
    {
        var maps = new HashSet<long>();
        using var blocks = db.Prepare("SELECT entries FROM auth_chains");
        while (blocks.Step())
        {
            maps.UnionWith(AuthChainBlock.Read(blocks.Blob(0)).Select(static entry => entry.Reach.Node));
        }

        return $"[{string.Join(',', maps)}]";
    }

    /// <param name="Auth">Its auth events; null if it is not a state event.</param>
    private sealed record Told(long Room, Dictionary<long, long> State, long[]? Auth);
}
