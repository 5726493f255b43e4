using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeMatrix.CommandLine;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Inspection;

/// <summary><c>tardis</c>, driven by a client that behaves as TARDIS does.</summary>
public sealed class TardisTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _stop = new();
    private Task<int> _shim = Task.FromResult(0);
    private Uri _address = null!;

    public static TheoryData<string> Fixtures =>
    [
        .. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Inspection", "Fixtures"), "*.json")
            .Select(static file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal),
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var output = new LineSignal("ready listen=");
        _shim = TardisCommand.RunAsync("127.0.0.1:0", new Terminal(() => null, output, TextWriter.Null), _stop.Token);
        _address = new Uri(await output.Line);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Assert.Equal(0, await _shim);
        _stop.Dispose();
    }

    [Theory]
    [InlineData("10")]
    [InlineData("11")]
    [InlineData("12")]
    public async Task Stepping_through_a_room_of_a_running_server_gives_its_state_after_every_event(string version)
    {
        await using var server = await TestHomeserver.StartAsync();
        var room = await MakeRoomAsync(server, version);
        var events = TardisClient.Load(Export(server, room));

        using var tardis = new TardisClient(_address, events, roomVersion: "10");
        await tardis.StepThroughAsync(Cancellation);

        Assert.Empty(tardis.Errors);
        var state = new Dictionary<string, string>();
        foreach (var e in events)
        {
            if (e["state_key"] is { } stateKey)
            {
                state[$"[\"{e["type"]}\",\"{stateKey}\"]"] = (string)e["event_id"]!;
            }

            Assert.Equal(state, tardis.StateAtEvent[(string)e["event_id"]!]);
        }

        Assert.Equal(tardis.Asked.Distinct(), tardis.Asked);
    }

    [Theory]
    [MemberData(nameof(Fixtures))]
    public async Task Where_forks_merge_the_state_is_the_one_that_other_servers_find(string name)
    {
        var fixture = ForkedFixture.Read(name);

        using var tardis = new TardisClient(_address, fixture.Events, fixture.RoomVersion);
        foreach (var (eventId, state) in fixture.GivenStates)
        {
            tardis.StateAtEvent[eventId] = fixture.Events.Where(e => state.Contains((string)e["event_id"]!))
                .ToDictionary(static e => $"[\"{e["type"]}\",\"{e["state_key"]}\"]", static e => (string)e["event_id"]!);
        }

        await tardis.StepThroughAsync(Cancellation);

        Assert.Empty(tardis.Errors);
        Assert.Equal(fixture.Resolved, tardis.StateAtEvent[ForkedFixture.Merge].Values.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Forks_that_come_to_a_room_of_a_running_server_are_resolved_with_it()
    {
        await using var server = await TestHomeserver.StartAsync();
        var room = await MakeRoomAsync(server, "12");
        var events = TardisClient.Load(Export(server, room));
        var last = (string)events[^1]["event_id"]!;

        // Two who have the power to, on two sides of a netsplit; then somebody sees both.
        var early = Fork(events, [last], 5_000, "m.room.topic", "", "@alice:test", """{"topic":"early"}""");
        var late = Fork(events, [last], 6_000, "m.room.topic", "", "@bob:test", """{"topic":"late"}""");
        var power = Fork(events, [early], 7_000, "m.room.power_levels", "", "@alice:test", """{"users":{"@bob:test":0}}""");
        var merge = Fork(events, [late, power], 8_000, "m.room.message", null, "@alice:test", """{"body":"both","msgtype":"m.text"}""");

        using var tardis = new TardisClient(_address, events, roomVersion: "12");
        await tardis.StepThroughAsync(Cancellation);

        Assert.Empty(tardis.Errors);
        Assert.Equal(late, tardis.StateAtEvent[late]["""["m.room.topic",""]"""]);
        Assert.Equal(early, tardis.StateAtEvent[power]["""["m.room.topic",""]"""]);

        // Bob lost the power to set the topic, on the other side: his is refused where they meet.
        Assert.Equal(early, tardis.StateAtEvent[merge]["""["m.room.topic",""]"""]);
        Assert.Equal(power, tardis.StateAtEvent[merge]["""["m.room.power_levels",""]"""]);
    }

    [Fact]
    public async Task An_event_that_is_not_allowed_is_told_with_its_rule_and_changes_nothing()
    {
        var fixture = ForkedFixture.Read("minimal-public-chat");
        var topic = fixture.Events[^2].DeepClone().AsObject();
        topic["event_id"] = "$mallory";
        topic["type"] = "m.room.topic";
        topic["state_key"] = "";
        topic["sender"] = "@mallory:example.com";
        topic["content"] = new JsonObject { ["topic"] = "mine" };
        topic["auth_events"] = new JsonArray("$00-m-room-create", "$00-m-room-power_levels");

        using var tardis = new TardisClient(_address, [.. fixture.Events, topic], fixture.RoomVersion);
        await tardis.StepThroughAsync(Cancellation);

        Assert.Equal("by its auth events: the sender is not joined to the room", tardis.Errors["$mallory"]);
        Assert.DoesNotContain("$mallory", tardis.StateAtEvent["$mallory"].Values);
        Assert.NotEmpty(tardis.StateAtEvent["$mallory"]);
    }

    [Theory]
    [InlineData("nonsense", "that is no message: {type, id, data} is expected")]
    [InlineData("[[[[", "that is no message: {type, id, data} is expected")]
    [InlineData("""{"type":"resolve_state","id":7,"data":{}}""", "that is no message: {type, id, data} is expected")]
    [InlineData("""{"type":"dance","id":"a","data":{}}""", "there is no message of type dance")]
    [InlineData("""{"type":"resolve_state","id":"a","data":{}}""", "data.state is not an array of at most 64 states")]
    [InlineData("""{"type":"resolve_state","id":"a","data":{"state":[]}}""", "data.event is not an event")]
    [InlineData("""{"type":"resolve_state","id":"a","data":{"state":[7],"room_version":"10","event":{}}}""", "data.state holds something that is not a state")]
    [InlineData("""{"type":"resolve_state","id":"a","data":{"state":[{"x":"$a"}],"room_version":"10","event":{}}}""", "x is not a type and a state key")]
    [InlineData("""{"type":"resolve_state","id":"a","data":{"state":[],"room_version":"10","event":{}}}""", "an event has no event_id")]
    [InlineData(
        """{"type":"resolve_state","id":"a","data":{"state":[],"room_version":"ten","event":{"event_id":"$a"}}}""",
        "this EdgeMatrix does not know the room version ten")]
    [InlineData(
        """{"type":"resolve_state","id":"a","data":{"state":[],"room_version":"10","event":{"event_id":"$a","sender":"me"}}}""",
        "$a has no sender that is a user id")]
    [InlineData(
        """{"type":"resolve_state","id":"a","data":{"state":[],"room_version":"10","event":{"event_id":"$a","sender":"@a:b","type":"t","content":{},"room_id":"!r:b","auth_events":[null]}}}""",
        "$a cites something that is not an event id")]
    [InlineData(
        """{"type":"resolve_state","id":"a","data":{"state":[],"room_version":"10","event":{"event_id":"$a","sender":"@a:b","type":"t","content":{},"room_id":"!r:b","prev_events":7}}}""",
        "$a has prev_events or auth_events that are no list")]
    [InlineData(
        """{"type":"resolve_state","id":"a","data":{"state":[],"room_version":"10","event":{"event_id":"$a","sender":"@a:b","type":"t","content":{}}}}""",
        "$a has no room_id")]
    public async Task A_message_that_cannot_be_answered_is_answered_with_what_is_wrong(string message, string problem)
    {
        using var tardis = new TardisClient(_address, [], "10");
        await tardis.ConnectAsync(Cancellation);

        await tardis.SendAsync(message, Cancellation);
        var answer = await tardis.ReceiveAsync(Cancellation);

        Assert.Equal(problem, (string)answer!["error"]!);
        Assert.Equal(problem, (string)answer["data"]!["error"]!);
        Assert.Empty(answer["data"]!["result"]!.AsObject());

        // And the next is answered as ever.
        var fixture = ForkedFixture.Read("minimal-public-chat");
        using var other = new TardisClient(_address, fixture.Events, fixture.RoomVersion);
        await other.StepThroughAsync(Cancellation);
        Assert.NotEmpty(other.StateAtEvent[ForkedFixture.Merge]);
    }

    [Fact]
    public async Task Events_that_TARDIS_does_not_have_are_as_if_no_state_had_them()
    {
        var fixture = ForkedFixture.Read("ban-vs-power-levels");
        var lost = fixture.Events.Single(static e => (string)e["event_id"]! == "$00-m-room-member-ban-bob");

        using var tardis = new TardisClient(_address, [.. fixture.Events.Where(e => e != lost)], fixture.RoomVersion);
        tardis.StateAtEvent["$00-m-room-member-ban-bob"] = new() { ["""["m.room.member","@bob:example.com"]"""] = "$00-m-room-member-ban-bob" };
        await tardis.StepThroughAsync(Cancellation);

        Assert.DoesNotContain("$00-m-room-member-ban-bob", tardis.StateAtEvent[ForkedFixture.Merge].Values);
    }

    [Fact]
    public async Task Only_so_many_states_are_resolved_at_once()
    {
        var fixture = ForkedFixture.Read("minimal-public-chat");
        using var tardis = new TardisClient(_address, [], fixture.RoomVersion);
        await tardis.ConnectAsync(Cancellation);
        var state = new JsonArray(new JsonObject { ["""["m.room.create",""]"""] = "$00-m-room-create" });
        for (var i = 0; i < 9; i++)
        {
            var data = new JsonObject { ["state"] = state.DeepClone(), ["room_version"] = "10", ["event"] = fixture.Events[^1].DeepClone() };
            await tardis.SendAsync(new JsonObject { ["id"] = $"r{i}", ["type"] = "resolve_state", ["data"] = data }, Cancellation);
        }

        // The first eight wait for the create event, which nobody gives them.
        JsonObject? answer;
        do
        {
            answer = await tardis.ReceiveAsync(Cancellation);
        }
        while ((string)answer!["type"]! == "get_event");

        Assert.Equal(("r8", "more than 8 states are being resolved"), ((string)answer["id"]!, (string)answer["error"]!));
    }

    [Fact]
    public async Task A_browser_that_opens_the_address_is_told_what_it_is()
    {
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri($"http://{_address.Authority}/"), Cancellation);

        Assert.Equal(426, (int)answer.StatusCode);
        Assert.Contains("TARDIS", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    private static async Task<string> MakeRoomAsync(TestHomeserver server, string version)
    {
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var room = await alice.CreateRoomAsync($$$"""
            {"preset":"public_chat","room_version":"{{{version}}}","topic":"Grüße \"🎈\"","power_level_content_override":{"users":{{{(version == "12" ? "{\"@bob:test\":50}" : "{\"@alice:test\":100,\"@bob:test\":50}")}}}}}
            """);
        await bob.PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        await bob.SendTextAsync(room, "hello", "t1");
        await bob.PutAsync($"/_matrix/client/v3/rooms/{room}/state/m.room.topic", """{"topic":"second"}""");
        await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/state/m.room.name", """{"name":"den"}""");
        await alice.SendTextAsync(room, "bye", "t2");
        return room;
    }

    private static string[] Export(TestHomeserver server, string room)
    {
        using var error = new StringWriter();
        var (code, lines) = RoomCommandLine.Run(server.DataFolder, error, "room", "export", room, "--ndjson");
        Assert.Equal((0, ""), (code, error.ToString()));
        return lines;
    }

    // An event as another server would build it on these parents: signed, hashed, with the auth events of the state that it saw.
    private static string Fork(
        List<JsonObject> events, string[] parents, long ts, string type, string? stateKey, string sender, string content)
    {
        using var key = SigningKey.FromSeed("fork", new byte[SigningKey.SeedBytes]);
        var depth = events.Where(e => parents.Contains((string)e["event_id"]!)).Max(static e => (long)e["depth"]!) + 1;
        string[] auth =
        [
            (string)events.Last(e => (string)e["type"]! == EventTypes.PowerLevels && Sees(parents, e))["event_id"]!,
            (string)events.Last(e => (string)e["type"]! == EventTypes.Member && (string)e["state_key"]! == sender)["event_id"]!,
        ];
        var draft = new EventDraft(type, stateKey, sender, JsonElement.Parse(content));
        var links = new EventLinks([.. parents.Select(static id => new EventReference(id, null))], [.. auth.Select(static id => new EventReference(id, null))], depth);
        var roomId = (string)events[^1]["room_id"]!;
        var built = EventBuilder.Build(draft, RoomVersions.V12, roomId, links, 1_790_000_000_000 + ts, key, "test").Event!;
        var json = JsonNode.Parse(built.Json.Span)!.AsObject();
        json["event_id"] = built.EventId;
        events.Add(json);
        return built.EventId;

        bool Sees(string[] from, JsonObject wanted) =>
            from.Contains((string)wanted["event_id"]!) || from.Length > 0 && Sees(
                [.. events.Where(e => from.Contains((string)e["event_id"]!)).SelectMany(static e => e["prev_events"]!.AsArray()).Select(static p => (string)p!)],
                wanted);
    }

    /// <summary>Gives what follows a prefix, on the line that begins with it.</summary>
    private sealed class LineSignal(string prefix) : StringWriter
    {
        private readonly TaskCompletionSource<string> _line = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Line => _line.Task;

        public override void WriteLine(string? value)
        {
            if (value?.StartsWith(prefix, StringComparison.Ordinal) == true)
            {
                _line.TrySetResult(value[prefix.Length..]);
            }
        }
    }
}
