using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Federation.Sending;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;

namespace EdgeMatrix.Simulation;

/// <param name="Servers">How many.</param>
/// <param name="Steps">How often something happens before all is healed.</param>
/// <param name="Trace">Told what happens; null: nobody wants to know.</param>
internal sealed record RunOptions(int Servers, int Steps, Action<string>? Trace);

/// <param name="Findings">What is not as it should be.</param>
/// <param name="Digest">Of all that happened: the same in two runs that went alike.</param>
/// <param name="Events">How many events were accepted.</param>
/// <param name="Split">How many rooms fell into parts of which none knows the other, each counted.</param>
internal sealed record RunResult(IReadOnlyList<string> Findings, string Digest, int Events, int Split);

/// <summary>
/// One run: servers that talk over a bad network on virtual time, users that do what comes to their minds, cuts, restarts and power cuts; then all is
/// healed, and what the servers hold is compared. One thing happens at a time: the next timer fires when nothing moves any more.
/// </summary>
internal sealed class Run : IDisposable
{
    private static readonly TimeSpan _stuckAfter = TimeSpan.FromMinutes(30);

    private static readonly string[] _users = ["alice", "bob"];

    private readonly RunOptions _options;
    private readonly Random _random;
    private readonly VirtualTime _time = new();
    private readonly LossyNetwork _network;
    private readonly List<SimulatedServer> _servers;
    private readonly List<Task> _tasks = [];
    private readonly IncrementalHash _digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly ulong _seed;
    private readonly World _world;
    private int _split;

    public Run(ulong seed, RunOptions options)
    {
        (_seed, _options, _random) = (seed, options, new Random((int)seed));
        _network = new LossyNetwork(seed, Trace);
        List<string> names = [.. Enumerable.Range(0, options.Servers).Select(n => $"s{n}")];
        _servers = [.. names.Select(name => new SimulatedServer(name, _network, [.. names.Where(other => other != name)], _time, Trace))];
        _network.IsJoining = name => _servers.Exists(server => server.Name == name && server.IsJoining);
        _world = new World(_servers, _random, _time);
    }

    public async Task<RunResult> PlayAsync()
    {
        foreach (var (server, n) in _servers.Select((server, n) => (server, n)))
        {
            await FinishAsync(server.StartAsync((_seed * 1000) + ((ulong)n * 100)));
            foreach (var user in _users)
            {
                _world.Add(server, await FinishAsync(server.Running!.RegisterAsync(user)));
            }
        }

        for (var step = 0; step < _options.Steps; step++)
        {
            await PassAsync(TimeSpan.FromMilliseconds(_random.Next(20, 3000)));
            await StepAsync();
        }

        await HealAsync();
        var findings = await CompareAsync();
        foreach (var server in _servers)
        {
            await FinishAsync(server.StopAsync());
        }

        return new RunResult(findings, Convert.ToHexStringLower(_digest.GetCurrentHash())[..16], _world.Accepted.Count, _split);
    }

    public void Dispose() => _digest.Dispose();

    private async Task StepAsync()
    {
        switch (_random.Next(40))
        {
            case 0:
                Cut(_ => true);
                break;
            case 1:
                // One side hears the other, which hears nothing.
                Cut(forth => forth);
                break;
            case 2 or 3:
                Trace("all links are whole");
                _network.MendAll();
                break;
            case 4:
                Restart(Any(), server => server.RestartAsync);
                break;
            case 5:
                // In the middle of something.
                var victim = Any();
                _time.FireNext(_time.Now + TimeSpan.FromSeconds(_random.Next(5)));
                for (var left = 3; left > 0; left--)
                {
                    Start(_world.ActAsync(victim));
                }

                await OneThread.BeginAsync(_random.Next(15));
                var torn = _random.NextDouble();
                Restart(victim, server => meanwhile => server.CrashAsync(torn, meanwhile));
                break;
            case < 14:
                Start(_world.Followers[_random.Next(_world.Followers.Count)].SyncAsync());
                break;
            default:
                // Now and then some things at once, of which nobody has heard of the others.
                for (var left = _random.Next(3) > 0 ? 1 : _random.Next(2, 5); left > 0; left--)
                {
                    Start(_world.ActAsync());
                }

                break;
        }
    }

