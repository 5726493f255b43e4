using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Inspection;

/// <summary><c>room export</c>, beside the server that has the room.</summary>
public sealed class RoomExportTests : IAsyncLifetime
{
    private readonly StringWriter _error = new();
    private TestHomeserver _server = null!;
    private TestSession _alice = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestHomeserver.StartAsync();
        _alice = await _server.RegisterAsync("alice");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _error.DisposeAsync();
    }

    [Theory]
    [InlineData("10")]
    [InlineData("12")]
    public async Task Every_event_is_there_as_it_was_signed_with_its_id_and_after_all_that_it_cites(string version)
    {
        var room = await _alice.CreateRoomAsync($$"""{"preset":"public_chat","room_version":"{{version}}","topic":"Grüße 🎈"}""");
        for (var i = 0; i < 600; i++)
        {
            await _alice.SendTextAsync(room, $"text {i}", $"t{i}");
        }

        var (code, lines) = Export("room", "export", room, "--ndjson");

        Assert.Equal(0, code);
        Assert.Equal(600, lines.Count(line => line.Contains("m.room.message", StringComparison.Ordinal)));
        var seen = new HashSet<string>();
        foreach (var line in lines)
        {
            var json = JsonElement.Parse(line);
            var given = json.GetProperty("event_id").GetString()!;
            var signed = Encoding.UTF8.GetBytes("{" + line[(line.IndexOf(',', StringComparison.Ordinal) + 1)..]);
            var pdu = Pdu.Parse(signed, RoomVersions.Find(version)!).Event!;
            Assert.Equal(given, pdu.EventId);
            Assert.Equal(signed, pdu.Json.ToArray());
            Assert.All(pdu.PrevEvents.Concat(pdu.AuthEvents), cited => Assert.Contains(cited, seen));
            seen.Add(given);
        }
    }

    [Fact]
    public async Task Events_that_are_stored_late_or_outside_of_the_timeline_come_before_those_that_cite_them()
    {
        var room = await _alice.CreateRoomAsync();
        for (var i = 0; i < 3; i++)
        {
            await _alice.SendTextAsync(room, "text", $"t{i}");
        }

        // As a backfill would leave it: the first events have the last places, and some have none.
        await _server.Part<Database>().WriteAsync(db =>
        {
            db.Prepare("UPDATE events SET timeline = 1000000 - nid WHERE nid % 3 = 0").Run();
            db.Prepare("UPDATE events SET timeline = NULL WHERE nid % 3 = 1").Run();
        });
        var (code, lines) = Export("room", "export", room, "--ndjson");

        Assert.Equal(0, code);
        var seen = new HashSet<string>();
        foreach (var json in lines.Select(line => JsonElement.Parse(line)))
        {
            foreach (var cited in json.GetProperty("prev_events").EnumerateArray().Concat(json.GetProperty("auth_events").EnumerateArray()))
            {
                Assert.Contains(cited.GetString()!, seen);
            }

            Assert.True(seen.Add(json.GetProperty("event_id").GetString()!));
        }

        using var snapshot = _server.Part<Database>().OpenSnapshot();
        using var count = snapshot.Prepare("SELECT count(*) FROM events");
        Assert.True(count.Step());
        Assert.Equal(count.Int64(0), lines.Length);
    }

    [Fact]
    public async Task An_alias_names_the_room_and_a_scenario_its_version()
    {
        var room = await _alice.CreateRoomAsync("""{"room_alias_name":"den","room_version":"11"}""");

        var (_, array) = Export("room", "export", "#den:test");
        var (_, scenario) = Export("room", "export", "#den:test", "--json5");

        var events = JsonElement.Parse(string.Join('\n', array));
        var whole = JsonElement.Parse(string.Join('\n', scenario));
        Assert.Equal("11", whole.GetProperty("room_version").GetString());
        Assert.Equal(room, whole.GetProperty("room_id").GetString());
        Assert.False(whole.GetProperty("calculate_event_ids").GetBoolean());
        Assert.Equal(events.GetArrayLength(), whole.GetProperty("events").GetArrayLength());
        Assert.Equal("m.room.create", events[0].GetProperty("type").GetString());
    }

    [Fact]
    public void A_room_that_is_not_there_is_named()
    {
        Assert.Equal(1, Export("room", "export", "!none:test").Code);
        Assert.Equal($"edgematrix: there is no room !none:test in {_server.DataFolder}\n", _error.ToString());
    }

    [Fact]
    public async Task A_reader_that_goes_away_is_failure_told_in_a_line()
    {
        var room = await _alice.CreateRoomAsync();

        Assert.Equal(1, RoomCommandLine.Run(_server.DataFolder, _error, new ClosedPipe(), ["room", "export", room]));
        Assert.Equal("edgematrix: the output ended early: Broken pipe\n", _error.ToString());
    }

    private (int Code, string[] Lines) Export(params string[] arguments) => RoomCommandLine.Run(_server.DataFolder, _error, arguments);

    private sealed class ClosedPipe : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("Broken pipe");

        public override void Write(byte[] buffer, int offset, int count) => throw new IOException("Broken pipe");
    }
}
