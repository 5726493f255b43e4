using System.Text.Json;
using EdgeMatrix.Configuration;
using EdgeMatrix.Server.Tests.Encryption;
using EdgeMatrix.Testing;
using Xunit;
using static EdgeMatrix.Server.Tests.AppServices.BridgedServer;

namespace EdgeMatrix.Server.Tests.AppServices;

/// <summary>Typing, receipts, presence, messages to devices, and news of devices and keys.</summary>
public sealed class AppServiceEphemeralTests : IAsyncLifetime
{
    private BridgedServer _it = null!;
    private TestSession _alice = null!;
    private string _room = null!;

    public async ValueTask InitializeAsync()
    {
        _it = await StartAsync(
            "receive_ephemeral: true\norg.matrix.msc3202: true", options: options => options with { Presence = new PresenceOptions { Enabled = true } });
        _alice = await _it.Server.RegisterAsync("alice");
        _room = await _alice.CreateRoomAsync();
        await _it.MakeUserAsync("_irc_bob");
        await _it.PostAsync($"{V3}/join/{_room}", "{}", "@_irc_bob:test");
        await _it.NextWithAsync("events");
    }

    public ValueTask DisposeAsync() => _it.DisposeAsync();

    [Fact]
    public async Task It_is_told_who_types_in_rooms_that_concern_it()
    {
        var other = await _alice.CreateRoomAsync();
        await _alice.PutAsync($"{V3}/rooms/{other}/typing/@alice:test", """{"typing":true}""");
        await _alice.PutAsync($"{V3}/rooms/{_room}/typing/@alice:test", """{"typing":true}""");
        Assert.Equal(
            $$"""{"content":{"user_ids":["@alice:test"]},"room_id":"{{_room}}","type":"m.typing"}""", (await NextAsync("m.typing")).GetRawText());

        await _alice.PutAsync($"{V3}/rooms/{_room}/typing/@alice:test", """{"typing":false}""");
        Assert.Equal("[]", (await NextAsync("m.typing")).GetProperty("content").GetProperty("user_ids").GetRawText());
    }

    [Fact]
    public async Task It_is_told_of_receipts_and_of_private_ones_of_its_own_users_only()
    {
        var said = await _alice.SendTextAsync(_room, "hello", "1");
        var second = await _alice.SendTextAsync(_room, "hello", "2");
        await _alice.PostAsync($"{V3}/rooms/{_room}/receipt/m.read.private/{said}", "{}");
        await _alice.PostAsync($"{V3}/rooms/{_room}/receipt/m.read/{second}", """{"thread_id":"main"}""");
        await _it.PostAsync($"{V3}/rooms/{_room}/receipt/m.read.private/{said}", "{}", "@_irc_bob:test");

        var told = new List<string>();
        while (told.Count < 2)
        {
            foreach (var one in (await _it.NextWithAsync("ephemeral")).EnumerateArray().Where(one => one.GetProperty("type").GetString() == "m.receipt"))
            {
                Assert.Equal(_room, one.GetProperty("room_id").GetString());
                told.Add(one.GetProperty("content").GetRawText());
            }
        }

        Assert.Equal(
            [
                "{\"" + second + "\":" + """{"m.read":{"@alice:test":{"thread_id":"main","ts":1790000000000}}}}""",
                "{\"" + said + "\":" + """{"m.read.private":{"@_irc_bob:test":{"ts":1790000000000}}}}""",
            ],
            told);
    }

    [Fact]
    public async Task It_is_told_of_the_presence_of_whoever_shares_a_room_with_its_users()
    {
        var carol = await _it.Server.RegisterAsync("carol");
        await carol.PutAsync($"{V3}/presence/@carol:test/status", """{"presence":"online"}""");
        await _alice.PutAsync($"{V3}/presence/@alice:test/status", """{"presence":"online","status_msg":"tea"}""");

        var told = await NextAsync("m.presence");
        Assert.Equal(("@alice:test", "tea"), (told.GetProperty("sender").GetString(), told.GetProperty("content").GetProperty("status_msg").GetString()));
    }

