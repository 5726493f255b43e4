using EdgeMatrix.Configuration;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Users of two servers who are there already when they meet.</summary>
public sealed class RemotePresenceTests : TwoServers
{
    private const string V3 = "/_matrix/client/v3";

    [Fact]
    public async Task Who_joins_another_servers_room_and_who_is_in_it_see_each_other_at_once()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync();
        foreach (var user in (TestSession[])[carol, bob])
        {
            await user.GetAsync($"{V3}/sync");
        }

        await bob.PostAsync($"{V3}/join/{room}?via=two", "{}");
        Assert.Equal("online", await SeenAsync(bob, "@carol:two"));
        Assert.Equal("online", await SeenAsync(carol, "@bob:one"));
    }

    protected override HomeserverOptions ChangeOne(HomeserverOptions options) => options with { Presence = new PresenceOptions { Enabled = true } };

    protected override HomeserverOptions ChangeTwo(HomeserverOptions options) => ChangeOne(options);

    /// <summary>How a user appears in another's <c>/sync</c>, as soon as they do.</summary>
    private static async Task<string?> SeenAsync(TestSession viewer, string user)
    {
        for (var attempt = 0; attempt < 1_500; attempt++)
        {
            var presence = (await viewer.GetAsync($"{V3}/sync"))["presence"].GetProperty("events").EnumerateArray();
            if (presence.FirstOrDefault(e => e.GetProperty("sender").GetString() == user) is { ValueKind: not System.Text.Json.JsonValueKind.Undefined } seen)
            {
                return seen.GetProperty("content").GetProperty("presence").GetString();
            }

            await Task.Delay(20);
        }

        return null;
    }
}
