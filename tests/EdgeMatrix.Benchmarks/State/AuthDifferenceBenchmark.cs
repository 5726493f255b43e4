using System.Diagnostics;
using System.Text;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.AuthChains;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Benchmarks.State;

/// <summary>The auth difference of two states of a large room: by its index, and by walking.</summary>
internal sealed class AuthDifferenceBenchmark(Database database)
{
    private const string RoomId = "!large:b";
    private const string Creator = "@creator:b";
    private const int EventsAWrite = 5_000;
    private const int MembersAPowerLevels = 1_000;
    private const int Runs = 20;

    private static readonly RoomVersion _version = RoomVersions.V11;

    private readonly Dictionary<(string Type, string StateKey), long> _latest = [];
    private long _room;
    private long _node;
    private long _lost;

    public static async Task RunAsync(Database database, int members)
    {
        var benchmark = new AuthDifferenceBenchmark(database);
        await benchmark.BuildAsync(members);
        StateBenchmark.Print($"auth difference of two states of {members} members:");
        foreach (var joins in (int[])[1, 10, 100])
        {
            await benchmark.MeasureAsync(joins, powerLevels: false, lost: false, $"forks of {joins} joins each");
            await benchmark.MeasureAsync(joins, powerLevels: true, lost: false, $"forks of {joins} joins and other power levels each");
            await benchmark.MeasureAsync(joins, powerLevels: false, lost: true, $"forks of {joins} joins, on one by power levels of long ago that lost");
        }
    }

    private async Task BuildAsync(int members)
    {
        await database.WriteAsync(db =>
        {
            _room = RoomTable.Insert(db, RoomId, _version.Id);
            Add(db, EventTypes.Create, "", Creator);
            Add(db, EventTypes.Member, Creator, Creator);
            Add(db, EventTypes.PowerLevels, "", Creator);
            Add(db, EventTypes.JoinRules, "", Creator);
            var (powerLevels, node) = (_latest[(EventTypes.PowerLevels, "")], _node);
            Add(db, EventTypes.PowerLevels, "", Creator);
            _lost = _latest[(EventTypes.PowerLevels, "")];
            (_latest[(EventTypes.PowerLevels, "")], _node) = (powerLevels, node);
        });
        for (var first = 0; first < members; first += EventsAWrite)
        {
            await database.WriteAsync(db =>
            {
                for (var n = first; n < Math.Min(members, first + EventsAWrite); n++)
                {
                    Add(db, EventTypes.Member, Member(n), Member(n));

                    // Some change their name, and now and then somebody is made a moderator.
                    if (n % 5 == 0)
                    {
                        Add(db, EventTypes.Member, Member(n / 2), Member(n / 2));
                    }

                    if (n % MembersAPowerLevels == 0)
                    {
                        Add(db, EventTypes.PowerLevels, "", Creator);
                    }
                }
            });
        }

        var (watch, before) = (Stopwatch.StartNew(), await Bytes());
        while (await database.WriteAsync(static db => AuthChainWriter.Extend(db, EventsAWrite)))
        {
        }

        StateBenchmark.Print($"index of {members} members: {watch.Elapsed.TotalMicroseconds / members:f0} µs and {(await Bytes() - before) / (double)members:f1} bytes a member");
    }

    private Task<long> Bytes() => database.WriteAsync(Storage.Tests.StateHistory.PageBytes);