    /// <summary>Cuts the servers into two groups.</summary>
    /// <param name="direction">Whether what goes from the first to the second is cut (true), and what comes back (false).</param>
    private void Cut(Func<bool, bool> direction)
    {
        var first = _servers.Where(_ => _random.Next(2) == 0).Select(server => server.Name).ToHashSet();
        Trace($"cut: {string.Join(' ', first)}");
        foreach (var (from, to) in _servers.SelectMany(_ => _servers, (one, other) => (one.Name, other.Name)))
        {
            if (first.Contains(from) != first.Contains(to) && direction(first.Contains(from)))
            {
                _network.Cut(from, to);
            }
        }
    }

    private SimulatedServer Any() => _servers[_random.Next(_servers.Count)];

    private void Restart(SimulatedServer server, Func<SimulatedServer, Func<Func<Task>, Task>> how)
    {
        var down = TimeSpan.FromMilliseconds(_random.Next(100, 40_000));
        Trace($"{server.Name} is down for {down}");
        Start(how(server)(() => Task.Delay(down, _time)));
    }

    private async Task HealAsync()
    {
        Trace("all is healed");
        _network.MendAll();
        _network.IsLossy = false;
        await PassAsync(TimeSpan.FromMinutes(1));
        for (var round = 0; round < 3; round++)
        {
            await FinishAsync(_world.SayEverywhereAsync($"healed {round}"));
            await PassAsync(TimeSpan.FromMinutes(1));
        }

        for (var round = 0; round < 2; round++)
        {
            foreach (var follower in _world.Followers)
            {
                await FinishAsync(follower.SyncAsync());
            }
        }

        foreach (var task in _tasks)
        {
            await FinishAsync(task);
        }
    }

    private async Task<List<string>> CompareAsync()
    {
        var findings = new List<string>();
        foreach (var follower in _world.Followers)
        {
            findings.AddRange(await FinishAsync(follower.CompareAsync()));
        }

        // Who has read back by now has had the gaps filled.
        foreach (var room in _world.Rooms)
        {
            await CompareRoomAsync(room, findings);
        }

        findings.AddRange(_world.LostNotes());
        findings.AddRange(_servers.Where(server => server.Running!.Part<Outbox>().Behind > 0).Select(server => $"{server.Name} has something to tell still"));
        foreach (var server in _servers)
        {
            using var snapshot = server.Running!.Part<Database>().OpenSnapshot();
            findings.AddRange(DatabaseCheck.Findings(snapshot).Select(finding => $"{server.Name}: {finding}"));
        }

        return findings;
    }

    private async Task CompareRoomAsync(string room, List<string> findings)
    {
        var states = new Dictionary<string, Dictionary<string, JsonElement>>(StringComparer.Ordinal);
        var insiders = new Dictionary<string, (SimulatedServer Server, TestSession User)>(StringComparer.Ordinal);
        foreach (var server in _servers)
        {
            foreach (var user in server.Users)
            {
                var answer = await FinishAsync(server.AskAsync(user, HttpMethod.Get, $"/_matrix/client/v3/rooms/{room}/state"));
                if (answer is { Status: System.Net.HttpStatusCode.OK }
                    && await FinishAsync(server.AskAsync(user, HttpMethod.Get, "/_matrix/client/v3/joined_rooms")) is { } joined
                    && joined["joined_rooms"].EnumerateArray().Any(id => id.GetString() == room))
                {
                    states[server.Name] = answer.Json.EnumerateArray().ToDictionary(
                        e => $"{e.GetProperty("type")}|{e.GetProperty("state_key")}");
                    insiders[server.Name] = (server, user);
                    break;
                }
            }
        }

        // Resolution can take from a room whoever joined beside a change of its rules: their servers are told nothing of it then, and know nothing of that.
        var parts = PartsOf(states);
        _split += parts.Count - 1;
        foreach (var part in parts)
        {
            await ComparePartAsync(
                room,
                insiders.Where(insider => part.Contains(insider.Key)).ToDictionary(StringComparer.Ordinal),
                states.Where(state => part.Contains(state.Key)).ToDictionary(StringComparer.Ordinal),
                e => part.Contains(e.Server) || (part == parts[0] && !parts.Exists(other => other.Contains(e.Server))),
                findings);
        }
    }

    /// <summary>The servers that have each other in their rooms, those that are most first.</summary>
    private static List<HashSet<string>> PartsOf(Dictionary<string, Dictionary<string, JsonElement>> states)
    {
        var parts = new List<HashSet<string>> { new(StringComparer.Ordinal) };
        foreach (var server in states.Keys)
        {
            var friends = parts.Where(part => part.Any(other => HasMember(states[other], server) && HasMember(states[server], other))).ToList();
            parts.RemoveAll(friends.Contains);
            parts.Add([.. friends.SelectMany(part => part), server]);
        }

        parts.RemoveAll(part => part.Count == 0 && parts.Count > 1);
        return [.. parts.OrderByDescending(part => part.Count)];
    }

