using System.Net;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Admin;

public sealed class ReportTests
{
    private const string Reports = "/_synapse/admin/v1/event_reports";

    [Fact]
    public async Task What_is_reported_is_listed_shown_and_deleted()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var room = await bob.CreateRoomAsync("""{"preset":"public_chat","name":"Den"}""");
        var said = await bob.SendTextAsync(room, "spam", "1");
        await alice.PostAsync($"/_matrix/client/v3/join/{room}", "{}");

        Assert.Equal("{}", (await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/report/{said}", """{"reason":"spam","score":-100}""")).Body);
        Assert.Equal("{}", (await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/report", """{"reason":"all of it"}""")).Body);
        Assert.Equal("{}", (await alice.PostAsync("/_matrix/client/v3/users/@bob:test/report", """{"reason":"spammer"}""")).Body);

        var list = await root.GetAsync(Reports);
        Assert.Equal(3, list["total"].GetInt32());
        Assert.Equal("@bob:test", list["event_reports"][0].GetProperty("target_user_id").GetString());
        var first = (await root.GetAsync(Reports + "?dir=f&limit=1"))["event_reports"][0];
        Assert.Equal(
            $$"""{"id":1,"received_ts":{{server.Time.GetUtcNow().ToUnixTimeMilliseconds()}},"user_id":"@alice:test","room_id":"{{room}}","event_id":"{{said}}","sender":"@bob:test","reason":"spam","score":-100,"name":"Den","canonical_alias":null}""",
            first.GetRawText());
        Assert.Equal(1, (await root.GetAsync(Reports + "?dir=f&limit=1"))["next_token"].GetInt32());
        Assert.Equal(0, (await root.GetAsync(Reports + "?user_id=@bob:test"))["total"].GetInt32());
        Assert.Contains("\"body\":\"spam\"", (await root.GetAsync(Reports + "/1")).Body, StringComparison.Ordinal);

        Assert.Equal("{}", (await root.DeleteAsync(Reports + "/1")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.GetAsync(Reports + "/1")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await root.GetAsync(Reports + "/one")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await alice.GetAsync(Reports)).Error);
    }

    [Fact]
    public async Task A_report_tells_nobody_what_there_is()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var room = await bob.CreateRoomAsync();
        var said = await bob.SendTextAsync(room, "secret", "1");

        var there = await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/report/{said}", """{"reason":"x"}""");
        var nowhere = await alice.PostAsync("/_matrix/client/v3/rooms/!none:test/report/$none", """{"reason":"x"}""");
        Assert.Equal((404, "M_NOT_FOUND"), there.Error);
        Assert.Equal(there.Body, nowhere.Body);
        Assert.Equal(HttpStatusCode.OK, (await alice.PostAsync("/_matrix/client/v3/rooms/!none:test/report", """{"reason":""}""")).Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.PostAsync("/_matrix/client/v3/users/@nobody:test/report", """{"reason":""}""")).Status);
        Assert.Equal((400, "M_MISSING_PARAM"), (await alice.PostAsync("/_matrix/client/v3/rooms/!none:test/report", "{}")).Error);
        Assert.Equal((400, "M_BAD_JSON"), (await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/report", """{"reason":1}""")).Error);
    }
}
