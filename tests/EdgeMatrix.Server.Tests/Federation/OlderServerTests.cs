using System.Net;
using System.Text.Json.Nodes;
using EdgeMatrix.Configuration;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>What servers of before today's specification, and those that refuse in ways of their own, are told and answer.</summary>
public sealed class OlderServerTests : TwoServers
{
    private const string V3 = "/_matrix/client/v3";
    private const string Unrecognized = """{"errcode":"M_UNRECOGNIZED","error":"No"}""";

    [Theory]
    [InlineData("1")]
    [InlineData("10")]
    public async Task A_room_is_joined_by_way_of_a_server_that_knows_the_first_version_of_the_endpoint_only(string version)
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync($$"""{"preset":"public_chat","name":"Hall","room_version":"{{version}}"}""");
        Network.Join("two", new TamperedServer(Two)
        {
            Replace = path => path.Contains("/v2/send_join/", StringComparison.Ordinal) ? TamperedServer.Answer(HttpStatusCode.NotFound, Unrecognized) : null,
        });

        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{room}?via=two", "{}")).Status);
        Assert.Equal("Hall", (await bob.GetAsync($"{V3}/rooms/{room}/state/m.room.name"))["name"].GetString());
        Assert.Equal("join", (await carol.GetAsync($"{V3}/rooms/{room}/state/m.room.member/@bob:one"))["membership"].GetString());
        await AssertSoundAsync();
    }

    [Theory]
    [InlineData("""[200]""")]
    [InlineData("""[[200,{}]]""")]
    [InlineData("""[200,[]]""")]
    public async Task An_answer_of_that_version_that_is_none_joins_nobody(string answer)
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync();
        Network.Join("two", new TamperedServer(Two)
        {
            Replace = path => path.Contains("/v2/send_join/", StringComparison.Ordinal) ? TamperedServer.Answer(HttpStatusCode.NotFound, Unrecognized)
                : path.Contains("/v1/send_join/", StringComparison.Ordinal) ? TamperedServer.Answer(HttpStatusCode.OK, answer)
                : null,
        });

        Assert.Equal((502, "M_UNKNOWN"), (await bob.PostAsync($"{V3}/join/{room}?via=two", "{}")).Error);
        await AssertSoundAsync();
    }

    [Theory]
    [InlineData(400, "ORG_EXAMPLE_FULL", 400, "ORG_EXAMPLE_FULL")]
    [InlineData(400, "M_INVALID_PARAM", 502, "M_UNKNOWN")]
    [InlineData(400, "M_MISSING_PARAM", 502, "M_UNKNOWN")]
    [InlineData(403, "M_FORBIDDEN", 403, "M_FORBIDDEN")]
    public async Task Why_a_resident_lets_nobody_in_the_user_is_told(int status, string code, int told, string toldCode)
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync();
        Network.Join("two", new TamperedServer(Two)
        {
            Replace = path => path.Contains("/make_join/", StringComparison.Ordinal)
                ? TamperedServer.Answer((HttpStatusCode)status, new JsonObject { ["errcode"] = code, ["error"] = "Because" }.ToJsonString())
                : null,
        });

        Assert.Equal((told, toldCode), (await bob.PostAsync($"{V3}/join/{room}?via=two", "{}")).Error);
    }

    [Fact]
    public async Task An_authorization_that_is_broken_is_another_fault_than_none()
    {
        const string Target = "/_matrix/federation/v1/query/profile?user_id=@carol:two";
        var whole = Authorize(Target);

        Assert.Equal((401, "M_UNAUTHORIZED"), await SendByHandAsync(Target, null));
        Assert.Equal((401, "M_UNAUTHORIZED"), await SendByHandAsync(Target, "Bearer x"));
        Assert.Equal((400, "M_INVALID_PARAM"), await SendByHandAsync(Target, whole.Replace("origin=\"one\"", "origin=\"one:http\"", StringComparison.Ordinal)));
        Assert.Equal((400, "M_INVALID_PARAM"), await SendByHandAsync(Target, "X-Matrix origin=\"one\""));
    }

    [Fact]
    public async Task A_guest_comes_into_a_room_of_another_server_that_invites_them_and_lets_guests_in()
    {
        var (carol, guest) = (await Two.RegisterAsync("carol"), await GuestAsync());
        var open = await carol.CreateRoomAsync("""{"preset":"private_chat"}""");
        var closed = await carol.CreateRoomAsync("""{"preset":"public_chat"}""");
        Assert.Equal((403, "M_GUEST_ACCESS_FORBIDDEN"), (await guest.PostAsync($"{V3}/join/{closed}?via=two", "{}")).Error);
        foreach (var room in (string[])[open, closed])
        {
            Assert.Equal(HttpStatusCode.OK, (await carol.PostAsync($"{V3}/rooms/{room}/invite", $$"""{"user_id":"{{guest.UserId}}"}""")).Status);
        }

        Assert.Equal(HttpStatusCode.OK, (await guest.PostAsync($"{V3}/join/{open}", "{}")).Status);
        Assert.Equal((403, "M_GUEST_ACCESS_FORBIDDEN"), (await guest.PostAsync($"{V3}/join/{closed}", "{}")).Error);
        Assert.Equal("join", (await carol.GetAsync($"{V3}/rooms/{open}/state/m.room.member/{guest.UserId}"))["membership"].GetString());
    }

    protected override HomeserverOptions ChangeOne(HomeserverOptions options) =>
        options with { Registration = options.Registration with { Guests = true } };

    private async Task<TestSession> GuestAsync()
    {
        var made = await One.PostAsync($"{V3}/register?kind=guest", "{}");
        return new TestSession(One, made["user_id"].GetString()!, made["device_id"].GetString()!, made["access_token"].GetString()!);
    }
}
