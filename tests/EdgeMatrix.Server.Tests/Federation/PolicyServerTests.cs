using System.Net;
using EdgeMatrix.Configuration;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Alice and bob are at one, and her room has two for its policy server.</summary>
public sealed class PolicyServerTests : TwoServers
{
    private const string V3 = "/_matrix/client/v3";

    protected override HomeserverOptions ChangeTwo(HomeserverOptions options) => options with
    {
        Policy = options.Policy with { Enabled = true, Words = ["casino"] },
    };

    [Fact]
    public async Task A_policy_server_signs_what_it_recommends_and_nothing_else()
    {
        var (alice, bob, carol) = (await One.RegisterAsync("alice"), await One.RegisterAsync("bob"), await Two.RegisterAsync("carol"));
        var room = await alice.CreateRoomAsync();
        Assert.Equal(HttpStatusCode.OK, (await carol.PostAsync($"{V3}/join/{room}?via=one", "{}")).Status);
        var key = (await Two.GetAsync("/.well-known/matrix/policy_server"))["public_keys"].GetProperty("ed25519").GetString();
        var named = await alice.PutAsync(
            $"{V3}/rooms/{room}/state/m.room.policy", $$"""{"via":"two","public_keys":{"ed25519":"{{key}}"} }""");
        Assert.Equal(HttpStatusCode.OK, named.Status);

        // Until two has heard that it is asked, it signs nothing.
        var step = 0;
        while ((await bob.PostAsync($"{V3}/join/{room}", "{}")).Status != HttpStatusCode.OK)
        {
            Assert.InRange(step++, 0, 500);
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        Assert.Equal(HttpStatusCode.OK, (await SayAsync(bob, room, "hello")).Status);
        Assert.Equal((400, "M_FORBIDDEN"), (await SayAsync(bob, room, "the best casino")).Error);
        await AssertSoundAsync();
    }

    private static Task<TestAnswer> SayAsync(TestSession user, string room, string text) => user.PutAsync(
        $"{V3}/rooms/{room}/send/m.room.message/{Guid.NewGuid():N}", $$"""{"msgtype":"m.text","body":"{{text}}"}""");
}