    private async Task MeasureAsync(int joins, bool powerLevels, bool lost, string what)
    {
        var heads = new List<long>();
        var (latest, node) = (new Dictionary<(string, string), long>(_latest), _node);
        for (var fork = 0; fork < 2; fork++)
        {
            await database.WriteAsync(db =>
            {
                if (powerLevels)
                {
                    Add(db, EventTypes.PowerLevels, "", Creator);
                }

                if (lost && fork == 0)
                {
                    _latest[(EventTypes.PowerLevels, "")] = _lost;
                }

                for (var n = 0; n < joins; n++)
                {
                    Add(db, EventTypes.Member, $"@{what}{fork}.{n}:b", $"@{what}{fork}.{n}:b");
                }

                while (AuthChainWriter.Extend(db, EventsAWrite))
                {
                }
            });
            heads.Add(_node);
            _node = node;
            _latest.Clear();
            latest.ToList().ForEach(pair => _latest.Add(pair.Key, pair.Value));
        }

        var (times, found, cost) = (new List<double>(), 0, default(DatabaseCost));
        for (var run = 0; run < Runs; run++)
        {
            await database.ShrinkAsync();
            var before = database.Cost();
            using var snapshot = database.OpenSnapshot();
            var watch = Stopwatch.StartNew();
            var conflict = Conflict(snapshot, heads[0], heads[1]);
            var conflicted = conflict.Keys.SelectMany(static key => key.Candidates).Where(static nid => nid != 0).ToHashSet();
            found = new AuthChains(snapshot, _room, _version).Difference(conflict, conflicted).Count + conflicted.Count;
            times.Add(watch.Elapsed.TotalMilliseconds);
            cost = database.Cost() - before;
        }

        using var walking = database.OpenSnapshot();
        var (events, walk) = (new StoredEventSource(walking, _room, _version), Stopwatch.StartNew());
        StateResolver.Resolve(Conflict(walking, heads[0], heads[1]), events);
        var walked = walk.Elapsed.TotalMilliseconds;
        using var indexing = database.OpenSnapshot();
        var (chains, resolve) = (new AuthChains(indexing, _room, _version), Stopwatch.StartNew());
        StateResolver.Resolve(Conflict(indexing, heads[0], heads[1]), chains.Events, chains, trace: null);
        StateBenchmark.Print($"  {what}: {times.Order().ElementAt(Runs / 2):f1} ms ({times[0]:f1} the first time), {found} events, {cost.Statements} statements, {cost.Pages} pages;");
        StateBenchmark.Print($"    the resolution {resolve.Elapsed.TotalMilliseconds:f1} ms, walking {walked:f1}");
    }

    private static StateConflict Conflict(Session db, long one, long other) => new(
        _version, RoomId, 2,
        [.. StateNodes.Difference(db, one, other).Select(change => (Change: change, Key: EventTable.StateKeyOf(db, Math.Max(change.Before, change.After))!.Value))
            .Select(static changed => new ConflictedKey(changed.Key.Type, changed.Key.StateKey, [changed.Change.Before, changed.Change.After]))],
        new Unconflicted(db, one));

    private static string Member(int n) => $"@member{n}:server{n % 50}";

    private void Add(WriteTransaction db, string type, string stateKey, string sender)
    {
        var nid = db.NextPosition();
        (string, string)[] cited =
            [(EventTypes.Create, ""), (EventTypes.PowerLevels, ""), (EventTypes.Member, sender), .. type == EventTypes.Member ? [(EventTypes.JoinRules, "")] : Array.Empty<(string, string)>()];
        var auth = string.Join(',', cited.Distinct().Where(_latest.ContainsKey).Select(key => $"\"{Id(_latest[key])}\""));
        var content = type switch
        {
            EventTypes.Member => """{"membership":"join"}""",
            EventTypes.Create => """{"room_version":"11"}""",
            EventTypes.JoinRules => """{"join_rule":"public"}""",
            _ => $$$"""{"users":{"{{{Creator}}}":100,"{{{Member((int)(nid % 1000))}}}":50}}""",
        };
        var json = $$"""
            {"auth_events":[{{auth}}],"content":{{content}},"depth":1,"hashes":{"sha256":""},"origin_server_ts":{{nid}},"prev_events":[],
            "room_id":"{{RoomId}}","sender":"{{sender}}","signatures":{},"state_key":"{{stateKey}}","type":"{{type}}"}
            """.ReplaceLineEndings("");
        var typeNid = EventTypeTable.Intern(db, type);
        var key = StateKeyTable.Intern(db, typeNid, stateKey);
        _node = StateNodes.Append(db, _node, [new StateEntry(key, nid)]);
        EventTable.Insert(
            db, nid, new NewEvent(_room, nid, Id(nid), typeNid, key, UserTable.Intern(db, sender), EventFlags.None, _node, null, null, null),
            Encoding.UTF8.GetBytes(json));
        _latest[(type, stateKey)] = nid;
    }

    private static string Id(long nid) => $"$event{nid}";

    private sealed class Unconflicted(Session db, long node) : IUnconflictedState
    {
        public long Find(string type, string stateKey) => StateKeyTable.Find(db, type, stateKey) is { } key ? StateNodes.Find(db, node, key) ?? 0 : 0;

        public IEnumerable<long> After(long number) => StateNodes.All(db, node).Select(static entry => entry.Event).Where(nid => nid > number);
    }
}
