using EdgeMatrix.Testing;
using Microsoft.AspNetCore.Http;
using Xunit;
using static EdgeMatrix.Server.Tests.AppServices.BridgedServer;

namespace EdgeMatrix.Server.Tests.AppServices;

/// <summary>Users and aliases that are made when somebody asks for them, pings, networks and their directories.</summary>
public sealed class AppServiceQueryTests : IAsyncLifetime
{
    private BridgedServer _it = null!;
    private TestSession _alice = null!;

    public async ValueTask InitializeAsync()
    {
        _it = await StartAsync("protocols: [irc]");
        _alice = await _it.Server.RegisterAsync("alice");
    }

    public ValueTask DisposeAsync() => _it.DisposeAsync();

    [Fact]
    public async Task A_user_that_is_not_there_is_asked_for_and_made_before_the_answer()
    {
        _it.Bridge.Answer = async (request, response) =>
        {
            if (request.Path == "/_matrix/app/v1/users/@_irc_bob:test")
            {
                await _it.MakeUserAsync("_irc_bob");
            }
            else
            {
                response.StatusCode = 404;
            }
        };

        Assert.Equal("_irc_bob", (await _alice.GetAsync($"{V3}/profile/@_irc_bob:test"))["displayname"].GetString());
        Assert.Equal((404, "M_NOT_FOUND"), (await _alice.GetAsync($"{V3}/profile/@_irc_eve:test")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await _alice.GetAsync($"{V3}/profile/@nobody:test")).Error);
        var asked = new List<string>();
        while (_it.Bridge.Waiting > 0)
        {
            asked.Add((await _it.Bridge.NextAsync()).Path);
        }

        Assert.Equal(
            ["/_matrix/app/v1/users/@_irc_bob:test", "/_matrix/app/v1/users/@_irc_eve:test", "/users/@_irc_eve:test?access_token=hs_secret"], asked);
    }

    [Fact]
    public async Task A_user_that_is_invited_is_asked_for_and_invited_in_any_case()
    {
        _it.Bridge.Answer = async (request, response) =>
        {
            if (request.Path.StartsWith("/_matrix/app/v1/users/", StringComparison.Ordinal))
            {
                await _it.MakeUserAsync(request.Path[(request.Path.LastIndexOf('@') + 1)..].Split(':')[0]);
            }

            await response.WriteAsync("{}");
        };
        var room = await _alice.CreateRoomAsync("""{"preset":"private_chat","invite":["@_irc_ann:test"]}""");
        Assert.Equal("{}", (await _alice.PostAsync($"{V3}/rooms/{room}/invite", """{"user_id":"@_irc_bob:test"}""")).Body);
        Assert.Equal((200, null), (await _it.PostAsync($"{V3}/join/{room}", "{}", "@_irc_bob:test")).Error);
        Assert.Equal((200, null), (await _it.PostAsync($"{V3}/join/{room}", "{}", "@_irc_ann:test")).Error);
    }

    [Fact]
    public async Task An_alias_that_is_not_there_is_asked_for_and_leads_to_the_room_that_was_made()
    {
        string? made = null;
        _it.Bridge.Answer = async (request, response) =>
        {
            if (request.Path == "/_matrix/app/v1/rooms/%23_irc_chat:test")
            {
                made = (await _it.PostAsync($"{V3}/createRoom", """{"room_alias_name":"_irc_chat","preset":"public_chat"}"""))["room_id"].GetString();
            }
            else if (request.Path.Contains("/rooms/", StringComparison.Ordinal))
            {
                response.StatusCode = 404;
            }
        };

        Assert.Equal((404, "M_NOT_FOUND"), (await _alice.GetAsync($"{V3}/directory/room/%23_irc_none:test")).Error);
        var joined = await _alice.PostAsync($"{V3}/join/%23_irc_chat:test", "{}");
        Assert.NotNull(made);
        Assert.Equal(made, joined["room_id"].GetString());
        Assert.Equal(made, (await _alice.GetAsync($"{V3}/directory/room/%23_irc_chat:test"))["room_id"].GetString());
    }

