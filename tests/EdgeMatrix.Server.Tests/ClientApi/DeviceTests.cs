using System.Net;
using EdgeMatrix.Testing;
using EdgeMatrix.Upkeep;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class DeviceTests
{
    private const string Devices = "/_matrix/client/v3/devices";
    private const string WhoAmI = "/_matrix/client/v3/account/whoami";

    [Fact]
    public async Task A_device_is_listed_with_when_and_whence_it_was_last_seen()
    {
        await using var server = await TestHomeserver.StartAsync(transport: Transport.Loopback);
        var alice = await server.RegisterAsync("alice", "PHONE");
        await alice.GetAsync(Devices);

        // Nobody waits for a device to be written down as seen.
        await server.WritesSettledAsync();
        var device = (await alice.GetAsync(Devices))["devices"][0];

        Assert.Equal("PHONE", device.GetProperty("device_id").GetString());
        Assert.Equal(1_790_000_000_000, device.GetProperty("last_seen_ts").GetInt64());
        Assert.Equal("127.0.0.1", device.GetProperty("last_seen_ip").GetString());
    }

    [Fact]
    public async Task A_device_is_written_down_as_seen_once_a_minute()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        // The first run of the upkeep writes too: let it be over.
        await server.UpkeepAsync(UpkeepWorker.FirstRun);
        await alice.GetAsync(WhoAmI);
        await server.WritesSettledAsync();
        var before = server.Writes;

        for (var i = 0; i < 5; i++)
        {
            await alice.GetAsync(WhoAmI);
        }

        await server.WritesSettledAsync();
        Assert.Equal(before + 1, server.Writes);

        server.Time.Advance(TimeSpan.FromSeconds(60));
        await alice.GetAsync(WhoAmI);
        await server.WritesSettledAsync();
        Assert.Equal(before + 3, server.Writes);
    }

    [Fact]
    public async Task A_device_can_be_renamed()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");

        Assert.Equal("{}", (await alice.PutAsync(Devices + "/PHONE", """{"display_name":"Phone"}""")).Body);
        Assert.Equal("{}", (await alice.PutAsync(Devices + "/PHONE", "{}")).Body);

        Assert.Equal("Phone", (await alice.GetAsync(Devices + "/PHONE"))["display_name"].GetString());
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.PutAsync(Devices + "/OTHER", """{"display_name":"x"}""")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync(Devices + "/OTHER")).Error);
    }

    [Fact]
    public async Task Deleting_a_device_takes_the_password_and_ends_its_token()
    {
        await using var server = await TestHomeserver.StartAsync();
        var phone = await server.RegisterAsync("alice", "PHONE");
        var laptop = await server.LogInAsync("alice", "LAPTOP");
        await laptop.GetAsync(WhoAmI);

        var challenge = await phone.DeleteAsync(Devices + "/LAPTOP");
        Assert.Equal(HttpStatusCode.Unauthorized, challenge.Status);
        Assert.Equal("""[{"stages":["m.login.password"]}]""", challenge["flows"].GetRawText());
        var session = challenge["session"].GetString();

        var wrong = await phone.DeleteAsync(Devices + "/LAPTOP", $$$"""{"auth":{{{Auth(session, "guess")}}}}""");
        Assert.Equal((401, "M_FORBIDDEN"), wrong.Error);
        Assert.Equal(session, wrong["session"].GetString());
        Assert.Equal(HttpStatusCode.OK, (await laptop.GetAsync(WhoAmI)).Status);

        var done = await phone.DeleteAsync(Devices + "/LAPTOP", $$$"""{"auth":{{{Auth(session, "secret")}}}}""");
        Assert.Equal((HttpStatusCode.OK, "{}"), (done.Status, done.Body));
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await laptop.GetAsync(WhoAmI)).Error);
        Assert.Single((await phone.GetAsync(Devices))["devices"].EnumerateArray());
    }

    [Fact]
    public async Task Several_devices_are_deleted_at_once_and_only_those_asked_for()
    {
        await using var server = await TestHomeserver.StartAsync();
        var phone = await server.RegisterAsync("alice", "PHONE");
        await server.LogInAsync("alice", "A");
        await server.LogInAsync("alice", "B");
        const string Path = "/_matrix/client/v3/delete_devices";

        var session = (await phone.PostAsync(Path, """{"devices":["A"]}"""))["session"].GetString();
        var changed = await phone.PostAsync(Path, $$$"""{"devices":["A","B"],"auth":{{{Auth(session, "secret")}}}}""");
        Assert.Equal((403, "M_FORBIDDEN"), changed.Error);
        var done = await phone.PostAsync(Path, $$$"""{"auth":{{{Auth(session, "secret")}}},"devices":["A"]}""");

        Assert.Equal(HttpStatusCode.OK, done.Status);
        Assert.Equal(["PHONE", "B"], (await phone.GetAsync(Devices))["devices"].EnumerateArray().Select(d => d.GetProperty("device_id").GetString()));
    }

    [Fact]
    public async Task Another_user_s_password_does_not_help()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        await server.RegisterAsync("bob");

        var answer = await alice.DeleteAsync(Devices + "/PHONE", $$$"""{"auth":{{{Auth(null, "secret", "bob")}}}}""");

        Assert.Equal((403, "M_FORBIDDEN"), answer.Error);
    }

    [Fact]
    public async Task A_new_password_logs_the_other_devices_out()
    {
        await using var server = await TestHomeserver.StartAsync();
        var phone = await server.RegisterAsync("alice", "PHONE");
        var laptop = await server.LogInAsync("alice", "LAPTOP");
        await laptop.GetAsync(WhoAmI);
        const string Path = "/_matrix/client/v3/account/password";

        Assert.Equal(HttpStatusCode.Unauthorized, (await phone.PostAsync(Path, """{"new_password":"better"}""")).Status);
        var done = await phone.PostAsync(Path, $$$"""{"new_password":"better","auth":{{{Auth(null, "secret")}}}}""");

        Assert.Equal((HttpStatusCode.OK, "{}"), (done.Status, done.Body));
        Assert.Equal(HttpStatusCode.OK, (await phone.GetAsync(WhoAmI)).Status);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await laptop.GetAsync(WhoAmI)).Error);
        var kept = await phone.PostAsync(
            Path, $$$"""{"new_password":"best","logout_devices":false,"auth":{{{Auth(null, "better")}}}}""");
        Assert.Equal(HttpStatusCode.OK, kept.Status);
        Assert.Equal((400, "M_MISSING_PARAM"), (await phone.PostAsync(Path, "{}")).Error);
    }

    private static string Auth(string? session, string password, string user = "alice") =>
        $$"""
        {"type":"m.login.password",{{(session is null ? "" : $"\"session\":\"{session}\",")}}
         "identifier":{"type":"m.id.user","user":"{{user}}"},"password":"{{password}}"}
        """;
}
