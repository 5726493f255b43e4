using System.Text.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;

namespace EdgeMatrix.Simulation;

/// <param name="Server">Where it was accepted.</param>
/// <param name="At">Since the start.</param>
internal sealed record AcceptedEvent(string RoomId, string EventId, string Server, TimeSpan At);

/// <param name="EventId">Up to which they have read.</param>
/// <param name="Server">Of the user.</param>
/// <param name="Others">The servers that it is told to: those that the server knew in the room.</param>
/// <param name="At">Since the start: when the user last said how far they have read.</param>
internal sealed record ReadMark(string UserId, string RoomId, string EventId, string Server, IReadOnlyList<string> Others, TimeSpan At);

/// <summary>What the users of all servers do, and what was promised to them.</summary>
internal sealed class World(IReadOnlyList<SimulatedServer> servers, Random random, VirtualTime time)
{
    // So many are made by themselves, and so many there are with those that take the place of others.
    private const int Made = 4;
    private const int Most = 6;

    private static readonly string[] _versions = ["10", "11", "12", "12"];

    private readonly List<Follower> _followers = [];
    private readonly List<string> _rooms = [];
    private readonly List<AcceptedEvent> _accepted = [];
    private readonly Dictionary<(string Server, string Room), TimeSpan> _entered = [];
    private readonly Dictionary<string, (string To, int Received)> _notes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unsure = [];
    private readonly Dictionary<(string UserId, string Room), ReadMark> _read = [];
    private readonly HashSet<(string UserId, string Room)> _inside = [];
    private readonly Dictionary<string, string> _replaced = new(StringComparer.Ordinal);
    private int _counter;

    /// <summary>A client of each user.</summary>
    public IReadOnlyList<Follower> Followers => _followers;

    public IReadOnlyList<string> Rooms => _rooms;

    /// <summary>Events that a server answered for.</summary>
    public IReadOnlyList<AcceptedEvent> Accepted => _accepted;

    /// <summary>Who has said last how far they have read.</summary>
    public IEnumerable<ReadMark> Read => _read.Values;

    /// <summary>The room whose place a room has taken; null if it has taken none.</summary>
    public string? ReplacedBy(string room) => _replaced.GetValueOrDefault(room);

    /// <summary>When a server last came into a room; null if it never did.</summary>
    public TimeSpan? EnteredAt(string server, string room) => _entered.TryGetValue((server, room), out var at) ? at : null;

    public void Add(SimulatedServer server, TestSession user)
    {
        server.Users.Add(user);
        _followers.Add(new Follower(server, user, Noted));
    }

    /// <summary>Some user does something.</summary>
    public Task ActAsync() => ActAsync(servers[random.Next(servers.Count)]);

    /// <summary>Some user of a server does something.</summary>
    public Task ActAsync(SimulatedServer server)
    {
        var user = server.Users[random.Next(server.Users.Count)];
        if (_rooms.Count == 0 || (_rooms.Count < Made && random.Next(15) == 0))
        {
            return CreateAsync(server, user, _versions[random.Next(_versions.Length)]);
        }

        var room = _rooms[random.Next(_rooms.Count)];
        var other = Someone();
        var number = ++_counter;
        if (!_inside.Contains((user.UserId, room)) && random.Next(4) > 0)
        {
            return JoinAsync(server, user, room);
        }

        return random.Next(36) switch
        {
            < 2 => JoinAsync(server, user, room),
            2 => SendAsync(server, user, room, "leave", new { }),
            3 => SendAsync(server, user, room, "invite", new { user_id = other.UserId }),
            4 => SendAsync(server, user, room, "kick", new { user_id = other.UserId }),
            5 => SendAsync(server, user, room, "ban", new { user_id = other.UserId }),
            6 => SendAsync(server, user, room, "unban", new { user_id = other.UserId }),
            7 or 8 => StateAsync(server, user, room, "m.room.topic", new { topic = $"topic {number}" }),
            9 => StateAsync(server, user, room, "m.room.name", new { name = $"name {number}" }),
            10 => StateAsync(server, user, room, "m.room.join_rules", new { join_rule = random.Next(3) == 0 ? "invite" : "public", number }),
            11 or 12 => PowerAsync(server, user, room, other.UserId, random.Next(3) * 50),
            13 or 14 => RedactAsync(server, user, room),
            15 => NoteAsync(server, user, other, $"note{number}"),
            16 when _rooms.Count < Most => UpgradeAsync(server, user, room),
            17 => server.AskAsync(
                user, HttpMethod.Put, $"/_matrix/client/v3/rooms/{room}/typing/{user.UserId}", new { typing = random.Next(4) > 0, timeout = 30_000 }),
            < 22 => ReadAsync(server, user, room),
            _ => SayAsync(server, user, room, $"message {number}"),
        };
    }

