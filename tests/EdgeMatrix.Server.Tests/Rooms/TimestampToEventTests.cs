using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Rooms;

public class TimestampToEventTests
{
    [Fact]
    public async Task The_closest_event_of_either_direction_is_found()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var sent = new List<(string Id, long Ts)>();
        for (var i = 0; i < 9; i++)
        {
            server.Time.Advance(TimeSpan.FromSeconds(10));
            sent.Add((await alice.SendTextAsync(room, $"{i}", $"t{i}"), server.Time.GetUtcNow().ToUnixTimeMilliseconds()));
        }

        foreach (var (index, (id, ts)) in sent.Index())
        {
            Assert.Equal((id, ts), await FindAsync(alice, room, ts, "f"));
            Assert.Equal((id, ts), await FindAsync(alice, room, ts, "b"));
            Assert.Equal((id, ts), await FindAsync(alice, room, ts - 1, "f"));
            Assert.Equal((id, ts), await FindAsync(alice, room, ts + 1, "b"));
            if (index > 0)
            {
                Assert.Equal(sent[index - 1], await FindAsync(alice, room, ts - 1, "b"));
            }
        }

        Assert.Equal((404, "M_NOT_FOUND"), (await GetAsync(alice, room, $"ts={sent[^1].Ts + 1}&dir=f")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await GetAsync(alice, room, "ts=1&dir=b")).Error);
    }

    [Fact]
    public async Task What_the_user_may_not_see_is_passed_over()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync(
            """{"preset":"public_chat","initial_state":[{"type":"m.room.history_visibility","content":{"history_visibility":"joined"}}]}""");
        server.Time.Advance(TimeSpan.FromSeconds(10));
        var hidden = server.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await alice.SendTextAsync(room, "before", "t1");
        server.Time.Advance(TimeSpan.FromSeconds(10));
        await bob.PostAsync($"/_matrix/client/v3/rooms/{room}/join", "{}");
        var joined = server.Time.GetUtcNow().ToUnixTimeMilliseconds();

        Assert.Equal(joined, (await FindAsync(bob, room, hidden, "f")).Ts);
        Assert.Equal(hidden, (await FindAsync(alice, room, hidden, "f")).Ts);
    }

    [Theory]
    [InlineData("dir=f", "M_MISSING_PARAM")]
    [InlineData("ts=1", "M_MISSING_PARAM")]
    [InlineData("ts=x&dir=f", "M_INVALID_PARAM")]
    [InlineData("ts=1&dir=x", "M_INVALID_PARAM")]
    public async Task Both_parameters_are_needed(string query, string code)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        Assert.Equal((400, code), (await GetAsync(alice, await alice.CreateRoomAsync(), query)).Error);
    }

    private static Task<TestAnswer> GetAsync(TestSession session, string room, string query) =>
        session.GetAsync($"/_matrix/client/v1/rooms/{room}/timestamp_to_event?{query}");

    private static async Task<(string Id, long Ts)> FindAsync(TestSession session, string room, long ts, string dir)
    {
        var answer = await GetAsync(session, room, $"ts={ts}&dir={dir}");
        Assert.Equal((200, null), answer.Error);
        return (answer["event_id"].GetString()!, answer["origin_server_ts"].GetInt64());
    }
}