    private async Task ComparePartAsync(
        string room,
        Dictionary<string, (SimulatedServer Server, TestSession User)> insiders,
        Dictionary<string, Dictionary<string, JsonElement>> states,
        Func<AcceptedEvent, bool> isOwed,
        List<string> findings)
    {
        // What one server takes and another lets fail softly is in the state of the first alone, and so is what follows from that, until somebody speaks
        // there. In a room that was replaced nobody does.
        var isSplitForGood = states.Values.Any(state => state.ContainsKey("m.room.tombstone|")) && _servers.Exists(server => HiddenBy(server, room).Exists(IsTaken));
        foreach (var (server, state) in states.Skip(1))
        {
            var first = states.First();
            var different = first.Value.Keys.Union(state.Keys).Where(key => IdOf(first.Value, key) != IdOf(state, key)).Order().ToList();
            if (isSplitForGood && different.Count > 0)
            {
                _split++;
                continue;
            }

            findings.AddRange(different.Select(key => $"{room}: {key} is {IdOf(first.Value, key)} on {first.Key}, {IdOf(state, key)} on {server}"));
        }

        if (_world.ReplacedBy(room) is { } replaced)
        {
            findings.AddRange(states.Where(state => Predecessor(state.Value) != replaced).Select(state => $"{room} is not known on {state.Key} to replace {replaced}"));
        }

        await CompareEphemeralAsync(room, insiders, states, findings);
        foreach (var (server, _) in insiders.Values)
        {
            using var snapshot = server.Running!.Part<Database>().OpenSnapshot();
            foreach (var accepted in _world.Accepted.Where(e => e.RoomId == room && isOwed(e) && _world.EnteredAt(server.Name, room) is { } at && e.At > at))
            {
                if ((EventTable.Find(snapshot, accepted.EventId) is not { } stored || stored.Flags.HasFlag(EventFlags.Outlier)) && !FailsSoftly(accepted.EventId))
                {
                    findings.Add($"{room}: {server.Name} does not know {accepted.EventId}, which {accepted.Server} accepted at {accepted.At}");
                }
            }
        }
    }

    /// <summary>Whether some server hides the event: it has none follow it then, and a server that came later hears of it from nobody.</summary>
    private bool FailsSoftly(string eventId) => _servers.Exists(server =>
    {
        using var snapshot = server.Running!.Part<Database>().OpenSnapshot();
        return EventTable.Find(snapshot, eventId)?.Flags.HasFlag(EventFlags.SoftFailed) == true;
    });

    /// <summary>Ids of the events of the room that failed softly on the server.</summary>
    private static List<string> HiddenBy(SimulatedServer server, string room)
    {
        using var snapshot = server.Running!.Part<Database>().OpenSnapshot();
        using var query = snapshot.Prepare("SELECT nid FROM events WHERE room = (SELECT nid FROM rooms WHERE room_id = ?) AND flags & ?")
            .Bind(room).Bind((long)EventFlags.SoftFailed);
        var ids = new List<string>();
        while (query.Step())
        {
            ids.Add(EventTable.Find(snapshot, query.Int64(0))!.EventId);
        }

        return ids;
    }

    /// <summary>Whether some server has the event in its timeline.</summary>
    private bool IsTaken(string eventId) => _servers.Exists(server =>
    {
        using var snapshot = server.Running!.Part<Database>().OpenSnapshot();
        return EventTable.Find(snapshot, eventId)?.Timeline is not null;
    });

