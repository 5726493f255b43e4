using System.Net;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Two whole servers of which one loses what it is told: alice is at one, carol at two.</summary>
public sealed class LostEventTests : TwoServers
{
    private const string V3 = "/_matrix/client/v3";

    [Fact]
    public async Task The_last_message_of_a_room_comes_with_whatever_is_told_of_the_room_next()
    {
        var (carol, alice, room, lost) = await LoseAsync();

        // The answer says that two is a message ahead.
        await alice.PostAsync($"{V3}/rooms/{room}/receipt/m.read/{await LastAsync(alice, room)}", "{}");
        await UntilAsync(One, async () => await LastAsync(alice, room) == lost);
        Assert.Equal(lost, await LastAsync(carol, room));
        await AssertSoundAsync();
    }

    [Fact]
    public async Task The_last_message_of_a_room_comes_once_the_servers_meet_again()
    {
        var (carol, alice, room, lost) = await LoseAsync();
        Network.Link("one", "two").Cut();
        Assert.NotEqual(HttpStatusCode.OK, (await alice.GetAsync($"{V3}/profile/@carol:two")).Status);
        Network.Link("one", "two").Mend();
        Assert.Equal(HttpStatusCode.OK, (await carol.GetAsync($"{V3}/profile/@alice:one")).Status);

        await UntilAsync(One, async () => await LastAsync(alice, room) == lost);
        await AssertSoundAsync();
    }

    /// <summary>Carol's last message in a room of both, which one said to have, and has not.</summary>
    private async Task<(TestSession Carol, TestSession Alice, string Room, string Lost)> LoseAsync()
    {
        var (carol, alice) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("alice"));
        var room = await carol.CreateRoomAsync();
        Assert.Equal(HttpStatusCode.OK, (await alice.PostAsync($"{V3}/join/{room}?via=two", "{}")).Status);
        var heard = await carol.SendTextAsync(room, "heard", "m1");
        await UntilAsync(Two, async () => await LastAsync(alice, room) == heard);

        var loses = true;
        var one = new TamperedServer(One)
        {
            Replace = path => loses && path.Contains("/send/", StringComparison.Ordinal)
                ? TamperedServer.Answer(HttpStatusCode.OK, """{"pdus":{}}""")
                : null,
        };
        Network.Join("one", one);
        var lost = await carol.SendTextAsync(room, "lost", "m2");
        await UntilAsync(Two, () => Task.FromResult(one.Asked("/send/") > 0));
        loses = false;
        Assert.Equal(heard, await LastAsync(alice, room));
        return (carol, alice, room, lost);
    }

    private static async Task<string?> LastAsync(TestSession user, string room) =>
        (await user.GetAsync($"{V3}/rooms/{room}/messages?dir=b&limit=1"))["chunk"].EnumerateArray().Single().GetProperty("event_id").GetString();

    private static async Task UntilAsync(TestHomeserver server, Func<Task<bool>> isSo)
    {
        for (var step = 0; !await isSo(); step++)
        {
            Assert.InRange(step, 0, 2_000);
            server.Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
