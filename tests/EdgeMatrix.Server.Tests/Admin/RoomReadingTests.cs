using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Admin;

/// <summary>Administrators look into rooms that they are not in.</summary>
public sealed class RoomReadingTests
{
    private const string V1 = "/_synapse/admin/v1";

    [Fact]
    public async Task Messages_context_and_time_are_read_without_being_in_the_room()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var said = await alice.SendTextAsync(room, "private", "1");
        await alice.SendTextAsync(room, "after", "2");

        var last = await root.GetAsync($"{V1}/rooms/{room}/messages?dir=b&limit=1");
        Assert.Equal("after", last["chunk"][0].GetProperty("content").GetProperty("body").GetString());
        var context = await root.GetAsync($"{V1}/rooms/{room}/context/{said}?limit=2");
        Assert.Equal(said, context["event"].GetProperty("event_id").GetString());
        Assert.Equal("after", context["events_after"][0].GetProperty("content").GetProperty("body").GetString());
        Assert.StartsWith("$", (await root.GetAsync($"{V1}/rooms/{room}/timestamp_to_event?ts=1&dir=f"))["event_id"].GetString(), StringComparison.Ordinal);
        var fetched = (await root.GetAsync($"{V1}/fetch_event/{said}"))["event"];
        Assert.Equal((said, "@alice:test"), (fetched.GetProperty("event_id").GetString(), fetched.GetProperty("sender").GetString()));
        Assert.True(fetched.TryGetProperty("signatures", out _));

        var space = await alice.CreateRoomAsync("""{"creation_content":{"type":"m.space"}}""");
        await alice.PutAsync($"/_matrix/client/v3/rooms/{space}/state/m.space.child/{room}", """{"via":["test"]}""");
        Assert.Equal(
            [space, room],
            (await root.GetAsync($"{V1}/rooms/{space}/hierarchy"))["rooms"].EnumerateArray().Select(one => one.GetProperty("room_id").GetString()!));

        foreach (var path in new[] { "hierarchy", "messages?dir=b", $"context/{said}", "timestamp_to_event?ts=1&dir=f" })
        {
            Assert.Equal((403, "M_FORBIDDEN"), (await alice.GetAsync($"{V1}/rooms/{room}/{path}")).Error);
            Assert.Equal((404, "M_NOT_FOUND"), (await root.GetAsync($"{V1}/rooms/!none:test/{path}")).Error);
        }

        Assert.Equal((403, "M_FORBIDDEN"), (await root.GetAsync($"/_matrix/client/v3/rooms/{room}/messages?dir=b")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.GetAsync($"{V1}/fetch_event/$none")).Error);
    }

    [Fact]
    public async Task Forward_extremities_are_shown_and_tied_together()
    {
        var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync("""{"preset":"public_chat","room_alias_name":"den"}""");
        await alice.SendTextAsync(room, "one", "1");
        var last = await alice.SendTextAsync(room, "two", "2");
        var one = await root.GetAsync($"{V1}/rooms/%23den:test/forward_extremities");
        Assert.Equal((1, last), (one["count"].GetInt32(), one["results"][0].GetProperty("event_id").GetString()));
        Assert.Equal("""{"deleted":0}""", (await root.DeleteAsync($"{V1}/rooms/{room}/forward_extremities")).Body);

        await server.Part<Database>().WriteAsync(db =>
        {
            using var fork = db.Prepare(
                "UPDATE rooms SET extremities = (SELECT unhex(group_concat(hex(b), '')) FROM (SELECT unhex(printf('%02X%02X000000000000', nid & 255, nid >> 8)) b FROM events WHERE room = rooms.nid ORDER BY nid DESC LIMIT 2))");
            fork.Run();
        });
        await using var later = await server.RestartAsync();

        Assert.Equal(2, (await later.GetAsync($"{V1}/rooms/{room}/forward_extremities", root.Token))["count"].GetInt32());
        Assert.Equal("""{"deleted":1}""", (await later.SendAsync(HttpMethod.Delete, $"{V1}/rooms/{room}/forward_extremities", root.Token, null)).Body);
        Assert.Equal(1, (await later.GetAsync($"{V1}/rooms/{room}/forward_extremities", root.Token))["count"].GetInt32());
        Assert.Equal((404, "M_NOT_FOUND"), (await later.GetAsync($"{V1}/rooms/!none:test/forward_extremities", root.Token)).Error);
    }
}