    [Fact]
    public async Task One_that_asked_by_the_name_of_before_is_told_by_it_and_one_that_did_not_ask_is_not_told()
    {
        await using var earlier = await StartAsync("de.sorunome.msc2409.push_ephemeral: true");
        await using var silent = await StartAsync();
        foreach (var it in new[] { earlier, silent })
        {
            var alice = await it.Server.RegisterAsync("alice");
            var room = await alice.CreateRoomAsync();
            await it.PostAsync($"{V3}/join/{room}", "{}");
            await it.NextAsync();
            await alice.PutAsync($"{V3}/rooms/{room}/typing/@alice:test", """{"typing":true}""");
        }

        var told = (await earlier.NextAsync()).Json;
        Assert.Equal("m.typing", told.GetProperty("de.sorunome.msc2409.ephemeral")[0].GetProperty("type").GetString());
        Assert.False(told.TryGetProperty("ephemeral", out _));
        await silent.SettleAsync();
        Assert.Equal(0, silent.Bridge.Waiting);
    }

    [Fact]
    public async Task Messages_to_devices_of_its_users_are_told_with_the_device_and_lie_nowhere_else_then()
    {
        await _it.PutAsync($"{V3}/devices/D", "{}", "@_irc_bob:test");
        await _alice.PutAsync($"{V3}/sendToDevice/org.example.note/1", """{"messages":{"@_irc_bob:test":{"D":{"n":1}}}}""");

        var told = await _it.NextWithAsync("de.sorunome.msc2409.to_device");

        Assert.Equal(
            """[{"content":{"n":1},"sender":"@alice:test","type":"org.example.note","to_user_id":"@_irc_bob:test","to_device_id":"D"}]""",
            told.GetRawText());
        await _it.SettleAsync();
        var sync = await _it.GetAsync($"{V3}/sync?device_id=D", "@_irc_bob:test");
        Assert.Equal("[]", sync.Json.TryGetProperty("to_device", out var left) ? left.GetProperty("events").GetRawText() : "[]");
    }

    [Fact]
    public async Task It_is_told_how_many_keys_a_device_has_left_when_somebody_takes_one()
    {
        await _it.PutAsync($"{V3}/devices/D", "{}", "@_irc_bob:test");
        var device = new TestSession(_it.Server, "@_irc_bob:test", "D", Token);
        await _it.PostAsync(
            $"{V3}/keys/upload?device_id=D",
            $$$"""{"device_keys":{{{device.DeviceKeys()}}},"one_time_keys":{{{device.OneTimeKeys("a")}}},"fallback_keys":{"signed_curve25519:f":{{{device.OneTimeKey("f", fallback: true)}}}}}""",
            "@_irc_bob:test");
        Assert.Equal("""{"@_irc_bob:test":{"D":{"signed_curve25519":1}}}""", (await _it.NextWithAsync("org.matrix.msc3202.device_one_time_keys_count")).GetRawText());

        await _alice.PostAsync($"{V3}/keys/claim", """{"one_time_keys":{"@_irc_bob:test":{"D":"signed_curve25519"}}}""");
        var told = (await _it.NextAsync()).Json;
        Assert.Equal("""{"@_irc_bob:test":{"D":{"signed_curve25519":0}}}""", told.GetProperty("org.matrix.msc3202.device_one_time_keys_count").GetRawText());
        Assert.Equal(
            """{"@_irc_bob:test":{"D":["signed_curve25519"]}}""", told.GetProperty("org.matrix.msc3202.device_unused_fallback_key_types").GetRawText());
    }

    [Fact]
    public async Task It_is_told_whose_devices_changed_of_those_who_share_a_room_and_who_does_so_no_longer()
    {
        var carol = await _it.Server.RegisterAsync("carol");
        await carol.UploadKeysAsync("a");
        await _alice.UploadKeysAsync("a");
        Assert.Equal("""{"changed":["@alice:test"],"left":[]}""", (await _it.NextWithAsync("org.matrix.msc3202.device_lists")).GetRawText());

        await carol.PostAsync($"{V3}/join/{_room}", "{}");
        Assert.Equal("""{"changed":["@carol:test"],"left":[]}""", (await _it.NextWithAsync("org.matrix.msc3202.device_lists")).GetRawText());
        await carol.PostAsync($"{V3}/rooms/{_room}/leave", "{}");
        Assert.Equal("""{"changed":[],"left":["@carol:test"]}""", (await _it.NextWithAsync("org.matrix.msc3202.device_lists")).GetRawText());

        await _it.PostAsync($"{V3}/rooms/{_room}/leave", "{}", "@_irc_bob:test");
        Assert.Equal("""{"changed":[],"left":["@alice:test"]}""", (await _it.NextWithAsync("org.matrix.msc3202.device_lists")).GetRawText());
    }

    private async Task<JsonElement> NextAsync(string type)
    {
        while (true)
        {
            foreach (var one in (await _it.NextWithAsync("ephemeral")).EnumerateArray().Where(one => one.GetProperty("type").GetString() == type))
            {
                return one;
            }
        }
    }
}
