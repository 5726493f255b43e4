using EdgeMatrix.ClientApi.Voip;
using EdgeMatrix.Configuration;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Sync;

public sealed class PresenceTests : IAsyncLifetime
{
    private const string V3 = "/_matrix/client/v3";

    private TestHomeserver _server = null!;
    private TestSession _alice = null!;
    private TestSession _bob = null!;
    private string _room = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestHomeserver.StartAsync(options => options with
        {
            Presence = new PresenceOptions { Enabled = true },
            Turn = new TurnOptions(["turn:turn.test?transport=udp"], "north", TimeSpan.FromHours(2)),
        });
        _alice = await _server.RegisterAsync("alice");
        _bob = await _server.RegisterAsync("bob");
        _room = await _alice.CreateRoomAsync();
        await _bob.PostAsync($"{V3}/join/{_room}", "{}");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task What_a_user_says_of_itself_outlives_the_server()
    {
        await _alice.PutAsync($"{V3}/presence/{_alice.UserId}/status", """{"presence":"online","status_msg":"Knitting"}""");
        await _bob.PutAsync($"{V3}/presence/{_bob.UserId}/status", """{"presence":"online","status_msg":"Gone"}""");
        await _bob.PutAsync($"{V3}/presence/{_bob.UserId}/status", """{"presence":"online"}""");

        _server = await _server.RestartAsync();

        Assert.Equal("""{"presence":"offline","status_msg":"Knitting"}""", (await (_bob with { Server = _server }).GetAsync($"{V3}/presence/{_alice.UserId}/status")).Body);
        Assert.Equal("""{"presence":"offline"}""", (await (_alice with { Server = _server }).GetAsync($"{V3}/presence/{_bob.UserId}/status")).Body);
    }

    [Theory]
    [InlineData("sync")]
    [InlineData("events?timeout=0")]
    [InlineData("initialSync")]
    public async Task Who_listens_is_online(string stream)
    {
        await _alice.GetAsync($"{V3}/{stream}");
        Assert.Equal("""{"presence":"online","last_active_ago":0,"currently_active":true}""", await StatusAsync());
    }

    [Fact]
    public async Task Who_syncs_is_online_then_idle_then_gone()
    {
        var since = (await _bob.GetAsync($"{V3}/sync?set_presence=offline"))["next_batch"].GetString()!;
        await _alice.GetAsync($"{V3}/sync");
        Assert.Equal("""{"presence":"online","last_active_ago":0,"currently_active":true}""", await StatusAsync());

        for (var halfMinute = 0; halfMinute < 10; halfMinute++)
        {
            _server.Time.Advance(TimeSpan.FromSeconds(30));
            await _alice.GetAsync($"{V3}/sync?since={since}");
        }

        Assert.Equal("""{"presence":"unavailable","last_active_ago":300000}""", await StatusAsync());
        await _alice.SendTextAsync(_room, "back", "1");
        Assert.Equal("""{"presence":"online","last_active_ago":0,"currently_active":true}""", await StatusAsync());

        _server.Time.Advance(UserPresence.OfflineAfter);
        Assert.Equal("""{"presence":"offline","last_active_ago":60000}""", await StatusAsync());
    }

    [Fact]
    public async Task Whoever_shares_a_room_is_told_while_waiting_and_others_are_not()
    {
        var carol = await _server.RegisterAsync("carol");
        var since = (await _bob.GetAsync($"{V3}/sync?set_presence=offline"))["next_batch"].GetString()!;
        var carolSince = (await carol.GetAsync($"{V3}/sync?set_presence=offline"))["next_batch"].GetString()!;

        var waiting = _bob.GetAsync($"{V3}/sync?since={since}&timeout=30000&set_presence=offline");
        await _alice.PutAsync($"{V3}/presence/{_alice.UserId}/status", """{"presence":"unavailable","status_msg":"at lunch"}""");

        Assert.Contains(
            """{"content":{"presence":"unavailable","last_active_ago":0,"status_msg":"at lunch"},"sender":"@alice:test","type":"m.presence"}""",
            (await waiting).Body, StringComparison.Ordinal);
        Assert.Equal("[]", Events(await carol.GetAsync($"{V3}/sync?since={carolSince}&set_presence=offline")));
        Assert.Equal((403, "M_FORBIDDEN"), (await carol.GetAsync($"{V3}/presence/{_alice.UserId}/status")).Error);
    }

