using System.Text.Json;
using EdgeMatrix.Configuration;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Rooms.Purging;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Upkeep;

public class HistoryPurgeTests
{
    [Fact]
    public async Task Old_messages_go_and_the_room_goes_on()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var room = await alice.CreateRoomAsync();
        var first = await alice.SendTextAsync(room, "1", "t1");
        await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/receipt/m.read/{first}", "{}");
        var away = (await alice.GetAsync("/_matrix/client/v3/sync"))["next_batch"].GetString();
        await bob.PostAsync($"/_matrix/client/v3/rooms/{room}/join", "{}");
        await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/state/m.room.topic/", """{"topic":"old"}""");
        var edge = await alice.SendTextAsync(room, "2", "t2");
        await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/state/m.room.topic/", """{"topic":"new"}""");
        await alice.SendTextAsync(room, "3", "t3");
        var here = (await alice.GetAsync("/_matrix/client/v3/sync"))["next_batch"].GetString();

        Assert.Equal(2, await PurgeAsync(server, room, edge));

        Assert.Empty(Findings(server));
        Assert.Equal(["3"], await PageAsync(alice, room, here!));
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync($"/_matrix/client/v3/rooms/{room}/event/{first}")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync($"/_matrix/client/v3/rooms/{room}/context/{edge}")).Error);

        // A token from before the purge still tells the room as it changed, and that there is a gap.
        var sync = (await alice.GetAsync($"/_matrix/client/v3/sync?since={away}"))["rooms"].GetProperty("join").GetProperty(room);
        Assert.True(sync.GetProperty("timeline").GetProperty("limited").GetBoolean());
        Assert.Contains("new", sync.ToString(), StringComparison.Ordinal);
        Assert.Empty(await PageAsync(alice, room, away!));

        // What the topic was is still told.
        var topic = sync.GetProperty("timeline").GetProperty("events").EnumerateArray().Last(e => e.GetProperty("type").GetString() == "m.room.topic");
        Assert.Equal("old", topic.GetProperty("unsigned").GetProperty("prev_content").GetProperty("topic").GetString());

        await alice.SendTextAsync(room, "4", "t4");
        Assert.Equal(["4", "3"], await PageAsync(bob, room, null));
        await bob.PostAsync($"/_matrix/client/v3/rooms/{room}/leave", "{}");
        Assert.Equal(["4", "3"], await PageAsync(bob, room, null));
        Assert.Empty(Findings(server));
    }

    [Fact]
    public async Task The_newest_message_stays_until_another_follows_it()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        await alice.SendTextAsync(room, "1", "t1");
        var last = await alice.SendTextAsync(room, "2", "t2");
        Assert.Equal(1, await PurgeAsync(server, room, last));
        Assert.Equal(["2"], await PageAsync(alice, room, null));
        await alice.SendTextAsync(room, "3", "t3");
        Assert.Equal(1, await PurgeAsync(server, room, last));
        Assert.Equal(["3"], await PageAsync(alice, room, null));
        Assert.Empty(Findings(server));
    }

    [Fact]
    public async Task A_redaction_stays_with_the_state_that_it_emptied_and_goes_with_a_message()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var topic = (await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/state/m.room.topic/", """{"topic":"x"}"""))["event_id"].GetString();
        var text = await alice.SendTextAsync(room, "1", "t1");
        await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/redact/{topic}/t2", "{}");
        await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/redact/{text}/t3", "{}");
        var last = await alice.SendTextAsync(room, "2", "t4");
        Assert.Equal(2, await PurgeAsync(server, room, last));
        Assert.Empty(Findings(server));
        var shown = (await alice.GetAsync($"/_matrix/client/v3/rooms/{room}/event/{topic}")).Json;
        Assert.True(shown.GetProperty("unsigned").TryGetProperty("redacted_because", out _));
    }

    [Fact]
    public async Task What_has_expired_is_shown_to_nobody_and_then_deleted()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with
        {
            Retention = new RetentionOptions { Enabled = true, DefaultLifetime = TimeSpan.FromDays(30), ShortestLifetime = TimeSpan.FromMinutes(10) },
        });
        var alice = await server.RegisterAsync("alice");
        var (room, other) = (await alice.CreateRoomAsync(), await alice.CreateRoomAsync());
        await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/state/m.room.retention/", """{"max_lifetime":3600000}""");
        var early = await alice.SendTextAsync(room, "early", "t1");
        await alice.SendTextAsync(other, "kept", "t1");
        await server.UpkeepAsync(TimeSpan.FromMinutes(45));
        await alice.SendTextAsync(room, "late", "t2");
        var rows = Messages(server);
        server.Time.Advance(TimeSpan.FromMinutes(15));
        Assert.Equal(["late"], await PageAsync(alice, room, null));
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync($"/_matrix/client/v3/rooms/{room}/event/{early}")).Error);
        Assert.DoesNotContain("early", (await alice.GetAsync("/_matrix/client/v3/sync")).Body, StringComparison.Ordinal);

        await server.UpkeepAsync(TimeSpan.FromHours(1));
        Assert.Equal(rows - 1, Messages(server));
        Assert.Empty(await PageAsync(alice, room, null));
        Assert.Equal(["kept"], await PageAsync(alice, other, null));
        Assert.Empty(Findings(server));

        await server.UpkeepAsync(TimeSpan.FromDays(31));
        await alice.SendTextAsync(room, "new", "t3");
        await alice.SendTextAsync(other, "new", "t3");
        await server.UpkeepAsync(TimeSpan.FromHours(1));
        Assert.Equal(2, Messages(server));
        Assert.Empty(Findings(server));
    }

    [Fact]
    public async Task Nothing_expires_unless_it_is_asked_for()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/state/m.room.retention/", """{"max_lifetime":1}""");
        await alice.SendTextAsync(room, "1", "t1");
        await server.UpkeepAsync(TimeSpan.FromDays(1000));
        Assert.Equal(["1"], await PageAsync(alice, room, null));
    }

    [Theory]
    [InlineData("{}", 1000L)]
    [InlineData("""{"max_lifetime":500}""", 500L)]
    [InlineData("""{"max_lifetime":5}""", 100L)]
    [InlineData("""{"max_lifetime":50000}""", 5000L)]
    [InlineData("""{"min_lifetime":2000}""", 2000L)]
    [InlineData("""{"min_lifetime":200}""", 1000L)]
    [InlineData("""{"min_lifetime":200,"max_lifetime":100}""", 1000L)]
    [InlineData("""{"max_lifetime":-1}""", 1000L)]
    [InlineData("""{"max_lifetime":"1"}""", 1000L)]
    [InlineData("""{"max_lifetime":null}""", 1000L)]
    public void A_room_has_its_own_lifetime_within_the_servers_bounds(string content, long expected)
    {
        var policy = new RetentionPolicy(true, TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));
        Assert.Equal(expected, policy.LifetimeMs(JsonElement.Parse(content)));
    }

    private static async Task<long> PurgeAsync(TestHomeserver server, string roomId, string upTo)
    {
        long order;
        using (var snapshot = server.Part<Database>().OpenSnapshot())
        {
            order = EventTable.FindPlace(snapshot, upTo)!.Value.Timeline!.Value;
        }

        return await server.Part<HistoryPurge>().DeleteAsync(server.Part<RoomEngine>().Find(roomId)!, order, sentBeforeMs: null, default);
    }

    /// <summary>The texts in a room, newest first, a few at a time.</summary>
    private static async Task<List<string>> PageAsync(TestSession who, string room, string? from)
    {
        var texts = new List<string>();
        do
        {
            var page = await who.GetAsync($"/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=2" + (from is null ? "" : $"&from={from}"));
            texts.AddRange(page["chunk"].EnumerateArray()
                .Where(e => e.GetProperty("type").GetString() == "m.room.message")
                .Select(e => e.GetProperty("content").GetProperty("body").GetString()!));
            from = page.Json.TryGetProperty("end", out var end) ? end.GetString() : null;
        }
        while (from is not null);

        return texts;
    }

    private static int Messages(TestHomeserver server)
    {
        using var snapshot = server.Part<Database>().OpenSnapshot();
        using var query = snapshot.Prepare("SELECT count(*) FROM events WHERE state_key IS NULL");
        return query.Step() ? query.Int32(0) : 0;
    }

    private static List<string> Findings(TestHomeserver server)
    {
        using var snapshot = server.Part<Database>().OpenSnapshot();
        return [.. DatabaseCheck.Findings(snapshot)];
    }
}
