using System.Text.Json;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Encryption;

public sealed class DeviceKeyTests
{
    private const string Query = "/_matrix/client/v3/keys/query";
    private const string Claim = "/_matrix/client/v3/keys/claim";
    private const string AlicesKey = """{"one_time_keys":{"@alice:test":{"PHONE":"signed_curve25519"}}}""";

    [Fact]
    public async Task Device_keys_are_shown_as_they_were_uploaded_with_the_name_of_the_device()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        var bob = await server.RegisterAsync("bob");
        await alice.PutAsync("/_matrix/client/v3/devices/PHONE", """{"display_name":"Phone"}""");
        await alice.UploadKeysAsync();

        var answer = await bob.PostAsync(Query, """{"device_keys":{"@alice:test":[],"@bob:test":[],"@nobody:test":[],"@carol:else.where":[]}}""");

        var shown = answer["device_keys"].GetProperty("@alice:test").GetProperty("PHONE");
        foreach (var property in JsonElement.Parse(alice.DeviceKeys()).EnumerateObject())
        {
            Assert.True(JsonElement.DeepEquals(property.Value, shown.GetProperty(property.Name)));
        }

        Assert.Equal("""{"device_display_name":"Phone"}""", shown.GetProperty("unsigned").GetRawText());
        Assert.Equal("{}", answer["device_keys"].GetProperty("@bob:test").GetRawText());
        Assert.False(answer["device_keys"].TryGetProperty("@nobody:test", out _));
        Assert.Equal(["else.where"], answer["failures"].EnumerateObject().Select(failure => failure.Name));
    }

    [Fact]
    public async Task One_device_can_be_asked_for()
    {
        await using var server = await TestHomeserver.StartAsync();
        var phone = await server.RegisterAsync("alice", "PHONE");
        await phone.UploadKeysAsync();
        await (await server.LogInAsync("alice", "LAPTOP")).UploadKeysAsync();

        var answer = await phone.PostAsync(Query, """{"device_keys":{"@alice:test":["LAPTOP","OTHER"]}}""");

        Assert.Equal(["LAPTOP"], answer["device_keys"].GetProperty("@alice:test").EnumerateObject().Select(device => device.Name));
    }

    [Fact]
    public async Task Device_keys_of_another_user_or_device_or_with_a_wrong_signature_are_refused()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        var laptop = await server.LogInAsync("alice", "LAPTOP");
        var bob = await server.RegisterAsync("bob", "PHONE");

        Assert.Equal((400, "M_INVALID_PARAM"), (await alice.UploadAsync($$"""{"device_keys":{{bob.DeviceKeys()}}}""")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await alice.UploadAsync($$"""{"device_keys":{{laptop.DeviceKeys()}}}""")).Error);
        var broken = alice.DeviceKeys().Replace("m.megolm.v1", "m.megolm.v2", StringComparison.Ordinal);
        Assert.Equal((400, "M_INVALID_SIGNATURE"), (await alice.UploadAsync($$"""{"device_keys":{{broken}}}""")).Error);
        Assert.Equal((400, "M_BAD_JSON"), (await alice.UploadAsync("""{"device_keys":[]}""")).Error);
        Assert.Equal(
            (400, "M_BAD_JSON"),
            (await alice.UploadAsync($$$"""{"device_keys":{"user_id":"{{{alice.UserId}}}","device_id":"{{{alice.DeviceId}}}"}}""")).Error);
        Assert.Equal("{}", (await alice.PostAsync(Query, """{"device_keys":{"@alice:test":[]}}"""))["device_keys"].GetProperty("@alice:test").GetRawText());
    }

    [Fact]
    public async Task A_one_time_key_is_handed_out_once_in_the_order_of_the_uploads()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        var bob = await server.RegisterAsync("bob");
        Assert.Equal("""{"one_time_key_counts":{"signed_curve25519":1}}""", (await alice.UploadKeysAsync("zzz")).Body);
        await alice.UploadKeysAsync("aaa");

        Assert.Equal(["signed_curve25519:zzz"], await ClaimAsync(bob));
        Assert.Equal(["signed_curve25519:aaa"], await ClaimAsync(bob));
        Assert.Empty(await ClaimAsync(bob));
    }

    [Fact]
    public async Task Many_who_ask_at_once_get_different_keys()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        await alice.UploadKeysAsync([.. Enumerable.Range(0, 20).Select(i => $"k{i}")]);

        var claims = await Task.WhenAll(Enumerable.Range(0, 25).Select(_ => ClaimAsync(alice)));

        Assert.Equal(20, claims.SelectMany(keys => keys).Distinct().Count());
        Assert.Equal(20, claims.Sum(keys => keys.Count));
    }

    [Fact]
    public async Task A_key_uploaded_again_is_one_key_even_after_it_was_claimed()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        await alice.UploadKeysAsync("one");
        Assert.Equal("""{"one_time_key_counts":{"signed_curve25519":1}}""", (await alice.UploadKeysAsync("one")).Body);
        await ClaimAsync(alice);

        Assert.Equal("""{"one_time_key_counts":{}}""", (await alice.UploadKeysAsync("one")).Body);
        Assert.Empty(await ClaimAsync(alice));
    }

    [Fact]
    public async Task Another_key_of_a_known_id_is_refused_and_nothing_of_the_upload_is_taken()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        await alice.UploadKeysAsync("one");

        var answer = await alice.UploadAsync(
            $$"""{"one_time_keys":{"signed_curve25519:two":{{alice.OneTimeKey("two")}},"signed_curve25519:one":{{alice.OneTimeKey("other")}} } }""");

        Assert.Equal((400, "M_INVALID_PARAM"), answer.Error);
        Assert.Equal(1, await CountAsync(alice));
    }

    [Fact]
    public async Task A_fallback_key_is_handed_out_again_and_again_and_is_unused_until_then()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        await alice.UploadKeysAsync("one");
        await alice.UploadAsync($$"""{"fallback_keys":{"signed_curve25519:back":{{alice.OneTimeKey("back", fallback: true)}} } }""");
        Assert.Equal("""["signed_curve25519"]""", await UnusedAsync(alice));

        Assert.Equal(["signed_curve25519:one"], await ClaimAsync(alice));
        Assert.Equal("""["signed_curve25519"]""", await UnusedAsync(alice));
        Assert.Equal(["signed_curve25519:back"], await ClaimAsync(alice));
        Assert.Equal(["signed_curve25519:back"], await ClaimAsync(alice));
        Assert.Equal("[]", await UnusedAsync(alice));

        await alice.UploadAsync($$"""{"fallback_keys":{"signed_curve25519:back2":{{alice.OneTimeKey("back2", fallback: true)}} } }""");
        Assert.Equal("""["signed_curve25519"]""", await UnusedAsync(alice));
        Assert.Equal(["signed_curve25519:back2"], await ClaimAsync(alice));
    }

    [Fact]
    public async Task Algorithms_nobody_knows_yet_are_carried_with_keys_of_any_form_and_thousands_of_bytes()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        var large = new string('A', 12_000);
        var keys = alice.DeviceKeys(more: "\"org.example.kem\": {\"ml-kem-1024\": \"" + large + "\"},");
        var upload = await alice.UploadAsync(
            $$$"""{"device_keys":{{{keys}}},"one_time_keys":{"org.example.kem:1":{"key":"{{{large}}}","more":[1]},"org.example.text:1":"{{{large}}}"}}""");
        Assert.Equal("""{"one_time_key_counts":{"org.example.kem":1,"org.example.text":1}}""", upload.Body);

        var shown = await alice.PostAsync(Query, """{"device_keys":{"@alice:test":[]}}""");
        Assert.Contains(large, shown.Body, StringComparison.Ordinal);
        var claimed = await alice.PostAsync(Claim, """{"one_time_keys":{"@alice:test":{"PHONE":"org.example.kem"}}}""");
        Assert.Equal(
            $$"""{"key":"{{large}}","more":[1]}""",
            claimed["one_time_keys"].GetProperty("@alice:test").GetProperty("PHONE").GetProperty("org.example.kem:1").GetRawText());
    }

    [Fact]
    public async Task A_device_may_hold_a_thousand_one_time_keys()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        string Keys(int from, int count) => string.Join(",", Enumerable.Range(from, count).Select(i => $"\"text:{i}\":\"key\""));
        Assert.Equal(200, (int)(await alice.UploadAsync($$"""{"one_time_keys":{ {{Keys(0, 1_000)}} } }""")).Status);

        Assert.Equal((413, "M_TOO_LARGE"), (await alice.UploadAsync($$"""{"one_time_keys":{ {{Keys(1_000, 1)}} } }""")).Error);
        Assert.Equal((413, "M_TOO_LARGE"), (await alice.UploadAsync($$"""{"one_time_keys":{"text:x":"{{new string('A', 40_000)}}"} }""")).Error);
    }

    [Fact]
    public async Task Every_sync_says_how_many_keys_are_left()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        Assert.Equal(0, await CountAsync(alice));
        await alice.UploadKeysAsync("one", "two");
        var sync = await alice.GetAsync("/_matrix/client/v3/sync");
        Assert.Equal(2, sync["device_one_time_keys_count"].GetProperty("signed_curve25519").GetInt32());

        await ClaimAsync(alice);

        var later = await alice.GetAsync($"/_matrix/client/v3/sync?since={sync["next_batch"].GetString()}");
        Assert.Equal("""{"signed_curve25519":1}""", later["device_one_time_keys_count"].GetRawText());
        Assert.Equal("[]", later["device_unused_fallback_key_types"].GetRawText());
    }

    [Fact]
    public async Task Keys_go_with_their_device_and_with_its_identity()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        var laptop = await server.LogInAsync("alice", "LAPTOP");
        await laptop.UploadKeysAsync("one");
        await alice.UploadKeysAsync("one");
        await alice.UploadAsync($$"""{"device_keys":{{alice.DeviceKeys("other")}}}""");
        Assert.Equal(0, await CountAsync(alice));

        await laptop.PostAsync("/_matrix/client/v3/logout", "{}");

        Assert.Empty(await ClaimAsync(alice, "LAPTOP"));
        Assert.Equal(
            ["PHONE"],
            (await alice.PostAsync(Query, """{"device_keys":{"@alice:test":[]}}"""))["device_keys"].GetProperty("@alice:test").EnumerateObject().Select(d => d.Name));
    }

    private static async Task<List<string>> ClaimAsync(TestSession asking, string device = "PHONE")
    {
        var answer = await asking.PostAsync(Claim, AlicesKey.Replace("PHONE", device, StringComparison.Ordinal));
        return answer["one_time_keys"].TryGetProperty("@alice:test", out var devices)
            ? [.. devices.GetProperty(device).EnumerateObject().Select(key => key.Name)]
            : [];
    }

    private static async Task<int> CountAsync(TestSession session) =>
        (await session.GetAsync("/_matrix/client/v3/sync"))["device_one_time_keys_count"].TryGetProperty("signed_curve25519", out var count)
            ? count.GetInt32()
            : 0;

    private static async Task<string> UnusedAsync(TestSession session) =>
        (await session.GetAsync("/_matrix/client/v3/sync"))["device_unused_fallback_key_types"].GetRawText();
}
