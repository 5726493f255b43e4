using System.Net;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Admin;

public sealed class RoomAdminTests
{
    private const string V1 = "/_synapse/admin/v1";
    private const string V2 = "/_synapse/admin/v2";

    [Fact]
    public async Task Rooms_are_listed_found_and_shown()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var den = await alice.CreateRoomAsync("""{"preset":"public_chat","name":"Den","room_version":"11"}""");
        var attic = await alice.CreateRoomAsync("""{"preset":"private_chat","name":"Attic"}""");
        await bob.PostAsync($"/_matrix/client/v3/join/{den}", "{}");

        var list = await root.GetAsync(V1 + "/rooms?limit=1");
        Assert.Equal((2, 1), (list["total_rooms"].GetInt32(), list["next_batch"].GetInt32()));
        Assert.Equal(attic, list["rooms"][0].GetProperty("room_id").GetString());
        Assert.Equal(den, (await root.GetAsync(V1 + "/rooms?order_by=joined_members"))["rooms"][0].GetProperty("room_id").GetString());
        Assert.Equal(1, (await root.GetAsync(V1 + "/rooms?search_term=den"))["total_rooms"].GetInt32());

        var shown = await root.GetAsync($"{V1}/rooms/{den}");
        Assert.Equal(
            ("Den", 2, 2, "11", "@alice:test", "public", "shared"),
            (shown["name"].GetString(), shown["joined_members"].GetInt32(), shown["joined_local_members"].GetInt32(), shown["version"].GetString(),
                shown["creator"].GetString(), shown["join_rules"].GetString(), shown["history_visibility"].GetString()));
        Assert.Equal("""{"members":["@alice:test","@bob:test"],"total":2}""", (await root.GetAsync($"{V1}/rooms/{den}/members")).Body);
        Assert.Contains("m.room.create", (await root.GetAsync($"{V1}/rooms/{attic}/state")).Body, StringComparison.Ordinal);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.GetAsync(V1 + "/rooms/!none:test")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await root.GetAsync(V1 + "/rooms?order_by=luck")).Error);
    }

    [Fact]
    public async Task A_room_is_deleted_and_those_who_were_in_it_are_told_why()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync("""{"preset":"public_chat","room_alias_name":"den"}""");

        var done = await root.DeleteAsync($"{V1}/rooms/{room}", """{"new_room_user_id":"@root:test","message":"Gone","block":true}""");

        Assert.Equal("""["@alice:test"]""", done["kicked_users"].GetRawText());
        Assert.Equal("""["#den:test"]""", done["local_aliases"].GetRawText());
        var replacement = done["new_room_id"].GetString();
        Assert.Equal($$"""{"joined_rooms":["{{replacement}}"]}""", (await alice.GetAsync("/_matrix/client/v3/joined_rooms")).Body);
        Assert.Contains("Gone", (await alice.GetAsync($"/_matrix/client/v3/rooms/{replacement}/messages?dir=b")).Body, StringComparison.Ordinal);
        Assert.Equal((403, "M_FORBIDDEN"), (await alice.PutAsync($"/_matrix/client/v3/rooms/{replacement}/send/m.room.message/1", """{"msgtype":"m.text","body":"x"}""")).Error);
        Assert.Equal(replacement, (await server.GetAsync("/_matrix/client/v3/directory/room/%23den:test"))["room_id"].GetString());
        Assert.Equal((404, "M_NOT_FOUND"), (await root.GetAsync($"{V1}/rooms/{room}")).Error);
        Assert.Equal("""{"block":true,"user_id":"@root:test"}""", (await root.GetAsync($"{V1}/rooms/{room}/block")).Body);
    }

    [Fact]
    public async Task A_deletion_in_the_background_is_asked_after()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();

        var id = (await root.DeleteAsync($"{V2}/rooms/{room}", "{}"))["delete_id"].GetString();
        var status = await EndAsync(root, $"{V2}/rooms/delete_status/{id}");

        Assert.Equal("complete", status["status"].GetString());
        Assert.Equal("""["@alice:test"]""", status["shutdown_room"].GetProperty("kicked_users").GetRawText());
        Assert.Single((await root.GetAsync($"{V2}/rooms/{room}/delete_status"))["results"].EnumerateArray());
        Assert.Equal(
            $$"""{"scheduled_tasks":[{"id":"{{id}}","action":"shutdown_and_purge_room","status":"complete","timestamp_ms":{{server.Time.GetUtcNow().ToUnixTimeMilliseconds()}},"resource_id":"{{room}}"}]}""",
            (await root.GetAsync($"{V1}/scheduled_tasks?status=complete&resource_id={room}")).Body);
        Assert.Equal("""{"scheduled_tasks":[]}""", (await root.GetAsync($"{V1}/scheduled_tasks?action_name=purge_history")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.DeleteAsync($"{V2}/rooms/{room}", "{}")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.GetAsync(V2 + "/rooms/delete_status/none")).Error);
    }

    [Fact]
    public async Task Nobody_comes_into_a_blocked_room()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var room = await alice.CreateRoomAsync();

        Assert.Equal("""{"block":true,"user_id":"@root:test"}""", (await root.PutAsync($"{V1}/rooms/{room}/block", """{"block":true}""")).Body);
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.PostAsync($"/_matrix/client/v3/join/{room}", "{}")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/invite", """{"user_id":"@bob:test"}""")).Error);
        Assert.Equal("""{"block":false}""", (await root.PutAsync($"{V1}/rooms/{room}/block", """{"block":false}""")).Body);
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"/_matrix/client/v3/join/{room}", "{}")).Status);
        Assert.Equal((400, "M_MISSING_PARAM"), (await root.PutAsync($"{V1}/rooms/{room}/block", "{}")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await root.PutAsync($"{V1}/rooms/nonsense/block", """{"block":true}""")).Error);
    }

    [Fact]
    public async Task Old_messages_are_purged_up_to_an_event()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var first = await alice.SendTextAsync(room, "first", "1");
        var second = await alice.SendTextAsync(room, "second", "2");
        await alice.SendTextAsync(room, "third", "3");

        var id = (await root.PostAsync($"{V1}/purge_history/{room}/{second}", "{}"))["purge_id"].GetString();
        Assert.Equal("complete", (await EndAsync(root, $"{V1}/purge_history_status/{id}"))["status"].GetString());

        Assert.Equal(HttpStatusCode.NotFound, (await alice.GetAsync($"/_matrix/client/v3/rooms/{room}/event/{first}")).Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.GetAsync($"/_matrix/client/v3/rooms/{room}/event/{second}")).Status);
        Assert.Equal((400, "M_MISSING_PARAM"), (await root.PostAsync($"{V1}/purge_history/{room}", "{}")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.PostAsync($"{V1}/purge_history/{room}/$none", "{}")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.PostAsync($"{V1}/purge_history/!none:test", """{"purge_up_to_ts":1}""")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.GetAsync(V1 + "/purge_history_status/none")).Error);
    }

    private static async Task<TestAnswer> EndAsync(TestSession admin, string path)
    {
        while (true)
        {
            var answer = await admin.GetAsync(path);
            if (answer["status"].GetString() is not ("purging" or "active"))
            {
                return answer;
            }

            await admin.Server.WritesSettledAsync();
        }
    }
}