    /// <summary>
    /// Nobody types any more, and what the server of a user says that they have read is what all others say that heard of it. One that is started anew
    /// has forgotten the marks at events that had not come to it yet.
    /// </summary>
    private async Task CompareEphemeralAsync(
        string room,
        Dictionary<string, (SimulatedServer Server, TestSession User)> insiders,
        Dictionary<string, Dictionary<string, JsonElement>> states,
        List<string> findings)
    {
        var read = new Dictionary<string, Dictionary<string, string>>(StringComparer.Ordinal);
        var filter = Uri.EscapeDataString(JsonSerializer.Serialize(new { room = new { rooms = new[] { room }, timeline = new { limit = 1 } } }));
        foreach (var (server, user) in insiders.Values)
        {
            if (await FinishAsync(server.AskAsync(user, HttpMethod.Get, $"/_matrix/client/v3/sync?filter={filter}")) is not { Status: System.Net.HttpStatusCode.OK } answer
                || !answer["rooms"].TryGetProperty("join", out var joined) || !joined.TryGetProperty(room, out var entry))
            {
                findings.Add($"{room}: {user.UserId} does not see it, and has joined it");
                continue;
            }

            var events = entry.TryGetProperty("ephemeral", out var ephemeral) ? ephemeral.GetProperty("events").EnumerateArray().ToList() : [];
            read[server.Name] = Marks(events.Where(e => e.GetProperty("type").GetString() == "m.receipt"));
            findings.AddRange(events
                .Where(e => e.GetProperty("type").GetString() == "m.typing" && e.GetProperty("content").GetProperty("user_ids").GetArrayLength() > 0)
                .Select(e => $"{room}: for {server.Name} somebody types still: {e}"));
        }

        foreach (var mark in _world.Read.Where(mark => mark.RoomId == room && read.ContainsKey(mark.Server)
            && _world.EnteredAt(mark.Server, room) < mark.At && IsMember(states[mark.Server], mark.UserId)))
        {
            var own = read[mark.Server].GetValueOrDefault(mark.UserId, "nothing");
            findings.AddRange(read
                .Where(other => mark.Others.Contains(other.Key) && _world.EnteredAt(other.Key, room) < mark.At
                    && insiders[other.Key].Server.StartedAt < mark.At && other.Value.GetValueOrDefault(mark.UserId, "nothing") != own
                    && IsShown(insiders[other.Key].Server, own))
                .Select(other => $"{room}: {mark.UserId} has read up to {own}, but for {other.Key} to {other.Value.GetValueOrDefault(mark.UserId, "nothing")}; said at {mark.At}"));
        }
    }

    /// <summary>Whether the server shows the event to its users: one that was let in nowhere but on the server of the reader can have no mark.</summary>
    private static bool IsShown(SimulatedServer server, string eventId)
    {
        using var snapshot = server.Running!.Part<Database>().OpenSnapshot();
        return EventTable.Find(snapshot, eventId)?.Timeline is not null;
    }

    private static Dictionary<string, string> Marks(IEnumerable<JsonElement> receipts) => receipts
        .SelectMany(receipt => receipt.GetProperty("content").EnumerateObject())
        .SelectMany(e => e.Value.TryGetProperty("m.read", out var users) ? users.EnumerateObject().Select(user => (user.Name, EventId: e.Name)) : [])
        .ToDictionary(mark => mark.Name, mark => mark.EventId, StringComparer.Ordinal);

    private static string? Predecessor(Dictionary<string, JsonElement> state) =>
        state["m.room.create|"].GetProperty("content").TryGetProperty("predecessor", out var predecessor) ? predecessor.GetProperty("room_id").GetString() : null;

    private static bool IsMember(Dictionary<string, JsonElement> state, string userId) =>
        state.TryGetValue($"m.room.member|{userId}", out var member) && member.GetProperty("content").GetProperty("membership").GetString() == "join";

    private static string IdOf(Dictionary<string, JsonElement> state, string key) =>
        state.TryGetValue(key, out var @event) ? @event.GetProperty("event_id").GetString()! : "nothing";

    private static bool HasMember(Dictionary<string, JsonElement> state, string server) => state.Any(entry =>
        entry.Key.StartsWith("m.room.member|", StringComparison.Ordinal) && entry.Key.EndsWith($":{server}", StringComparison.Ordinal)
        && entry.Value.GetProperty("content").GetProperty("membership").GetString() == "join");

    private void Start(Task task)
    {
        _tasks.RemoveAll(static earlier => earlier.IsCompletedSuccessfully);
        _tasks.Add(task);
    }

    /// <summary>Lets so much time pass.</summary>
    private async Task PassAsync(TimeSpan duration)
    {
        var until = _time.Now + duration;
        do
        {
            await OneThread.RestAsync();
        }
        while (_time.FireNext(until));
    }

    private async Task<T> FinishAsync<T>(Task<T> task)
    {
        await FinishAsync((Task)task);
        return await task;
    }

    private async Task FinishAsync(Task task)
    {
        var latest = _time.Now + _stuckAfter;
        await OneThread.RestAsync();
        while (!task.IsCompleted)
        {
            if (!_time.FireNext(latest))
            {
                throw new InvalidOperationException("Nothing moves any more, and what is waited for did not end");
            }

            await OneThread.RestAsync();
        }

        await task;
    }

    private void Trace(string what)
    {
        var line = $"{_time.Now.TotalMilliseconds:F0} {what}";
        _digest.AppendData(Encoding.UTF8.GetBytes(line));
        _options.Trace?.Invoke(line);
    }
}