    [Fact]
    public async Task Who_comes_into_a_room_learns_how_those_are_who_are_in_it()
    {
        var carol = await _server.RegisterAsync("carol");
        await _alice.GetAsync($"{V3}/sync");
        var since = (await carol.GetAsync($"{V3}/sync?set_presence=offline"))["next_batch"].GetString()!;

        await carol.PostAsync($"{V3}/join/{_room}", "{}");
        var joined = await carol.GetAsync($"{V3}/sync?since={since}&set_presence=offline");

        Assert.Contains("\"@alice:test\"", Events(joined), StringComparison.Ordinal);
        Assert.Equal("[]", Events(await carol.GetAsync($"{V3}/sync?since={joined["next_batch"].GetString()}&set_presence=offline")));
    }

    [Fact]
    public async Task Who_does_not_want_to_be_seen_is_not_by_what_they_do()
    {
        await _alice.GetAsync($"{V3}/sync?set_presence=offline");
        await _alice.SendTextAsync(_room, "psst", "1");

        Assert.Equal("""{"presence":"offline","last_active_ago":0}""", await StatusAsync());
    }

    [Fact]
    public async Task A_device_takes_back_what_it_said_and_not_what_another_says()
    {
        await _alice.GetAsync($"{V3}/sync");
        var laptop = await _server.LogInAsync("alice");

        await laptop.GetAsync($"{V3}/sync?set_presence=unavailable");
        Assert.Contains("online", await StatusAsync(), StringComparison.Ordinal);

        await _alice.GetAsync($"{V3}/sync?set_presence=unavailable");
        Assert.Contains("unavailable", await StatusAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whom_one_ignores_or_filters_out_is_not_told_of()
    {
        await _alice.PutAsync($"{V3}/presence/{_alice.UserId}/status", """{"presence":"online"}""");
        Assert.Contains("@alice:test", Events(await _bob.GetAsync($"{V3}/sync?set_presence=offline")), StringComparison.Ordinal);

        var filter = Uri.EscapeDataString("""{"presence":{"not_types":["m.presence"]}}""");
        Assert.Equal("[]", Events(await _bob.GetAsync($"{V3}/sync?set_presence=offline&filter={filter}")));

        await _bob.PutAsync($"{V3}/user/{_bob.UserId}/account_data/m.ignored_user_list", """{"ignored_users":{"@alice:test":{}}}""");
        Assert.DoesNotContain("@alice:test", Events(await _bob.GetAsync($"{V3}/sync?set_presence=offline")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("@alice:test", """{"presence":"busy"}""", 400, "M_INVALID_PARAM")]
    [InlineData("@alice:test", "{}", 400, "M_MISSING_PARAM")]
    [InlineData("@alice:test", """{"presence":"online","status_msg":1}""", 400, "M_BAD_JSON")]
    [InlineData("@bob:test", """{"presence":"online"}""", 403, "M_FORBIDDEN")]
    public async Task What_is_no_presence_is_refused(string user, string body, int status, string code) =>
        Assert.Equal((status, code), (await _alice.PutAsync($"{V3}/presence/{user}/status", body)).Error);

    [Fact]
    public async Task Credentials_for_the_TURN_server_are_made_of_the_shared_secret()
    {
        var answer = await _alice.GetAsync($"{V3}/voip/turnServer");

        var username = $"{_server.Time.GetUtcNow().ToUnixTimeSeconds() + 7200}:@alice:test";
#pragma warning disable CA5350 // The hash is the one that TURN servers make.
        var password = Convert.ToBase64String(System.Security.Cryptography.HMACSHA1.HashData("north"u8, System.Text.Encoding.UTF8.GetBytes(username)));
#pragma warning restore CA5350
        Assert.Equal((username, password), (answer["username"].GetString(), answer["password"].GetString()));
        Assert.Equal(("""["turn:turn.test?transport=udp"]""", 7200), (answer["uris"].GetRawText(), answer["ttl"].GetInt32()));
    }

    [Fact]
    public async Task There_are_no_third_party_networks()
    {
        Assert.Equal("{}", (await _alice.GetAsync($"{V3}/thirdparty/protocols")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await _alice.GetAsync($"{V3}/thirdparty/protocol/irc")).Error);
        Assert.Equal("[]", (await _alice.GetAsync($"{V3}/thirdparty/user?userid=@a:b")).Body);
    }

    private static string Events(TestAnswer sync) => sync["presence"].GetProperty("events").GetRawText();

    private async Task<string> StatusAsync() => (await _bob.GetAsync($"{V3}/presence/{_alice.UserId}/status")).Body;
}
