using EdgeMatrix.Configuration;
using EdgeMatrix.Server.Tests.Encryption;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Alice is at one, bob at two.</summary>
public sealed class RemoteQueryTests : TwoServers
{
    protected override HomeserverOptions ChangeTwo(HomeserverOptions options) =>
        options with { Server = options.Server with { PublicBaseUrl = "https://two" } };

    [Fact]
    public async Task Profiles_of_other_servers_are_shown()
    {
        var alice = await One.RegisterAsync("alice");
        var bob = await Two.RegisterAsync("bob");
        await bob.PutAsync($"/_matrix/client/v3/profile/{bob.UserId}/displayname", """{"displayname":"Bob"}""");
        await bob.PutAsync($"/_matrix/client/v3/profile/{bob.UserId}/m.tz", """{"m.tz":"Europe/Berlin"}""");

        Assert.Equal("""{"displayname":"Bob","m.tz":"Europe/Berlin"}""", (await alice.GetAsync("/_matrix/client/v3/profile/@bob:two")).Body);
        Assert.Equal("""{"m.tz":"Europe/Berlin"}""", (await alice.GetAsync("/_matrix/client/v3/profile/@bob:two/m.tz")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync("/_matrix/client/v3/profile/@bob:two/m.no")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync("/_matrix/client/v3/profile/@nobody:two")).Error);
        Network.Link("one", "two").Cut();
        Assert.Equal((504, "M_UNKNOWN"), (await alice.GetAsync("/_matrix/client/v3/profile/@bob:two")).Error);
    }

