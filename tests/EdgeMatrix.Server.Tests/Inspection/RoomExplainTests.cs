using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Inspection;

/// <summary><c>room explain</c>: what it tells of rooms whose outcome is known.</summary>
public sealed class RoomExplainTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("edgematrix-test-").FullName;
    private readonly StringWriter _error = new();

    public void Dispose()
    {
        _error.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task An_event_of_a_running_server_changes_what_its_one_prev_event_left()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync("""{"preset":"public_chat","topic":"first"}""");
        await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/state/m.room.topic", """{"topic":"second"}""");
        var topic = (await alice.GetAsync($"/_matrix/client/v3/rooms/{room}/state"))
            .Json.EnumerateArray().Single(static e => e.GetProperty("type").GetString() == "m.room.topic").GetProperty("event_id").GetString();

        var (code, lines) = RoomCommandLine.Run(server.DataFolder, _error, "room", "explain", room);

        Assert.Equal((0, ""), (code, _error.ToString()));
        Assert.Equal($"Event {topic}", lines[0]);
        Assert.Contains("  is the state after its one prev event, 7 entries:", lines);
        Assert.Contains("  by its auth events: allowed", lines);
        Assert.Contains("  by the state before it: allowed", lines);
        Assert.Contains("  has it at m.room.topic, where before it was:", lines);
    }

    [Fact]
    public void A_reset_of_the_state_shows_the_rule_that_took_the_join_rules_away()
    {
        var lines = Explain("msc4297-problem-a-v11");

        Assert.Contains("State resolution v2", lines);
        Inside(
            lines,
            "    $01-m-room-join_rules m.room.join_rules, by @alice:example.com",
            "      sender's level 100, 1970-01-01 00:00:00.006Z: REFUSED: the sender is not joined to the room");
        Inside(
            lines,
            "    m.room.join_rules",
            "      won none",
            "      lost $01-m-room-join_rules m.room.join_rules, by @alice:example.com",
            "          refused: the sender is not joined to the room");
    }

    [Fact]
    public void Version_12_replays_the_subgraph_from_nothing_and_keeps_them()
    {
        var lines = Explain("msc4297-problem-a-v12");

        Assert.Contains("State resolution v2.1", lines);
        Assert.Contains("  conflicted state subgraph: 6", lines);
        Inside(
            lines,
            "    m.room.join_rules",
            "      won $01-m-room-join_rules m.room.join_rules, by @alice:example.com",
            "      lost $00-m-room-join_rules m.room.join_rules, by @alice:example.com",
            "          allowed, then $01-m-room-join_rules was allowed after it and took its place");
    }

    [Fact]
    public void Power_levels_that_go_back_are_traced_to_the_order_and_the_rule()
    {
        Inside(
            Explain("msc4297-problem-b-v11"),
            "    m.room.power_levels",
            "      won $00-m-room-power_levels m.room.power_levels, by @alice:example.com",
            "      lost $02-m-room-power_levels m.room.power_levels, by @bob:example.com",
            "          refused: the sender's power level is below the one required for m.room.power_levels");
        Inside(
            Explain("msc4297-problem-b-v12"),
            "    m.room.power_levels",
            "      won $02-m-room-power_levels m.room.power_levels, by @bob:example.com");
    }

    [Fact]
    public void An_event_that_the_rest_of_the_room_would_refuse_is_said_to_soft_fail()
    {
        var fixture = ForkedFixture.Read("ban-vs-power-levels");
        var path = Write("room.ndjson", string.Join('\n', fixture.Events.SkipLast(1).Select(static e => e.ToJsonString())));

        // Bob changes the power levels on one side, while Alice bans him on the other.
        var (code, lines) = RoomCommandLine.Run(_folder, _error, "room", "explain", "--file", path, "$02-m-room-power_levels");

        Assert.Equal((0, ""), (code, _error.ToString()));
        Assert.Contains("  by the state before it: allowed", lines);
        Assert.Contains(
            "  by the current state of the rest of the room (soft failure): REFUSED, the sender is not joined to the room", lines);
    }

    [Fact]
    public void A_room_version_1_is_explained_by_its_own_algorithm()
    {
        var fixture = ForkedFixture.Read("topic-vs-power-levels");
        var path = Write("room.ndjson", string.Join('\n', fixture.Events.Select(static e => e.ToJsonString())));

        var (code, lines) = RoomCommandLine.Run(_folder, _error, "room", "explain", "--file", path, "--room-version", "1");

        Assert.Equal((0, ""), (code, _error.ToString()));
        Assert.Contains("State resolution v1", lines);
    }

    [Fact]
    public void A_room_that_begins_in_the_middle_is_told_to_be_a_guess()
    {
        var fixture = ForkedFixture.Read("minimal-public-chat");
        var path = Write("room.ndjson", string.Join('\n', fixture.Events.Skip(3).Select(static e => e.ToJsonString())));

        var (code, lines) = RoomCommandLine.Run(
            _folder, _error, "room", "explain", "--file", path, "--room-version", "10", "$00-m-room-join_rules");

        Assert.Equal((0, ""), (code, _error.ToString()));
        Assert.Contains(lines, static line => line.StartsWith("  its prev event $00-m-room-power_levels is not here", StringComparison.Ordinal));
        Assert.Contains("  by its auth events: REFUSED, the auth event $00-m-room-create is missing", lines);
    }

    [Fact]
    public void Control_characters_of_others_do_not_reach_the_terminal()
    {
        var path = Write("room.ndjson", """
            {"event_id":"$c","type":"m.room.create\u001b[2J","state_key":"","room_id":"!r:test","sender":"@a:test","content":{},"prev_events":[],"auth_events":[],"origin_server_ts":1}
            """);

        var (code, lines) = RoomCommandLine.Run(_folder, _error, "room", "explain", "--file", path, "--room-version", "11");

        Assert.Equal((0, ""), (code, _error.ToString()));
        Assert.DoesNotContain(lines, static line => line.Contains('\e', StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "there is no event in it")]
    [InlineData("{\"type\":\"x\"", "is no exported room")]
    [InlineData("[7]", "its room version is not one that this EdgeMatrix knows; name one with --room-version")]
    [InlineData("""{"type":"m.room.create","content":{"room_version":"99"}}""", "its room version is not one that this EdgeMatrix knows")]
    [InlineData("""{"type":"m.room.create","content":{"room_version":"10"}}""", "an event has no event_id")]
    public void A_file_that_holds_no_room_is_refused_with_what_is_wrong(string content, string problem)
    {
        var path = Write("room.ndjson", content);

        Assert.Equal(1, RoomCommandLine.Run(_folder, _error, "room", "explain", "--file", path).Code);
        Assert.StartsWith($"edgematrix: {path}", _error.ToString(), StringComparison.Ordinal);
        Assert.Contains(problem, _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_or_an_event_that_is_not_there_is_named()
    {
        var path = Write("room.ndjson", ForkedFixture.Read("minimal-public-chat").ToScenario());

        Assert.Equal(1, RoomCommandLine.Run(_folder, _error, "room", "explain", "--file", path, "$none").Code);
        Assert.Equal(1, RoomCommandLine.Run(_folder, _error, "room", "explain", "--file", "/nowhere").Code);
        Assert.Equal(
            $"edgematrix: there is no event $none in {path}\nedgematrix: /nowhere cannot be read: Could not find file '/nowhere'.\n",
            _error.ToString());
    }

    private string[] Explain(string fixture)
    {
        var path = Write($"{fixture}.json5", ForkedFixture.Read(fixture).ToScenario());
        var (code, lines) = RoomCommandLine.Run(_folder, _error, "room", "explain", "--file", path);
        Assert.Equal((0, ""), (code, _error.ToString()));
        return lines;
    }

    private string Write(string name, string content)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, content);
        return path;
    }

    // The lines stand there one after another.
    private static void Inside(string[] lines, params string[] wanted) =>
        Assert.Contains(string.Join('\n', wanted), string.Join('\n', lines), StringComparison.Ordinal);
}
