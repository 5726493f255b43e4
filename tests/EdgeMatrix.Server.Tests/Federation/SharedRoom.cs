using System.Text;
using System.Text.Json;
using EdgeMatrix.Configuration;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Federation.Sending;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>
/// A room of Alice on <c>one</c>, which others are in from servers of their own. Nothing is sent between the servers but what a test sends, and what
/// one asks of another.
/// </summary>
internal sealed class SharedRoom : IAsyncDisposable
{
    private readonly Dictionary<string, TestHomeserver> _servers = [];
    private readonly Dictionary<string, TestSession> _users = [];
    private int _sent;

    private SharedRoom()
    {
    }

    public TestNetwork Network { get; } = new();

    public string Id { get; private set; } = "";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public TestHomeserver this[string name] => _servers[name];

    /// <param name="members">Names of servers besides <c>one</c>; on each there is one user, who joins in turn.</param>
    public static async Task<SharedRoom> StartAsync(params string[] members) => await StartAsync(null, members);

    /// <param name="createRoom">Body of the request that makes the room.</param>
    /// <inheritdoc cref="StartAsync(string[])"/>
    public static async Task<SharedRoom> StartAsync(string? createRoom, string[] members)
    {
        var shared = new SharedRoom();
        await shared.AddServerAsync("one");
        shared.Id = await (createRoom is null ? shared.UserOf("one").CreateRoomAsync() : shared.UserOf("one").CreateRoomAsync(createRoom));
        foreach (var member in members)
        {
            await shared.AddServerAsync(member);
            await shared.JoinAsync("one", member);
        }

        return shared;
    }

    public TestSession UserOf(string server) => _users[server];

    public Room At(string server) => this[server].Part<RoomEngine>().Find(Id)!;

    public async Task AddServerAsync(string name)
    {
        _servers[name] = await TestHomeserver.StartAsync(
            options => options with { Admin = options.Admin with { Token = "scrape" } }, name: name, seed: (ulong)_servers.Count + 1, network: Network);

        // What servers are told here, the test tells them.
        this[name].Part<Outbox>().Stop();
        _users[name] = await this[name].RegisterAsync(name == "one" ? "alice" : "user");
    }

    public async Task RestartAsync(string name)
    {
        _servers[name] = await this[name].RestartAsync();
        this[name].Part<Outbox>().Stop();
        _users[name] = _users[name] with { Server = this[name] };
    }

    /// <summary>Has the user of a server join by what another server has of the room; the others hear nothing of it.</summary>
    public async Task<Pdu> JoinAsync(string resident, string joining)
    {
        var (engine, room) = (this[resident].Part<RoomEngine>(), At(resident));
        var state = new List<Pdu>();
        var others = new List<Pdu>();
        using (var snapshot = this[resident].Part<Database>().OpenSnapshot())
        {
            RoomStateReader.ForEach(snapshot, RoomTable.Find(snapshot, room.Nid)!.State, stored => state.Add(stored.Parse(room.Version)));
            others.AddRange(EventTable.Forward(snapshot, room.Nid, long.MinValue, long.MaxValue, 10_000)
                .Where(stored => stored.IsState).Select(stored => stored.Parse(room.Version)));
        }

        var user = UserOf(joining).UserId;
        var join = await BuildAsync(resident, joining, new EventDraft("m.room.member", user, user, JsonContent.Of("membership", "join")));
        Assert.Equal(ReceiptOutcome.Accepted, Assert.Single(await engine.ReceiveAsync(room, [join], Cancelled)).Outcome);
        var entered = await this[joining].Part<RoomEngine>().EnterAsync(join, [.. state.Select(Sent)], [.. others.Select(Sent)], servers: null);
        Assert.Null(entered.Refusal);
        return join;
    }

    /// <summary>An event of a user of one server, built on where the room stands on another; nobody has it.</summary>
    public async Task<Pdu> BuildAsync(string resident, string sending, EventDraft draft)
    {
        var (links, refusal) = await this[resident].Part<RoomEngine>().LinksAsync(At(resident), draft, Cancelled);
        Assert.Null(refusal);
        return Build(resident, sending, draft, links!);
    }

    public Pdu Build(string resident, string sending, EventDraft draft, EventLinks links)
    {
        var (room, server) = (At(resident), this[sending].Part<LocalServer>());
        var now = this[sending].Time.GetUtcNow().ToUnixTimeMilliseconds();
        return EventBuilder.Build(draft, room.Version, room.Id, links, now, server.Key, server.Name).Event!;
    }

