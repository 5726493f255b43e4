using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Encryption;

public sealed class DehydratedDeviceTests
{
    private const string Dehydrated = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device";

    [Fact]
    public async Task A_dehydrated_device_receives_what_a_later_device_reads_page_by_page()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice", "PHONE"), await server.RegisterAsync("bob"));
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync(Dehydrated)).Error);
        Assert.Equal("""{"device_id":"DRY"}""", (await PutAsync(alice, "DRY")).Body);
        Assert.Equal("""{"device_id":"DRY","device_data":{"algorithm":"m.dehydration.v2","secret":"x"}}""", (await alice.GetAsync(Dehydrated)).Body);
        for (var i = 0; i < 101; i++)
        {
            await bob.PutAsync($"/_matrix/client/v3/sendToDevice/m.note/{i}", """{"messages":{"@alice:test":{"DRY":{}}}}""");
        }

        var first = await alice.GetAsync($"{Dehydrated}/DRY/events");
        var second = await alice.GetAsync($"{Dehydrated}/DRY/events?from={first["next_batch"].GetString()}");
        var third = await alice.GetAsync($"{Dehydrated}/DRY/events?from={second["next_batch"].GetString()}");

        Assert.Equal((100, 1), (first["events"].GetArrayLength(), second["events"].GetArrayLength()));
        Assert.Equal("""{"events":[]}""", third.Body);
        Assert.Equal(100, (await alice.PostAsync($"{Dehydrated}/DRY/events", "{}"))["events"].GetArrayLength());
        Assert.Equal((404, "M_NOT_FOUND"), (await bob.GetAsync($"{Dehydrated}/DRY/events")).Error);
    }

    [Fact]
    public async Task Its_keys_are_shown_and_claimed_as_those_of_any_device_and_go_with_it()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        await PutAsync(alice, "DRY");
        Assert.Equal(["DRY"], await DevicesAsync(alice));

        await PutAsync(alice, "DRIER");
        Assert.Equal(["DRIER"], await DevicesAsync(alice));
        Assert.Equal((400, "M_INVALID_PARAM"), (await PutAsync(alice, "PHONE")).Error);
        Assert.Equal(["DRIER"], await DevicesAsync(alice));

        Assert.Equal("""{"device_id":"DRIER"}""", (await alice.DeleteAsync(Dehydrated)).Body);
        Assert.Empty(await DevicesAsync(alice));
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.DeleteAsync(Dehydrated)).Error);
    }

    private static Task<TestAnswer> PutAsync(TestSession session, string deviceId)
    {
        var keys = (session with { DeviceId = deviceId }).DeviceKeys();
        return session.PutAsync(
            Dehydrated, "{\"device_id\":\"" + deviceId + "\",\"device_data\":{\"algorithm\":\"m.dehydration.v2\",\"secret\":\"x\"},\"device_keys\":" + keys + "}");
    }

    private static async Task<List<string>> DevicesAsync(TestSession session) =>
        [.. (await session.PostAsync("/_matrix/client/v3/keys/query", """{"device_keys":{"@alice:test":[]}}"""))["device_keys"]
            .GetProperty("@alice:test").EnumerateObject().Select(device => device.Name)];
}
