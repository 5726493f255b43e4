using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public class OpenIdTests
{
    private const string UserInfo = "/_matrix/federation/v1/openid/userinfo";

    [Fact]
    public async Task A_token_tells_who_its_user_is_for_an_hour_and_over_a_restart()
    {
        var first = await TestHomeserver.StartAsync();
        var alice = await first.RegisterAsync("alice");
        var answer = await alice.PostAsync("/_matrix/client/v3/user/@alice:test/openid/request_token", "{}");
        var token = answer["access_token"].GetString()!;
        Assert.Equal("Bearer", answer["token_type"].GetString());
        Assert.Equal("test", answer["matrix_server_name"].GetString());
        Assert.Equal(3600, answer["expires_in"].GetInt32());

        await using var server = await first.RestartAsync();
        Assert.Equal("""{"sub":"@alice:test"}""", (await server.GetAsync($"{UserInfo}?access_token={token}")).Body);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await server.GetAsync("/_matrix/client/v3/account/whoami", token)).Error);

        server.Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await server.GetAsync($"{UserInfo}?access_token={token}")).Error);
    }

    [Fact]
    public async Task Nobody_gets_a_token_of_another_user_and_made_up_ones_tell_nothing()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        await using var other = await TestHomeserver.StartAsync(seed: 2);
        var foreign = await (await other.RegisterAsync("alice")).PostAsync("/_matrix/client/v3/user/@alice:test/openid/request_token", "{}");

        Assert.Equal((403, "M_FORBIDDEN"), (await alice.PostAsync("/_matrix/client/v3/user/@bob:test/openid/request_token", "{}")).Error);
        Assert.Equal((401, "M_MISSING_TOKEN"), (await server.GetAsync(UserInfo)).Error);
        foreach (var token in (string[])["", "x", alice.Token, foreign["access_token"].GetString()!])
        {
            Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await server.GetAsync($"{UserInfo}?access_token={token}")).Error);
        }
    }
}