    /// <summary>Has the user of a server say something.</summary>
    public Task<string> SayAsync(string server, string text) => UserOf(server).SendTextAsync(Id, text, $"m{_sent++}");

    public async Task<string> SetTopicAsync(string server, string topic) => (await UserOf(server).PutAsync(
        $"/_matrix/client/v3/rooms/{Id}/state/m.room.topic", $$"""{"topic":"{{topic}}"}"""))["event_id"].GetString()!;

    public Pdu Event(string server, string eventId)
    {
        using var snapshot = this[server].Part<Database>().OpenSnapshot();
        return EventTable.Find(snapshot, eventId)!.Parse(At(server).Version);
    }

    /// <summary>Sends events of one server to another, in one transaction.</summary>
    /// <returns>By the id of each, its error; null if it has none.</returns>
    public async Task<Dictionary<string, string?>> TellAsync(string from, string to, params string[] eventIds) =>
        await TellAsync(from, to, [.. eventIds.Select(id => Event(from, id))]);

    public async Task<Dictionary<string, string?>> TellAsync(string from, string to, params Pdu[] events)
    {
        var answer = await SendAsync(from, to, $"t{_sent++}", $$"""{"pdus":[{{string.Join(",", events.Select(Text))}}]}""");
        Assert.Equal(200, (int)answer.Status);
        return answer["pdus"].EnumerateObject().ToDictionary(
            result => result.Name, result => result.Value.TryGetProperty("error", out var error) ? error.GetString() : null);
    }

    /// <summary>Sends a transaction, whatever the link between the servers.</summary>
    public async Task<TestAnswer> SendAsync(string from, string to, string transactionId, string body)
    {
        var target = $"/_matrix/federation/v1/send/{transactionId}";
        using var request = new HttpRequestMessage(HttpMethod.Put, target);
        request.Headers.TryAddWithoutValidation(
            "Authorization",
            RequestAuthorization.Sign(from, to, "PUT", target, JsonElement.Parse(body), this[from].Part<LocalServer>().Key));
        request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        using var response = await this[to].Http.SendAsync(request, Cancelled);
        return new TestAnswer(response.StatusCode, await response.Content.ReadAsStringAsync(Cancelled), new Dictionary<string, string>());
    }

    /// <summary>Ends when a server fetches nothing any more, but for what it tries again later.</summary>
    public Task HealedAsync(string server) => this[server].Part<RoomHealing>().IdleAsync();

    /// <summary>What is said in the timeline of a server, the oldest first.</summary>
    public List<string> Texts(string server)
    {
        var room = At(server);
        using var snapshot = this[server].Part<Database>().OpenSnapshot();
        return
        [
            .. EventTable.Forward(snapshot, room.Nid, long.MinValue, long.MaxValue, 10_000).Select(stored => stored.Parse(room.Version))
                .Where(pdu => pdu.Type == "m.room.message").Select(pdu => JsonContent.Text(pdu.Content, "body") ?? ""),
        ];
    }

    /// <summary>Of each key of the room's current state, the id of the event.</summary>
    public SortedDictionary<string, string> State(string server)
    {
        var (room, state) = (At(server), new SortedDictionary<string, string>(StringComparer.Ordinal));
        using var snapshot = this[server].Part<Database>().OpenSnapshot();
        RoomStateReader.ForEach(snapshot, RoomTable.Find(snapshot, room.Nid)!.State, stored =>
        {
            var pdu = stored.Parse(room.Version);
            state[$"{pdu.Type} {pdu.StateKey}"] = pdu.EventId;
        });
        return state;
    }

    public long Waiting(string server)
    {
        using var snapshot = this[server].Part<Database>().OpenSnapshot();
        return WaitingEventTable.Count(snapshot);
    }

    public int Extremities(string server)
    {
        using var snapshot = this[server].Part<Database>().OpenSnapshot();
        return RoomTable.Find(snapshot, At(server).Nid)!.Extremities.Length;
    }

    /// <summary>Asserts that the databases are sound.</summary>
    public void AssertSound()
    {
        foreach (var server in _servers.Values)
        {
            using var snapshot = server.Part<Database>().OpenSnapshot();
            Assert.Equal([], DatabaseCheck.Findings(snapshot));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers.Values)
        {
            await server.DisposeAsync();
        }
    }

    public static string Text(Pdu pdu) => Encoding.UTF8.GetString(pdu.Json.Span);

    private static Pdu Sent(Pdu pdu) => Pdu.Parse(pdu.Json, pdu.Version).Event!;
}
