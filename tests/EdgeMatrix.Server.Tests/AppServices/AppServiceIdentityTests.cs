using EdgeMatrix.Api.Limits;
using EdgeMatrix.Server.Tests.Encryption;
using EdgeMatrix.Testing;
using Xunit;
using static EdgeMatrix.Server.Tests.AppServices.BridgedServer;

namespace EdgeMatrix.Server.Tests.AppServices;

/// <summary>What an application service may do with its token, and as whom.</summary>
public sealed class AppServiceIdentityTests : IAsyncLifetime
{
    private BridgedServer _it = null!;

    public async ValueTask InitializeAsync() => _it = await StartAsync();

    public ValueTask DisposeAsync() => _it.DisposeAsync();

    [Fact]
    public async Task Without_a_user_it_is_its_sender_who_is_there_from_the_start()
    {
        Assert.Equal("""{"user_id":"@ircbot:test","is_guest":false}""", (await _it.GetAsync($"{V3}/account/whoami")).Body);
        Assert.Equal("ircbot", (await _it.GetAsync($"{V3}/profile/{Sender}"))["displayname"].GetString());
    }

    [Fact]
    public async Task It_acts_as_users_of_its_namespaces_that_it_has_registered()
    {
        await _it.MakeUserAsync("_irc_bob");
        await _it.Server.RegisterAsync("alice");

        Assert.Equal("@_irc_bob:test", (await _it.GetAsync($"{V3}/account/whoami", "@_irc_bob:test"))["user_id"].GetString());
        Assert.Equal((403, "M_FORBIDDEN"), (await _it.GetAsync($"{V3}/account/whoami", "@_irc_eve:test")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await _it.GetAsync($"{V3}/account/whoami", "@alice:test")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await _it.GetAsync($"{V3}/account/whoami", "@_irc_bob:elsewhere")).Error);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await _it.Server.GetAsync($"{V3}/account/whoami", "as_secreu")).Error);
        Assert.Equal((200, null), (await _it.Server.GetAsync($"{V3}/account/whoami?access_token={Token}")).Error);
    }

    [Theory]
    [InlineData("device_id")]
    [InlineData("org.matrix.msc3202.device_id")]
    public async Task It_acts_as_a_device_that_the_user_has(string parameter)
    {
        await _it.MakeUserAsync("_irc_bob");
        Assert.Equal((404, "M_NOT_FOUND"), (await (await _it.Server.RegisterAsync("alice")).PutAsync($"{V3}/devices/D", "{}")).Error);
        Assert.Equal((201, null), (await _it.PutAsync($"{V3}/devices/D", """{"display_name":"Bridge"}""", "@_irc_bob:test")).Error);
        Assert.Equal((200, null), (await _it.PutAsync($"{V3}/devices/D", """{"display_name":"Bridges"}""", "@_irc_bob:test")).Error);

        var who = await _it.GetAsync($"{V3}/account/whoami?{parameter}=D", "@_irc_bob:test");
        Assert.Equal("D", who["device_id"].GetString());
        Assert.Equal((400, "M_UNKNOWN_DEVICE"), (await _it.GetAsync($"{V3}/account/whoami?{parameter}=E", "@_irc_bob:test")).Error);
        Assert.Equal((400, "M_UNKNOWN_DEVICE"), (await _it.GetAsync($"{V3}/account/whoami?{parameter}=D")).Error);

        Assert.Equal((200, null), (await _it.DeleteAsync($"{V3}/devices/D", "@_irc_bob:test")).Error);
        Assert.Equal("[]", (await _it.GetAsync($"{V3}/devices", "@_irc_bob:test"))["devices"].GetRawText());
    }

    [Fact]
    public async Task What_needs_a_device_says_so_and_keys_are_uploaded_as_one()
    {
        await _it.MakeUserAsync("_irc_bob");
        await _it.PutAsync($"{V3}/devices/D", "{}", "@_irc_bob:test");
        var device = new TestSession(_it.Server, "@_irc_bob:test", "D", Token);
        var keys = $$"""{"device_keys":{{device.DeviceKeys()}},"one_time_keys":{{device.OneTimeKeys("a")}}}""";

        Assert.Equal((400, "M_MISSING_PARAM"), (await _it.PostAsync($"{V3}/keys/upload", keys, "@_irc_bob:test")).Error);
        Assert.Equal(
            """{"one_time_key_counts":{"signed_curve25519":1}}""", (await _it.PostAsync($"{V3}/keys/upload?device_id=D", keys, "@_irc_bob:test")).Body);
        Assert.Equal((403, "M_FORBIDDEN"), (await _it.PostAsync($"{V3}/logout", "{}", "@_irc_bob:test")).Error);
    }

    [Fact]
    public async Task Cross_signing_keys_are_replaced_and_accounts_given_up_without_a_password()
    {
        await _it.MakeUserAsync("_irc_bob");
        static string Master(string name)
        {
            var id = KeyMaker.PublicKey(KeyMaker.CrossSigningKey(name));
            return "{\"master_key\":{\"user_id\":\"@_irc_bob:test\",\"usage\":[\"master\"],\"keys\":{\"ed25519:" + id + "\":\"" + id + "\"}}}";
        }

        Assert.Equal("{}", (await _it.PostAsync($"{V3}/keys/device_signing/upload", Master("one"), "@_irc_bob:test")).Body);
        Assert.Equal("{}", (await _it.PostAsync($"{V3}/keys/device_signing/upload", Master("two"), "@_irc_bob:test")).Body);
        Assert.Equal((200, null), (await _it.PostAsync($"{V3}/account/deactivate", "{}", "@_irc_bob:test")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await _it.GetAsync($"{V3}/account/whoami", "@_irc_bob:test")).Error);
    }

    [Fact]
    public async Task It_says_when_something_happened()
    {
        var room = (await _it.PostAsync($"{V3}/createRoom", "{}"))["room_id"].GetString()!;
        var said = await _it.SayAsync(room, "long ago", more: "?ts=1000");
        Assert.Equal(1000, (await _it.GetAsync($"{V3}/rooms/{room}/event/{said}"))["origin_server_ts"].GetInt64());

        var named = (await _it.PutAsync($"{V3}/rooms/{room}/state/m.room.name/?ts=2000", """{"name":"Den"}"""))["event_id"].GetString();
        Assert.Equal(2000, (await _it.GetAsync($"{V3}/rooms/{room}/event/{named}"))["origin_server_ts"].GetInt64());

        foreach (var ts in (string[])["-1", "x", "9007199254740992"])
        {
            Assert.Equal((400, "M_INVALID_PARAM"), (await _it.PutAsync($"{V3}/rooms/{room}/send/m.room.message/{ts}?ts={ts}", "{}")).Error);
        }

        var alice = await _it.Server.RegisterAsync("alice");
        var den = await alice.CreateRoomAsync();
        var now = (await alice.PutAsync($"{V3}/rooms/{den}/send/m.room.message/1?ts=1000", "{}"))["event_id"].GetString();
        Assert.NotEqual(1000, (await alice.GetAsync($"{V3}/rooms/{den}/event/{now}"))["origin_server_ts"].GetInt64());
    }

    [Fact]
    public async Task A_transaction_id_of_a_user_without_a_device_has_its_effect_once()
    {
        await _it.MakeUserAsync("_irc_bob");
        var room = (await _it.PostAsync($"{V3}/createRoom", """{"preset":"public_chat"}"""))["room_id"].GetString()!;
        await _it.PostAsync($"{V3}/join/{room}", "{}", "@_irc_bob:test");
        Task<TestAnswer> Send(string? user) => _it.PutAsync($"{V3}/rooms/{room}/send/m.room.message/same", """{"body":"a"}""", user);

        var first = (await Send(null)).Body;
        Assert.Equal(first, (await Send(null)).Body);
        Assert.NotEqual(first, (await Send("@_irc_bob:test")).Body);
    }

    [Fact]
    public async Task The_members_of_a_room_are_told_where_any_of_its_users_is_in()
    {
        await _it.MakeUserAsync("_irc_bob");
        var room = await (await _it.Server.RegisterAsync("alice")).CreateRoomAsync();
        Assert.Equal((403, "M_FORBIDDEN"), (await _it.GetAsync($"{V3}/rooms/{room}/joined_members")).Error);
        await _it.PostAsync($"{V3}/join/{room}", "{}", "@_irc_bob:test");
        Assert.Equal(2, (await _it.GetAsync($"{V3}/rooms/{room}/joined_members"))["joined"].EnumerateObject().Count());
    }

    [Theory]
    [InlineData("", 429)]
    [InlineData("rate_limited: false", 200)]
    public async Task Its_users_are_limited_as_the_registration_says_and_its_sender_never(string more, int status)
    {
        await using var it = await StartAsync(more, options: options => options with
        {
            Limits = new RateLimits { Message = new Rate(TimeSpan.FromHours(1), 2), Registration = new Rate(TimeSpan.FromHours(1), 1) },
        });
        await it.MakeUserAsync("_irc_ann");
        await it.MakeUserAsync("_irc_bob");
        var room = (await it.PostAsync($"{V3}/createRoom", """{"preset":"public_chat"}"""))["room_id"].GetString()!;
        await it.PostAsync($"{V3}/join/{room}", "{}", "@_irc_bob:test");

        for (var i = 0; i < 4; i++)
        {
            await it.SayAsync(room, "hello");
        }

        TestAnswer? last = null;
        for (var i = 0; i < 3; i++)
        {
            last = await it.PutAsync($"{V3}/rooms/{room}/send/m.room.message/x{i}", "{}", "@_irc_bob:test");
        }

        Assert.Equal(status, (int)last!.Status);
    }
}
