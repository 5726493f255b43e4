using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Admin;

public sealed class RoomEntryTests
{
    private const string V3 = "/_matrix/client/v3";
    private const string Admin = "/_synapse/admin/v1";

    [Theory]
    [InlineData("11")]
    [InlineData("12")]
    public async Task An_administrator_is_given_the_power_of_the_mightiest_and_invited(string version)
    {
        await using var server = await TestHomeserver.StartAsync();
        var (root, alice) = (await server.RegisterAdminAsync(), await server.RegisterAsync("alice"));
        var room = await alice.CreateRoomAsync($$"""{"preset":"private_chat","room_version":"{{version}}"}""");

        Assert.Equal("{}", (await root.PostAsync($"{Admin}/rooms/{room}/make_room_admin", "")).Body);

        await root.PostAsync($"{V3}/rooms/{room}/join", "{}");
        Assert.Equal((200, null), (await root.PutAsync($"{V3}/rooms/{room}/state/m.room.name", """{"name":"Ours"}""")).Error);
        var levels = (await root.GetAsync($"{V3}/rooms/{room}/state/m.room.power_levels"))["users"];
        Assert.Equal(100, levels.GetProperty(root.UserId).GetInt64());
        Assert.Equal("{}", (await root.PostAsync($"{Admin}/rooms/{room}/make_room_admin", "{}")).Body);
    }

    [Fact]
    public async Task It_needs_a_user_here_who_may_change_the_levels()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (root, alice, bob) = (await server.RegisterAdminAsync(), await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync();
        await bob.PostAsync($"{V3}/rooms/{room}/join", "{}");
        await alice.PostAsync($"{V3}/rooms/{room}/leave", "{}");

        Assert.Equal((400, "M_UNKNOWN"), (await root.PostAsync($"{Admin}/rooms/{room}/make_room_admin", "{}")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.PostAsync($"{Admin}/rooms/!none:test/make_room_admin", "{}")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.PostAsync($"{Admin}/rooms/{room}/make_room_admin", "{}")).Error);
    }

    [Fact]
    public async Task A_user_is_joined_to_a_room()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (root, alice) = (await server.RegisterAdminAsync(), await server.RegisterAsync("alice"));
        var (open, mine) = (await alice.CreateRoomAsync(), await root.CreateRoomAsync("""{"preset":"private_chat"}"""));
        var bob = await server.RegisterAsync("bob");
        var theirs = await alice.CreateRoomAsync("""{"preset":"private_chat"}""");

        foreach (var room in (string[])[open, mine])
        {
            Assert.Equal(room, (await root.PostAsync($"{Admin}/join/{room}", """{"user_id":"@bob:test"}"""))["room_id"].GetString());
            Assert.Equal((200, null), (await bob.GetAsync($"{V3}/rooms/{room}/joined_members")).Error);
        }

        Assert.Equal((403, "M_FORBIDDEN"), (await root.PostAsync($"{Admin}/join/{theirs}", """{"user_id":"@bob:test"}""")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.PostAsync($"{Admin}/join/{open}", """{"user_id":"@nobody:test"}""")).Error);
        Assert.Equal((400, "M_MISSING_PARAM"), (await root.PostAsync($"{Admin}/join/{open}", "{}")).Error);
    }

    [Fact]
    public async Task What_a_user_said_is_redacted_in_all_rooms()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (root, alice, bob) = (await server.RegisterAdminAsync(), await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync();
        await bob.PostAsync($"{V3}/rooms/{room}/join", "{}");
        var own = await alice.SendTextAsync(room, "mine", "1");
        var said = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            said.Add(await bob.SendTextAsync(room, "spam", $"{i}"));
        }

        var started = await root.PostAsync($"{Admin}/user/@bob:test/redact", """{"rooms":[],"reason":"spam","limit":2}""");
        var status = await CompletedAsync(root, started["redact_id"].GetString()!);

        Assert.Equal("{}", status["failed_redactions"].GetRawText());
        Assert.Equal("spam", await BodyAsync(said[0]));
        Assert.Null(await BodyAsync(said[1]));
        Assert.Null(await BodyAsync(said[2]));
        Assert.Equal("mine", await BodyAsync(own));

        await bob.PostAsync($"{V3}/rooms/{room}/leave", "{}");
        started = await root.PostAsync($"{Admin}/user/@bob:test/redact", $$"""{"rooms":["{{room}}"]}""");
        status = await CompletedAsync(root, started["redact_id"].GetString()!);
        Assert.True(status["failed_redactions"].TryGetProperty(said[0], out _));
        Assert.Equal((404, "M_NOT_FOUND"), (await root.GetAsync(Admin + "/user/redact_status/none")).Error);
        Assert.Equal((400, "M_MISSING_PARAM"), (await root.PostAsync(Admin + "/user/@bob:test/redact", "{}")).Error);

        async Task<string?> BodyAsync(string id) =>
            (await alice.GetAsync($"{V3}/rooms/{room}/event/{id}"))["content"].TryGetProperty("body", out var body) ? body.GetString() : null;
    }

    private static async Task<TestAnswer> CompletedAsync(TestSession root, string id)
    {
        while (true)
        {
            var status = await root.GetAsync($"{Admin}/user/redact_status/{id}");
            if (status["status"].GetString() != "active")
            {
                Assert.Equal("completed", status["status"].GetString());
                return status;
            }

            await Task.Delay(10);
        }
    }
}