    [Fact]
    public async Task One_that_does_not_answer_is_asked_thrice_and_then_the_client_is_told()
    {
        await _it.Bridge.DisposeAsync();
        var answer = _alice.PostAsync($"{V3}/join/%23_irc_chat:test", "{}");
        while (!answer.IsCompleted)
        {
            await Task.Delay(50);
            _it.Server.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal((408, "M_UNKNOWN"), (await answer).Error);
    }

    [Fact]
    public async Task A_ping_is_handed_on_and_what_came_of_it_is_told()
    {
        const string Ping = "/_matrix/client/v1/appservice/irc/ping";
        Assert.Equal((403, "M_FORBIDDEN"), (await _alice.PostAsync(Ping, "{}")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await _it.PostAsync("/_matrix/client/v1/appservice/other/ping", "{}")).Error);
        Assert.Equal((400, "M_BAD_JSON"), (await _it.PostAsync(Ping, """{"transaction_id":1}""")).Error);

        Assert.Equal("""{"duration_ms":0}""", (await _it.PostAsync(Ping, """{"transaction_id":"meow"}""")).Body);
        var request = await _it.Bridge.NextAsync();
        Assert.Equal(
            ("POST", "/_matrix/app/v1/ping", "Bearer hs_secret", """{"transaction_id":"meow"}"""),
            (request.Method, request.Path, request.Authorization, request.Body));

        _it.Bridge.Answer = (_, response) =>
        {
            response.StatusCode = 403;
            return response.WriteAsync("no");
        };
        var refused = await _it.PostAsync(Ping, "{}");
        Assert.Equal(
            (502, "M_BAD_STATUS", 403, "no"),
            ((int)refused.Status, refused["errcode"].GetString(), refused["status"].GetInt32(), refused["body"].GetString()));

        var hang = new TaskCompletionSource();
        _it.Bridge.Answer = (_, _) => hang.Task;
        var waiting = _it.PostAsync(Ping, "{}");
        await _it.Bridge.NextAsync();
        await _it.Bridge.NextAsync();
        _it.Server.Time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal((504, "M_CONNECTION_TIMEOUT"), (await waiting).Error);
        hang.SetResult();

        await _it.Bridge.DisposeAsync();
        Assert.Equal((502, "M_CONNECTION_FAILED"), (await _it.PostAsync(Ping, "{}")).Error);
    }

    [Fact]
    public async Task Networks_users_and_places_are_told_as_the_application_services_have_them()
    {
        _it.Bridge.Answer = (request, response) => response.WriteAsync(request.Path.Split('?')[0] switch
        {
            "/_matrix/app/v1/thirdparty/protocol/irc" =>
                """{"user_fields":["nick"],"location_fields":["channel"],"icon":"mxc://a/b","field_types":{},"instances":[{"desc":"Libera","fields":{},"network_id":"libera"}]}""",
            "/_matrix/app/v1/thirdparty/user/irc" => """[{"userid":"@_irc_bob:test","protocol":"irc","fields":{"nick":"bob"}},{"userid":1}]""",
            "/_matrix/app/v1/thirdparty/location/irc" when request.Path.Contains("channel=b", StringComparison.Ordinal) => """[{"alias":"#_irc_b:test","protocol":"irc","fields":{"channel":"#b"}}]""",
            "/_matrix/app/v1/thirdparty/location" => """[{"alias":"#_irc_a:test","protocol":"irc","fields":{"channel":"#a"}}]""",
            _ => "[]",
        });
        const string Irc =
            """{"user_fields":["nick"],"location_fields":["channel"],"icon":"mxc://a/b","field_types":{},"instances":[{"desc":"Libera","fields":{},"network_id":"libera","instance_id":"irc|libera"}]}""";

        Assert.Equal($$"""{"irc":{{Irc}}}""", (await _alice.GetAsync($"{V3}/thirdparty/protocols")).Body);
        Assert.Equal(Irc, (await _alice.GetAsync($"{V3}/thirdparty/protocol/irc")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await _alice.GetAsync($"{V3}/thirdparty/protocol/xmpp")).Error);
        Assert.Equal(
            """[{"userid":"@_irc_bob:test","protocol":"irc","fields":{"nick":"bob"}}]""",
            (await _alice.GetAsync($"{V3}/thirdparty/user/irc?nick=b%26b&access_token=x")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await _alice.GetAsync($"{V3}/thirdparty/location/irc?channel=a")).Error);
        Assert.Equal("#_irc_b:test", (await _alice.GetAsync($"{V3}/thirdparty/location/irc?channel=b")).Json[0].GetProperty("alias").GetString());
        Assert.Equal(
            """[{"alias":"#_irc_a:test","protocol":"irc","fields":{"channel":"#a"}}]""",
            (await _alice.GetAsync($"{V3}/thirdparty/location?alias=%23_irc_a:test")).Body);
        Assert.Equal("[]", (await _alice.GetAsync($"{V3}/thirdparty/user?userid=@a:test")).Body);
        Assert.Equal((400, "M_MISSING_PARAM"), (await _alice.GetAsync($"{V3}/thirdparty/user")).Error);

        var paths = new List<string>();
        while (_it.Bridge.Waiting > 0)
        {
            paths.Add((await _it.Bridge.NextAsync()).Path);
        }

        // What a network is need not be asked twice within a minute.
        Assert.Single(paths, "/_matrix/app/v1/thirdparty/protocol/irc");
        Assert.Contains("/_matrix/app/v1/thirdparty/user/irc?nick=b%26b", paths);
        Assert.Contains("/_matrix/app/v1/thirdparty/location?alias=%23_irc_a%3Atest", paths);
    }

    [Fact]
    public async Task It_keeps_a_directory_of_each_network()
    {
        var (listed, bridged) = (await _alice.CreateRoomAsync("""{"visibility":"public"}"""), await _alice.CreateRoomAsync());
        var path = $"{V3}/directory/list/appservice/libera/{bridged}";
        Assert.Equal((403, "M_FORBIDDEN"), (await _alice.PutAsync(path, """{"visibility":"public"}""")).Error);
        Assert.Equal((400, "M_BAD_JSON"), (await _it.PutAsync(path, "{}")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await _it.PutAsync(path, """{"visibility":"some"}""")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await _it.PutAsync($"{V3}/directory/list/appservice/libera/!none:test", """{"visibility":"public"}""")).Error);
        Assert.Equal("{}", (await _it.PutAsync(path, """{"visibility":"public"}""")).Body);

        Assert.Equal((403, "M_FORBIDDEN"), (await _alice.DeleteAsync(path)).Error);
        Assert.Equal([listed], await RoomsAsync("{}"));
        Assert.Equal([bridged], await RoomsAsync("""{"third_party_instance_id":"irc|libera"}"""));
        Assert.Equal([], await RoomsAsync("""{"third_party_instance_id":"irc|other"}"""));
        Assert.Equal([], await RoomsAsync("""{"third_party_instance_id":"nobody"}"""));
        Assert.Equal(new[] { listed, bridged }.Order(), (await RoomsAsync("""{"include_all_networks":true}""")).Order());
        Assert.Equal(
            (400, "M_INVALID_PARAM"),
            (await _alice.PostAsync($"{V3}/publicRooms", """{"include_all_networks":true,"third_party_instance_id":"irc|libera"}""")).Error);

        await _it.PutAsync(path, """{"visibility":"private"}""");
        Assert.Equal([], await RoomsAsync("""{"third_party_instance_id":"irc|libera"}"""));
        await _it.PutAsync(path, """{"visibility":"public"}""");
        Assert.Equal("{}", (await _it.Server.SendAsync(HttpMethod.Delete, path, BridgedServer.Token, null)).Body);
        Assert.Equal([], await RoomsAsync("""{"third_party_instance_id":"irc|libera"}"""));
    }

    private async Task<IEnumerable<string>> RoomsAsync(string body)
    {
        var answer = await _alice.PostAsync($"{V3}/publicRooms", body);
        var rooms = answer["chunk"].EnumerateArray().Select(room => room.GetProperty("room_id").GetString()!).ToList();
        Assert.Equal(rooms.Count, answer["total_room_count_estimate"].GetInt32());
        return rooms;
    }
}
