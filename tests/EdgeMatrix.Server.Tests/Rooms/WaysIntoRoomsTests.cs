using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Rooms;

public sealed class WaysIntoRoomsTests : IAsyncLifetime
{
    private const string V3 = "/_matrix/client/v3";

    private TestHomeserver _server = null!;
    private TestSession _alice = null!;
    private TestSession _bob = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestHomeserver.StartAsync();
        _alice = await _server.RegisterAsync("alice");
        _bob = await _server.RegisterAsync("bob");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Whoever_is_banned_comes_in_again_only_after_the_ban_is_lifted()
    {
        var room = await _alice.CreateRoomAsync();
        await _bob.PostAsync($"{V3}/join/{room}", "{}");
        var bob = $$"""{"user_id":"{{_bob.UserId}}"}""";
        Assert.Equal((403, "M_FORBIDDEN"), (await _alice.PostAsync($"{V3}/rooms/{room}/unban", bob)).Error);
        await _alice.PostAsync($"{V3}/rooms/{room}/ban", bob);
        Assert.Equal((403, "M_FORBIDDEN"), (await _bob.PostAsync($"{V3}/rooms/{room}/join", "{}")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await _bob.PostAsync($"{V3}/rooms/{room}/unban", bob)).Error);

        Assert.Equal("{}", (await _alice.PostAsync($"{V3}/rooms/{room}/unban", bob)).Body);
        Assert.Equal("leave", (await _alice.GetAsync($"{V3}/rooms/{room}/state/m.room.member/{_bob.UserId}"))["membership"].GetString());
        Assert.Equal(200, (await _bob.PostAsync($"{V3}/rooms/{room}/join", "{}")).Error.Status);
    }

    [Fact]
    public async Task What_a_join_says_besides_stands_in_the_member_event_but_for_what_is_the_server_s_to_say()
    {
        var room = await _alice.CreateRoomAsync();

        await _bob.PostAsync($"{V3}/join/{room}", """{"reason":"tea","badge":{"colour":"blue"},"membership":"ban","displayname":"Eve"}""");

        Assert.Equal(
            """{"badge":{"colour":"blue"},"displayname":"bob","membership":"join","reason":"tea"}""",
            (await _alice.GetAsync($"{V3}/rooms/{room}/state/m.room.member/{_bob.UserId}")).Body);
        Assert.Equal((400, "M_BAD_JSON"), (await (await _server.RegisterAsync("carol")).PostAsync($"{V3}/join/{room}", """{"badge":1.5}""")).Error);
    }

    [Fact]
    public async Task Who_knocks_is_in_after_an_invite()
    {
        var room = await _alice.CreateRoomAsync(
            """{"room_alias_name":"door","initial_state":[{"type":"m.room.join_rules","content":{"join_rule":"knock"}}]}""");
        Assert.Equal((403, "M_FORBIDDEN"), (await _bob.PostAsync($"{V3}/join/%23door:test", "{}")).Error);

        Assert.Equal(room, (await _bob.PostAsync($"{V3}/knock/%23door:test", """{"reason":"let me in"}"""))["room_id"].GetString());
        var knock = (await _alice.GetAsync($"{V3}/rooms/{room}/state/m.room.member/{_bob.UserId}")).Json;
        Assert.Equal(("knock", "let me in"), (knock.GetProperty("membership").GetString(), knock.GetProperty("reason").GetString()));
        Assert.True((await _bob.GetAsync($"{V3}/sync"))["rooms"].GetProperty("knock").TryGetProperty(room, out _));

        await _alice.PostAsync($"{V3}/rooms/{room}/invite", $$"""{"user_id":"{{_bob.UserId}}"}""");
        Assert.Equal(200, (await _bob.PostAsync($"{V3}/rooms/{room}/join", "{}")).Error.Status);
    }

    [Fact]
    public async Task A_room_is_in_the_directory_from_when_it_is_put_there_until_it_is_taken_out()
    {
        var room = await _alice.CreateRoomAsync("""{"preset":"public_chat","name":"Garden"}""");
        await _bob.PostAsync($"{V3}/join/{room}", "{}");
        var path = $"{V3}/directory/list/room/{room}";
        Assert.Equal((403, "M_FORBIDDEN"), (await _bob.PutAsync(path, """{"visibility":"public"}""")).Error);
        Assert.Equal(0, (await _bob.GetAsync($"{V3}/publicRooms"))["chunk"].GetArrayLength());

        Assert.Equal("{}", (await _alice.PutAsync(path, """{"visibility":"public"}""")).Body);
        Assert.Equal("Garden", (await _bob.GetAsync($"{V3}/publicRooms"))["chunk"][0].GetProperty("name").GetString());
        Assert.Equal("public", (await _server.GetAsync(path))["visibility"].GetString());

        await _alice.PutAsync(path, """{"visibility":"private"}""");
        Assert.Equal(0, (await _bob.GetAsync($"{V3}/publicRooms"))["chunk"].GetArrayLength());
    }

    [Fact]
    public async Task The_aliases_of_a_room_are_for_its_members()
    {
        var room = await _alice.CreateRoomAsync();
        await _alice.PutAsync($"{V3}/directory/room/%23one:test", $$"""{"room_id":"{{room}}"}""");
        await _alice.PutAsync($"{V3}/directory/room/%23two:test", $$"""{"room_id":"{{room}}"}""");

        Assert.Equal((403, "M_FORBIDDEN"), (await _bob.GetAsync($"{V3}/rooms/{room}/aliases")).Error);
        Assert.Equal(
            ["#one:test", "#two:test"],
            (await _alice.GetAsync($"{V3}/rooms/{room}/aliases"))["aliases"].EnumerateArray().Select(alias => alias.GetString()!).Order());
    }

    [Fact]
    public async Task Read_markers_move_the_marker_and_both_receipts_at_once()
    {
        var room = await _alice.CreateRoomAsync();
        await _bob.PostAsync($"{V3}/join/{room}", "{}");
        var (first, second) = (await _alice.SendTextAsync(room, "1", "1"), await _alice.SendTextAsync(room, "2", "2"));

        var moved = await _bob.PostAsync(
            $"{V3}/rooms/{room}/read_markers", $$"""{"m.fully_read":"{{first}}","m.read":"{{first}}","m.read.private":"{{second}}"}""");
        Assert.Equal("{}", moved.Body);
        Assert.Equal(first, (await _bob.GetAsync($"{V3}/user/{_bob.UserId}/rooms/{room}/account_data/m.fully_read"))["event_id"].GetString());
        var joined = (await _bob.GetAsync($"{V3}/sync"))["rooms"].GetProperty("join").GetProperty(room);
        Assert.Equal(0, joined.GetProperty("unread_notifications").GetProperty("notification_count").GetInt32());
        var receipts = joined.GetProperty("ephemeral").GetProperty("events")[0].GetProperty("content");
        Assert.True(receipts.GetProperty(first).TryGetProperty("m.read", out _));
        Assert.True(receipts.GetProperty(second).TryGetProperty("m.read.private", out _));
    }
}
