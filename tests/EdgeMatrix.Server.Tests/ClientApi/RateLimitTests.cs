using System.Text;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.Configuration;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class RateLimitTests
{
    private const string V3 = "/_matrix/client/v3";
    private const string WrongPassword = """{"type":"m.login.password","identifier":{"type":"m.id.user","user":"alice"},"password":"wrong"}""";

    [Fact]
    public async Task Who_sends_too_much_is_told_when_to_come_again()
    {
        await using var server = await StartAsync(new RateLimits { Message = new Rate(TimeSpan.FromSeconds(1.5), 2) });
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var room = await alice.CreateRoomAsync();
        await bob.PostAsync($"{V3}/join/{room}", "{}");
        await alice.SendTextAsync(room, "one", "1");
        await alice.SendTextAsync(room, "two", "2");

        var third = await alice.PutAsync($"{V3}/rooms/{room}/send/m.room.message/3", """{"body":"three"}""");
        Assert.Equal((429, "M_LIMIT_EXCEEDED"), third.Error);
        Assert.Equal((1500, "2"), (third["retry_after_ms"].GetInt32(), third.Headers["Retry-After"]));
        Assert.Equal(200, (int)(await bob.PutAsync($"{V3}/rooms/{room}/send/m.room.message/1", """{"body":"mine"}""")).Status);
        Assert.Equal(200, (int)(await alice.GetAsync($"{V3}/sync")).Status);

        server.Time.Advance(TimeSpan.FromSeconds(1.5));
        Assert.Equal(200, (int)(await alice.PutAsync($"{V3}/rooms/{room}/send/m.room.message/3", """{"body":"three"}""")).Status);
    }

    [Fact]
    public async Task Passwords_are_guessed_slowly_by_address_and_by_account()
    {
        await using var server = await StartAsync(new RateLimits { Account = new Rate(TimeSpan.FromMinutes(1), 2), Login = new Rate(TimeSpan.FromMinutes(1), 4) });
        await server.RegisterAsync("alice");

        Assert.Equal(403, (await server.PostAsync($"{V3}/login", WrongPassword)).Error.Status);
        Assert.Equal(403, (await server.PostAsync($"{V3}/login", WrongPassword.Replace("alice", "@ALICE:test", StringComparison.Ordinal))).Error.Status);
        Assert.Equal((429, "M_LIMIT_EXCEEDED"), (await server.PostAsync($"{V3}/login", WrongPassword)).Error);

        var other = WrongPassword.Replace("alice", "bob", StringComparison.Ordinal);
        Assert.Equal(403, (await server.PostAsync($"{V3}/login", other)).Error.Status);
        Assert.Equal(429, (await server.PostAsync($"{V3}/login", other)).Error.Status);
    }

    [Fact]
    public async Task Behind_a_proxy_of_this_machine_each_client_has_its_own_address()
    {
        await using var server = await TestHomeserver.StartAsync(
            options => options with { Limits = new RateLimits { Login = new Rate(TimeSpan.FromMinutes(1), 1) } }, Transport.Loopback);

        Assert.Equal(403, await LogInFromAsync(server, "9.9.9.9, 198.51.100.1"));
        Assert.Equal(429, await LogInFromAsync(server, "8.8.8.8, 198.51.100.1"));
        Assert.Equal(403, await LogInFromAsync(server, "2001:db8:1:1::1"));
        Assert.Equal(429, await LogInFromAsync(server, "2001:db8:1:1::2"));
    }

    [Theory]
    [InlineData("10/s burst 200", 100, 200)]
    [InlineData("3/m burst 20", 20_000, 20)]
    [InlineData("1/h burst 1", 3_600_000, 1)]
    public void A_rate_is_written_as_it_is_read(string text, int intervalMs, int burst)
    {
        Assert.Equal(new Rate(TimeSpan.FromMilliseconds(intervalMs), burst), RateText.Parse(text));
        Assert.Equal(text, RateText.Write(RateText.Parse(text)!));
    }

    [Theory]
    [InlineData("10/s")]
    [InlineData("0/s burst 1")]
    [InlineData("1/d burst 1")]
    [InlineData("1/s burst -1")]
    public void What_is_no_rate_is_none(string text) => Assert.Null(RateText.Parse(text));

    private static Task<TestHomeserver> StartAsync(RateLimits limits) => TestHomeserver.StartAsync(options => options with { Limits = limits });

    private static async Task<int> LogInFromAsync(TestHomeserver server, string forwardedFor)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, V3 + "/login") { Content = new StringContent(WrongPassword, Encoding.UTF8) };
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", forwardedFor);
        using var response = await server.Http.SendAsync(request);
        return (int)response.StatusCode;
    }
}