    /// <summary>Whoever is in a room says something there, so that all hear what there is.</summary>
    public async Task SayEverywhereAsync(string what)
    {
        foreach (var room in _rooms)
        {
            foreach (var server in servers)
            {
                foreach (var user in server.Users)
                {
                    if (await SayAsync(server, user, room, what))
                    {
                        break;
                    }
                }
            }
        }
    }

    private void Noted(string userId, JsonElement content)
    {
        var text = content.GetProperty("text").GetString()!;
        if (_unsure.Contains(text))
        {
            return;
        }

        var (to, received) = _notes.GetValueOrDefault(text, ("nobody", 0));
        _notes[text] = (to, received + (to == userId ? 1 : 100));
    }

    /// <summary>The to-device messages that did not come exactly once.</summary>
    public IEnumerable<string> LostNotes() =>
        _notes.Where(note => note.Value.Received != 1).Select(note => $"{note.Key} to {note.Value.To} came {note.Value.Received} times");

    private TestSession Someone()
    {
        var server = servers[random.Next(servers.Count)];
        return server.Users[random.Next(server.Users.Count)];
    }

    private async Task CreateAsync(SimulatedServer server, TestSession user, string version)
    {
        var answer = await server.AskAsync(user, HttpMethod.Post, "/_matrix/client/v3/createRoom", new { preset = "public_chat", room_version = version });
        if (answer is { Status: System.Net.HttpStatusCode.OK })
        {
            _entered[(server.Name, answer["room_id"].GetString()!)] = time.Now;
            _rooms.Add(answer["room_id"].GetString()!);
            _inside.Add((user.UserId, _rooms[^1]));
        }
    }

    private async Task JoinAsync(SimulatedServer server, TestSession user, string room)
    {
        // Whoever knows the room may be asked to let them in.
        var via = string.Join('&', servers.Select(other => $"server_name={other.Name}"));
        var enters = server.Running?.Part<RoomEngine>().Find(room) is not { } known || known.LocalMembers().IsEmpty;
        if (enters)
        {
            // Until it is in, nothing is owed to it.
            _entered.Remove((server.Name, room));
            Entered();
        }

        var answer = await server.JoinAsync(user, $"/_matrix/client/v3/join/{room}?{via}");
        if (answer is { Status: System.Net.HttpStatusCode.OK })
        {
            _inside.Add((user.UserId, room));
        }

        if (enters && answer is { Status: System.Net.HttpStatusCode.OK })
        {
            _entered[(server.Name, room)] = time.Now;
            Entered();
        }

        void Entered()
        {
            foreach (var follower in _followers.Where(follower => follower.Server == server))
            {
                follower.Entered.Add(room);
            }
        }
    }

    private static async Task SendAsync(SimulatedServer server, TestSession user, string room, string action, object body) =>
        await server.AskAsync(user, HttpMethod.Post, $"/_matrix/client/v3/rooms/{room}/{action}", body);

    private async Task<bool> SayAsync(SimulatedServer server, TestSession user, string room, string text) => await PutAsync(
        server, user, room, $"send/m.room.message/t{++_counter}", new { msgtype = "m.text", body = text });

    private Task<bool> StateAsync(SimulatedServer server, TestSession user, string room, string type, object content) =>
        PutAsync(server, user, room, $"state/{type}", content);

