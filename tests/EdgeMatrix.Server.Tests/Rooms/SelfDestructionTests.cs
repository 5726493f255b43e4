using EdgeMatrix.Server.Tests.Federation;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Rooms;

/// <summary>MSC2228: https://github.com/matrix-org/matrix-spec-proposals/pull/2228</summary>
public sealed class SelfDestructionTests
{
    private const string Field = "org.matrix.self_destruct_after";
    private const string V3 = "/_matrix/client/v3";

    [Fact]
    public async Task A_message_is_emptied_by_its_time_on_every_server_and_those_beside_it_stay()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var (one, alice) = (shared["one"], shared.UserOf("one"));
        var secret = await SayAsync(alice, shared.Id, "secret", Due(one, seconds: 10));
        var later = await SayAsync(alice, shared.Id, "later", Due(one, seconds: 3_600));
        var kept = await alice.SendTextAsync(shared.Id, "kept", "t");
        await shared.TellAsync("one", "two", secret, later, kept);
        foreach (var server in (string[])["one", "two"])
        {
            Assert.Equal(["secret", "later", "kept"], shared.Texts(server));
            Assert.Equal("secret", await BodyAsync(shared.UserOf(server), shared.Id, secret));
            shared[server].Time.Advance(TimeSpan.FromSeconds(11));
            await shared[server].WritesSettledAsync();
            Assert.Equal(["", "later", "kept"], shared.Texts(server));
            Assert.Null(await BodyAsync(shared.UserOf(server), shared.Id, secret));

            shared[server].Time.Advance(TimeSpan.FromHours(1));
            await shared[server].WritesSettledAsync();
            Assert.Equal(["", "", "kept"], shared.Texts(server));
        }

        shared.AssertSound();
    }

    [Fact]
    public async Task What_was_due_while_the_server_was_away_goes_at_its_start()
    {
        var server = await TestHomeserver.StartAsync();
        try
        {
            var alice = await server.RegisterAsync("alice");
            var room = await alice.CreateRoomAsync();
            var secret = await SayAsync(alice, room, "secret", Due(server, seconds: 10));
            server = await server.RestartAsync(meanwhile: _ =>
            {
                server.Time.Advance(TimeSpan.FromMinutes(1));
                return Task.CompletedTask;
            });
            server.Time.Advance(TimeSpan.FromMilliseconds(1));
            await server.WritesSettledAsync();

            Assert.Null(await BodyAsync(alice with { Server = server }, room, secret));
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_is_no_time_and_what_is_state_stays()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var sent = await SayAsync(alice, room, "kept", "\"soon\"");
        await alice.PutAsync($"{V3}/rooms/{room}/state/m.room.topic", $$"""{"topic":"kept","{{Field}}":1}""");
        server.Time.Advance(TimeSpan.FromDays(1));
        await server.WritesSettledAsync();

        Assert.Equal("kept", await BodyAsync(alice, room, sent));
        Assert.Equal("kept", (await alice.GetAsync($"{V3}/rooms/{room}/state/m.room.topic"))["topic"].GetString());
    }

    [Fact]
    public async Task The_least_of_all_times_holds_up_no_other()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync("""{"preset":"public_chat","room_version":"1"}""");
        var least = await SayAsync(alice, room, "least", "-9223372036854775808");
        var secret = await SayAsync(alice, room, "secret", Due(server, seconds: 10));
        server.Time.Advance(TimeSpan.FromSeconds(11));
        await server.WritesSettledAsync();

        Assert.Null(await BodyAsync(alice, room, least));
        Assert.Null(await BodyAsync(alice, room, secret));
    }

    [Fact]
    public async Task One_that_is_damaged_holds_up_no_other()
    {
        var server = await TestHomeserver.StartAsync();
        try
        {
            var alice = await server.RegisterAsync("alice");
            var room = await alice.CreateRoomAsync();
            var damaged = await SayAsync(alice, room, "damaged", Due(server, seconds: 10));
            var secret = await SayAsync(alice, room, "secret", Due(server, seconds: 10));
            await server.Part<Database>().WriteAsync(db =>
            {
                using var damage = db.Prepare("UPDATE events SET body = x'ff00' WHERE nid = ?").Bind(EventTable.FindNid(db, damaged)!.Value);
                damage.Run();
            });
            server = await server.RestartAsync();
            server.Time.Advance(TimeSpan.FromSeconds(11));
            await server.WritesSettledAsync();

            Assert.Null(await BodyAsync(alice with { Server = server }, room, secret));
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    private static string Due(TestHomeserver server, int seconds) =>
        server.Time.GetUtcNow().AddSeconds(seconds).ToUnixTimeMilliseconds().ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<string> SayAsync(TestSession user, string room, string text, string due) => (await user.PutAsync(
        $"{V3}/rooms/{room}/send/m.room.message/{text}", $$"""{"msgtype":"m.text","body":"{{text}}","{{Field}}":{{due}}}"""))["event_id"].GetString()!;

    private static async Task<string?> BodyAsync(TestSession user, string room, string eventId) =>
        (await user.GetAsync($"{V3}/rooms/{room}/event/{eventId}"))["content"].TryGetProperty("body", out var body) ? body.GetString() : null;
}