    [Fact]
    public async Task Aliases_of_other_servers_are_resolved()
    {
        var alice = await One.RegisterAsync("alice");
        var bob = await Two.RegisterAsync("bob");
        var room = await bob.CreateRoomAsync("""{"preset":"public_chat","room_alias_name":"den"}""");

        var answer = await alice.GetAsync("/_matrix/client/v3/directory/room/%23den:two");

        Assert.Equal($$"""{"room_id":"{{room}}","servers":["two"]}""", answer.Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync("/_matrix/client/v3/directory/room/%23none:two")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), Code(await AskAsync("/_matrix/federation/v1/query/directory?room_alias=%23a%3Aone")));
        Assert.Equal((400, "M_MISSING_PARAM"), Code(await AskAsync("/_matrix/federation/v1/query/directory")));
        Assert.Equal((404, "M_NOT_FOUND"), Code(await AskAsync("/_matrix/federation/v1/query/other")));
    }

    [Fact]
    public async Task Room_directories_of_other_servers_are_shown_and_searched()
    {
        var alice = await One.RegisterAsync("alice");
        var bob = await Two.RegisterAsync("bob");
        await bob.CreateRoomAsync("""{"visibility":"public","preset":"public_chat","name":"Cats"}""");
        await bob.CreateRoomAsync("""{"visibility":"public","preset":"public_chat","name":"Dogs"}""");
        await bob.CreateRoomAsync("""{"preset":"public_chat","name":"Hidden"}""");

        var all = await alice.GetAsync("/_matrix/client/v3/publicRooms?server=two");
        var cats = await alice.PostAsync("/_matrix/client/v3/publicRooms?server=two", """{"filter":{"generic_search_term":"cat"},"limit":1}""");

        Assert.Equal(2, all["chunk"].GetArrayLength());
        Assert.Equal(["Cats"], cats["chunk"].EnumerateArray().Select(room => room.GetProperty("name").GetString()));
        Assert.Null((await AskAsync("/_matrix/federation/v1/publicRooms?limit=1")).Failure);
        Assert.Equal((400, "M_INVALID_PARAM"), (await alice.GetAsync("/_matrix/client/v3/publicRooms?server=no%20name")).Error);
    }

    [Fact]
    public async Task Keys_of_users_of_other_servers_are_given_and_claimed_once()
    {
        var alice = await One.RegisterAsync("alice");
        var bob = await Two.RegisterAsync("bob", "BOB");
        await bob.UploadKeysAsync("AAAA");

        var query = await alice.PostAsync("/_matrix/client/v3/keys/query", """{"device_keys":{"@bob:two":[],"@alice:one":[],"@x:gone":[]},"timeout":5000}""");
        var claim = await alice.PostAsync("/_matrix/client/v3/keys/claim", """{"one_time_keys":{"@bob:two":{"BOB":"signed_curve25519"},"@x:gone":{"X":"signed_curve25519"}}}""");
        var again = await alice.PostAsync("/_matrix/client/v3/keys/claim", """{"one_time_keys":{"@bob:two":{"BOB":"signed_curve25519"}}}""");

        Assert.Equal(KeyMaker.Random32("curveBOB"), query["device_keys"].GetProperty("@bob:two").GetProperty("BOB").GetProperty("keys").GetProperty("curve25519:BOB").GetString());
        Assert.True(claim["one_time_keys"].GetProperty("@bob:two").GetProperty("BOB").TryGetProperty("signed_curve25519:AAAA", out _));
        Assert.Equal("{}", again["one_time_keys"].ToString());
        Assert.Equal(["gone"], query["failures"].EnumerateObject().Select(failure => failure.Name));
        Assert.Equal(503, claim["failures"].GetProperty("gone").GetProperty("status").GetInt32());
        var devices = (await AskAsync("/_matrix/federation/v1/user/devices/@bob:two")).Json!.Value;
        Assert.Equal("BOB", devices.GetProperty("devices")[0].GetProperty("device_id").GetString());
        Assert.True(devices.GetProperty("stream_id").GetInt64() > 0);
    }

    [Fact]
    public async Task A_server_tells_of_users_of_its_own_only()
    {
        await Two.RegisterAsync("bob");
        using var liar = new Liar("""{"device_keys":{"@bob:two":{"EVIL":{}},"@eve:liar":{"E":{}},"@other:liar":{"O":{}}},"master_keys":{"@alice:one":{}}}""");
        Network.Join("liar", liar);
        var alice = await One.RegisterAsync("alice");

        var query = await alice.PostAsync("/_matrix/client/v3/keys/query", """{"device_keys":{"@bob:two":[],"@eve:liar":[]}}""");

        Assert.Equal("""{"@bob:two":{},"@eve:liar":{"E":{}}}""", query["device_keys"].ToString());
        Assert.Equal("{}", query["master_keys"].ToString());
    }

    [Fact]
    public async Task Media_come_in_parts()
    {
        var bob = await Two.RegisterAsync("bob");
        var uri = (await bob.PostAsync("/_matrix/media/v3/upload?filename=a.txt", "hello"))["content_uri"].GetString()!;
        var request = EdgeMatrix.Federation.Requests.FederationRequest.Get("two", "/_matrix/federation/v1/media/download/" + uri.Split('/')[^1]);

        using var stream = await Client.OpenAsync(request, default);
        var body = await new StreamReader(stream.Body).ReadToEndAsync();

        var boundary = stream.ContentType!["multipart/mixed; boundary=".Length..];
        Assert.Equal(
            $"--{boundary}\r\nContent-Type: application/json\r\n\r\n{{}}\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\n"
                + $"Content-Disposition: attachment; filename=a.txt; filename*=UTF-8''a.txt\r\n\r\nhello\r\n--{boundary}--\r\n",
            body);
        Assert.Equal((404, "M_NOT_FOUND"), Code(await AskAsync("/_matrix/federation/v1/media/download/none")));
    }

    [Fact]
    public async Task Spaces_and_times_are_for_servers_that_may_know_of_the_room()
    {
        var bob = await Two.RegisterAsync("bob");
        var open = await bob.CreateRoomAsync("""{"preset":"public_chat","name":"Open"}""");
        var closed = await bob.CreateRoomAsync("""{"preset":"private_chat"}""");
        var space = await bob.CreateRoomAsync("""{"preset":"public_chat","creation_content":{"type":"m.space"}}""");
        foreach (var child in new[] { open, closed })
        {
            await bob.PutAsync($"/_matrix/client/v3/rooms/{space}/state/m.space.child/{child}", """{"via":["two"]}""");
        }

        var hierarchy = (await AskAsync($"/_matrix/federation/v1/hierarchy/{space}")).Json!.Value;

        Assert.Equal(space, hierarchy.GetProperty("room").GetProperty("room_id").GetString());
        Assert.Equal(2, hierarchy.GetProperty("room").GetProperty("children_state").GetArrayLength());
        Assert.Equal([open], hierarchy.GetProperty("children").EnumerateArray().Select(room => room.GetProperty("room_id").GetString()));
        Assert.Equal([closed], hierarchy.GetProperty("inaccessible_children").EnumerateArray().Select(room => room.GetString()));
        Assert.Equal((404, "M_NOT_FOUND"), Code(await AskAsync($"/_matrix/federation/v1/hierarchy/{closed}")));
        Assert.Equal((403, "M_FORBIDDEN"), Code(await AskAsync($"/_matrix/federation/v1/timestamp_to_event/{open}?ts=0&dir=f")));
    }

    [Fact]
    public async Task A_space_goes_on_at_another_server_through_what_the_user_may_know_of()
    {
        var (alice, bob) = (await One.RegisterAsync("alice"), await Two.RegisterAsync("bob"));
        var open = await bob.CreateRoomAsync("""{"preset":"public_chat","name":"Open"}""");
        var closed = await bob.CreateRoomAsync("""{"preset":"private_chat","name":"Closed"}""");
        var inner = await CreateSpaceAsync(bob, "Inner", open, closed);
        var middle = await CreateSpaceAsync(bob, "Middle", inner);
        var outer = await CreateSpaceAsync(alice, "Outer", middle, "!none:two");
        async Task<string[]> NamesAsync(string query = "") =>
        [
            .. (await alice.GetAsync($"/_matrix/client/v1/rooms/{outer}/hierarchy{query}"))["rooms"].EnumerateArray()
                .Select(room => $"{room.GetProperty("name")} {room.GetProperty("children_state").GetArrayLength()}"),
        ];

        Assert.Equal(["Outer 2", "Middle 1", "Inner 2", "Open 0"], await NamesAsync());
        Assert.Equal(["Outer 2", "Middle 1"], await NamesAsync("?limit=2"));
        Assert.Equal(["Outer 2", "Middle 1"], await NamesAsync("?max_depth=1"));
        Assert.Equal(["Outer 0"], await NamesAsync("?suggested_only=true"));
        Network.Link("one", "two").Cut();
        Assert.Equal(["Outer 2"], await NamesAsync());
    }

    private static async Task<string> CreateSpaceAsync(TestSession owner, string name, params string[] children)
    {
        var space = await owner.CreateRoomAsync($$$"""{"preset":"public_chat","name":"{{{name}}}","creation_content":{"type":"m.space"}}""");
        foreach (var child in children)
        {
            await owner.PutAsync($"/_matrix/client/v3/rooms/{space}/state/m.space.child/{child}", """{"via":["two"]}""");
        }

        return space;
    }

    [Fact]
    public async Task A_server_says_what_it_is_and_where()
    {
        Assert.Equal("EdgeMatrix", (await Two.GetAsync("/_matrix/federation/v1/version"))["server"].GetProperty("name").GetString());
        Assert.Equal("""{"m.server":"two:443"}""", (await Two.GetAsync("/.well-known/matrix/server")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await One.GetAsync("/.well-known/matrix/server")).Error);
    }

    private static (int, string?) Code(EdgeMatrix.Federation.Requests.FederationAnswer answer) => (answer.Failure!.Status, answer.Failure.Code);

    private sealed class Liar(string answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(request.Method == HttpMethod.Post
                ? new HttpResponseMessage(System.Net.HttpStatusCode.OK) { Content = new StringContent(answer) }
                : new HttpResponseMessage(System.Net.HttpStatusCode.NotFound));
    }
}