    private async Task PowerAsync(SimulatedServer server, TestSession user, string room, string other, int power)
    {
        var now = await server.AskAsync(user, HttpMethod.Get, $"/_matrix/client/v3/rooms/{room}/state/m.room.power_levels");
        if (now is { Status: System.Net.HttpStatusCode.OK })
        {
            var levels = now.Json.EnumerateObject().ToDictionary(level => level.Name, level => (object)level.Value);
            var users = now.Json.TryGetProperty("users", out var given) ? given.EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetInt64()) : [];
            users[other] = power;
            levels["users"] = users;
            levels["number"] = ++_counter;
            await StateAsync(server, user, room, "m.room.power_levels", levels);
        }
    }

    private async Task RedactAsync(SimulatedServer server, TestSession user, string room)
    {
        if (_accepted.Where(e => e.RoomId == room).Select(e => e.EventId).ToList() is { Count: > 0 } events)
        {
            await PutAsync(server, user, room, $"redact/{events[random.Next(events.Count)]}/t{++_counter}", new { });
        }
    }

    private async Task UpgradeAsync(SimulatedServer server, TestSession user, string room)
    {
        var version = _versions[random.Next(_versions.Length)];
        var answer = await server.AskAsync(user, HttpMethod.Post, $"/_matrix/client/v3/rooms/{room}/upgrade", new { new_version = version });
        if (answer is not { Status: System.Net.HttpStatusCode.OK })
        {
            return;
        }

        var replacement = answer["replacement_room"].GetString()!;
        _replaced[replacement] = room;
        _entered[(server.Name, replacement)] = time.Now;
        _rooms.Add(replacement);
        _inside.Add((user.UserId, replacement));
        if (await server.AskAsync(user, HttpMethod.Get, $"/_matrix/client/v3/rooms/{room}/state/m.room.tombstone?format=event") is
            { Status: System.Net.HttpStatusCode.OK } tombstone && tombstone["content"].GetProperty("replacement_room").GetString() == replacement)
        {
            _accepted.Add(new AcceptedEvent(room, tombstone["event_id"].GetString()!, server.Name, time.Now));
        }
    }

    private async Task ReadAsync(SimulatedServer server, TestSession user, string room)
    {
        if (_followers.Find(follower => follower.User == user)?.Newest(room) is { } newest
            && await server.AskAsync(user, HttpMethod.Post, $"/_matrix/client/v3/rooms/{room}/receipt/m.read/{newest}", new { }) is { Status: System.Net.HttpStatusCode.OK })
        {
            // Who says once more what they said before tells nobody anything.
            if (_read.TryGetValue((user.UserId, room), out var before) && before.EventId == newest)
            {
                return;
            }

            using var snapshot = server.Running!.Part<Database>().OpenSnapshot();
            var others = RoomServerTable.InRoom(snapshot, RoomTable.Find(snapshot, room)!.Nid);
            _read[(user.UserId, room)] = new ReadMark(user.UserId, room, newest, server.Name, others, time.Now);
        }
    }

    private async Task NoteAsync(SimulatedServer server, TestSession user, TestSession to, string text)
    {
        var body = new { messages = new Dictionary<string, object> { [to.UserId] = new Dictionary<string, object> { [to.DeviceId] = new { text } } } };

        _notes[text] = (to.UserId, 0);
        if (await server.AskAsync(user, HttpMethod.Put, $"/_matrix/client/v3/sendToDevice/org.edgematrix.note/{text}", body) is not { Status: System.Net.HttpStatusCode.OK })
        {
            // Whether it will come is not known without an answer.
            _notes.Remove(text);
            _unsure.Add(text);
        }
    }

    private async Task<bool> PutAsync(SimulatedServer server, TestSession user, string room, string path, object content)
    {
        var answer = await server.AskAsync(user, HttpMethod.Put, $"/_matrix/client/v3/rooms/{room}/{path}", content);
        if (answer is not { Status: System.Net.HttpStatusCode.OK })
        {
            if (answer is { Status: System.Net.HttpStatusCode.Forbidden })
            {
                // Perhaps they are not in it any more, and come back.
                _inside.Remove((user.UserId, room));
            }

            return false;
        }

        _accepted.Add(new AcceptedEvent(room, answer["event_id"].GetString()!, server.Name, time.Now));
        return true;
    }
}
