using System.Net;
using System.Text.Json;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class ProfileTests
{
    private const string Profile = "/_matrix/client/v3/profile/@alice:test";

    [Fact]
    public async Task A_new_user_is_called_by_the_localpart()
    {
        await using var server = await TestHomeserver.StartAsync();
        await server.RegisterAsync("alice");

        Assert.Equal("""{"displayname":"alice"}""", (await server.GetAsync(Profile)).Body);
        Assert.Equal("""{"displayname":"alice"}""", (await server.GetAsync(Profile + "/displayname")).Body);
    }

    [Fact]
    public async Task Fields_of_any_name_are_kept_and_taken_off()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        await alice.PutAsync(Profile + "/displayname", """{"displayname":"Älice <3"}""");
        await alice.PutAsync(Profile + "/m.tz", """{"m.tz":"Europe/Zurich"}""");
        await alice.PutAsync("/_matrix/client/unstable/uk.tcpip.msc4133/profile/%40alice%3Atest/org.example.list", """{"org.example.list":[1,{"a":null}]}""");

        Assert.Equal(
            """{"displayname":"Älice <3","m.tz":"Europe/Zurich","org.example.list":[1,{"a":null}]}""", (await server.GetAsync(Profile)).Body);
        Assert.Equal("{}", (await alice.DeleteAsync(Profile + "/m.tz")).Body);
        Assert.Equal("{}", (await alice.DeleteAsync(Profile + "/m.tz")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await server.GetAsync(Profile + "/m.tz")).Error);
    }

    [Fact]
    public async Task An_empty_display_name_is_none()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        await alice.PutAsync(Profile + "/displayname", """{"displayname":""}""");

        Assert.Equal("{}", (await server.GetAsync(Profile)).Body);
    }

    [Fact]
    public async Task A_profile_is_changed_by_its_user_alone()
    {
        await using var server = await TestHomeserver.StartAsync();
        await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");

        Assert.Equal((403, "M_FORBIDDEN"), (await bob.PutAsync(Profile + "/displayname", """{"displayname":"x"}""")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.DeleteAsync(Profile + "/displayname")).Error);
        Assert.Equal((401, "M_MISSING_TOKEN"), (await server.SendAsync(HttpMethod.Put, Profile + "/displayname", null, "{}")).Error);
    }

    [Fact]
    public async Task Wrong_fields_are_refused()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        Assert.Equal((400, "M_MISSING_PARAM"), (await alice.PutAsync(Profile + "/m.tz", """{"other":1}""")).Error);
        Assert.Equal((400, "M_BAD_JSON"), (await alice.PutAsync(Profile + "/displayname", """{"displayname":1}""")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await alice.PutAsync(Profile + "/Bad%20Key", """{"Bad Key":1}""")).Error);
        var key = new string('k', 256);
        Assert.Equal((400, "M_KEY_TOO_LARGE"), (await alice.PutAsync($"{Profile}/{key}", $$"""{"{{key}}":1}""")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await server.GetAsync("/_matrix/client/v3/profile/alice")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await server.GetAsync("/_matrix/client/v3/profile/@nobody:test")).Error);
    }

    [Fact]
    public async Task A_profile_has_at_most_64_KiB()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        string Body(string key, int length) => JsonSerializer.Serialize(new Dictionary<string, string> { [key] = new('x', length) });
        Assert.Equal(HttpStatusCode.OK, (await alice.PutAsync(Profile + "/one", Body("one", 40_000))).Status);
        Assert.Equal((400, "M_PROFILE_TOO_LARGE"), (await alice.PutAsync(Profile + "/two", Body("two", 30_000))).Error);
        Assert.Equal(HttpStatusCode.OK, (await alice.PutAsync(Profile + "/one", Body("one", 65_000))).Status);
    }

    [Fact]
    public async Task A_new_display_name_shows_in_the_rooms_of_the_user()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = (await alice.PostAsync("/_matrix/client/v3/createRoom", "{}"))["room_id"].GetString()!;

        await alice.PutAsync(Profile + "/displayname", """{"displayname":"Queen"}""");

        var member = await alice.GetAsync($"/_matrix/client/v3/rooms/{Uri.EscapeDataString(room)}/state/m.room.member/@alice:test");
        Assert.Equal("Queen", member["displayname"].GetString());
    }
}
