using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Admin;

public sealed class RoomListTests : IAsyncLifetime
{
    private const string Rooms = "/_synapse/admin/v1/rooms";

    private TestHomeserver _server = null!;
    private TestSession _root = null!;
    private TestSession _alice = null!;
    private string _attic = null!;
    private string _den = null!;
    private string _plain = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestHomeserver.StartAsync();
        _root = await _server.RegisterAdminAsync();
        _alice = await _server.RegisterAsync("alice");
        _den = await _root.CreateRoomAsync("""{"preset":"public_chat","name":"den","room_alias_name":"zoo","visibility":"public","room_version":"9"}""");
        _attic = await _alice.CreateRoomAsync("""{"preset":"private_chat","name":"Attic","room_version":"11"}""");
        _plain = await _alice.CreateRoomAsync("""{"preset":"public_chat","room_version":"10"}""");
        await _alice.PostAsync($"/_matrix/client/v3/join/{_den}", "{}");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("", "plain attic den")]
    [InlineData("order_by=name&dir=b", "den attic plain")]
    [InlineData("order_by=canonical_alias&dir=b&limit=1", "den")]
    [InlineData("order_by=joined_members&limit=1", "den")]
    [InlineData("order_by=joined_local_members&limit=1", "den")]
    [InlineData("order_by=version", "den attic plain")]
    [InlineData("order_by=public&dir=b&limit=1", "den")]
    [InlineData("order_by=creator", "plain attic den")]
    [InlineData("order_by=join_rules&limit=1", "attic")]
    [InlineData("search_term=ATT", "attic")]
    [InlineData("search_term=zo", "den")]
    [InlineData("search_term=test", "")]
    [InlineData("public_rooms=true", "den")]
    [InlineData("public_rooms=false", "plain attic")]
    [InlineData("empty_rooms=true", "")]
    [InlineData("from=1&limit=1", "attic")]
    public async Task Rooms_come_in_order(string query, string expected) => Assert.Equal(expected, Names(await _root.GetAsync($"{Rooms}?{query}")));

    [Fact]
    public async Task A_page_tells_where_it_is_and_how_many_there_are()
    {
        var middle = await _root.GetAsync($"{Rooms}?from=1&limit=1");
        Assert.Equal(
            (1, 3, 2, 0),
            (middle["offset"].GetInt32(), middle["total_rooms"].GetInt32(), middle["next_batch"].GetInt32(), middle["prev_batch"].GetInt32()));
        Assert.Equal(1, (await _root.GetAsync($"{Rooms}?search_term=den"))["total_rooms"].GetInt32());
        Assert.Equal(1, (await _root.GetAsync($"{Rooms}?search_term={_plain}"))["total_rooms"].GetInt32());
        Assert.Equal((400, "M_INVALID_PARAM"), (await _root.GetAsync($"{Rooms}?public_rooms=some")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await _alice.GetAsync(Rooms)).Error);
    }

    [Fact]
    public async Task What_a_room_is_called_is_known_as_it_changes()
    {
        var named = (await _alice.PutAsync($"/_matrix/client/v3/rooms/{_plain}/state/m.room.name", """{"name":"Zebra"}"""))["event_id"].GetString();
        Assert.Equal("attic den plain", Names(await _root.GetAsync(Rooms)));

        await _alice.PutAsync($"/_matrix/client/v3/rooms/{_plain}/redact/{named}/1", "{}");
        Assert.Equal("plain attic den", Names(await _root.GetAsync(Rooms)));

        await _root.DeleteAsync($"{Rooms}/{_den}", "{}");
        Assert.Equal("plain attic", Names(await _root.GetAsync(Rooms)));
    }

    [Fact]
    public async Task Rooms_of_an_older_server_are_found_by_name_once_upkeep_came_by()
    {
        await _server.Part<Database>().WriteAsync(db =>
        {
            using var forget = db.Prepare("UPDATE room_names SET place = NULL, name = NULL, alias = NULL");
            forget.Run();
        });
        Assert.Equal(0, (await _root.GetAsync($"{Rooms}?search_term=den"))["total_rooms"].GetInt32());

        await _server.UpkeepAsync(TimeSpan.FromMinutes(2));

        Assert.Equal("plain attic den", Names(await _root.GetAsync(Rooms)));
    }

    private string Names(TestAnswer answer) => string.Join(' ', answer["rooms"].EnumerateArray()
        .Select(room => room.GetProperty("room_id").GetString()).Select(id => id == _den ? "den" : id == _attic ? "attic" : "plain"));
}
