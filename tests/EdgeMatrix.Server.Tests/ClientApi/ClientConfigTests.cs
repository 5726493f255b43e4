using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class ClientConfigTests
{
    private const string User = "/_matrix/client/v3/user/@alice:test";

    [Fact]
    public async Task Account_data_comes_back_as_it_was_put()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        Assert.Equal("{}", (await alice.PutAsync(User + "/account_data/org.example", """{ "a": 1.50, "b": "ü" }""")).Body);

        Assert.Equal("""{"a":1.50,"b":"ü"}""", (await alice.GetAsync(User + "/account_data/org.example")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync(User + "/account_data/org.other")).Error);
    }

    [Fact]
    public async Task Account_data_of_a_room_stays_apart()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();

        await alice.PutAsync($"{User}/rooms/{room}/account_data/org.example", """{"a":1}""");

        Assert.Equal("""{"a":1}""", (await alice.GetAsync($"{User}/rooms/{room}/account_data/org.example")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync(User + "/account_data/org.example")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await alice.GetAsync(User + "/rooms/nonsense/account_data/org.example")).Error);
    }

    [Fact]
    public async Task Account_data_and_tags_do_not_tell_strangers_whether_a_room_exists()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var ofBob = await bob.CreateRoomAsync();
        var absent = "!" + new string('a', 43);

        foreach (var path in (string[])["account_data/org.example", "tags/u.work"])
        {
            var present = await alice.PutAsync($"{User}/rooms/{ofBob}/{path}", "{}");
            Assert.Equal((404, "M_NOT_FOUND"), present.Error);
            Assert.Equal(present.Body, (await alice.PutAsync($"{User}/rooms/{absent}/{path}", "{}")).Body);
        }
    }

    [Fact]
    public async Task Account_data_that_the_server_controls_is_not_put()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();

        Assert.Equal((405, "M_BAD_JSON"), (await alice.PutAsync(User + "/account_data/m.push_rules", "{}")).Error);
        Assert.Equal((405, "M_BAD_JSON"), (await alice.PutAsync($"{User}/rooms/{room}/account_data/m.fully_read", "{}")).Error);
    }

    [Fact]
    public async Task What_is_kept_for_a_user_is_that_user_s_alone()
    {
        await using var server = await TestHomeserver.StartAsync();
        await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");

        Assert.Equal((403, "M_FORBIDDEN"), (await bob.GetAsync(User + "/account_data/m.push_rules")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.PutAsync(User + "/account_data/org.example", "{}")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.PostAsync(User + "/filter", "{}")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.GetAsync(User + "/rooms/!a:test/tags")).Error);
    }

    [Fact]
    public async Task Tags_are_put_on_a_room_and_taken_off()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var tags = $"{User}/rooms/{await alice.CreateRoomAsync()}/tags";

        Assert.Equal("""{"tags":{}}""", (await alice.GetAsync(tags)).Body);
        await alice.PutAsync(tags + "/m.favourite", """{"order":0.25}""");
        await alice.PutAsync(tags + "/u.work%2Fhome", "");
        Assert.Equal("""{"tags":{"m.favourite":{"order":0.25},"u.work/home":{}}}""", (await alice.GetAsync(tags)).Body);

        await alice.DeleteAsync(tags + "/m.favourite");
        await alice.DeleteAsync(tags + "/m.favourite");
        Assert.Equal("""{"tags":{"u.work/home":{}}}""", (await alice.GetAsync(tags)).Body);
        Assert.Equal((400, "M_BAD_JSON"), (await alice.PutAsync(tags + "/m.favourite", """{"order":"first"}""")).Error);
    }

    [Fact]
    public async Task Tags_show_in_sync()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var since = (await alice.GetAsync("/_matrix/client/v3/sync"))["next_batch"].GetString();

        await alice.PutAsync($"{User}/rooms/{room}/tags/m.favourite", "{}");
        var sync = await alice.GetAsync($"/_matrix/client/v3/sync?since={since}");

        var joined = sync["rooms"].GetProperty("join").EnumerateObject().Single().Value;
        Assert.Equal(
            """[{"content":{"tags":{"m.favourite":{}}},"type":"m.tag"}]""",
            joined.GetProperty("account_data").GetProperty("events").GetRawText());
    }

    [Fact]
    public async Task Of_a_users_filters_the_oldest_go_when_they_are_too_many()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var ofBob = (await bob.PostAsync("/_matrix/client/v3/user/@bob:test/filter", "{}"))["filter_id"].GetString();
        var ids = new List<string?>();
        for (var limit = 1; limit <= 202; limit++)
        {
            ids.Add((await alice.PostAsync(User + "/filter", $$"""{ "room": { "timeline": { "limit": {{limit}} } } }"""))["filter_id"].GetString());
        }

        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync($"{User}/filter/{ids[1]}")).Error);
        Assert.Equal("""{"room":{"timeline":{"limit":3}}}""", (await alice.GetAsync($"{User}/filter/{ids[2]}")).Body);
        Assert.Equal("{}", (await bob.GetAsync($"/_matrix/client/v3/user/@bob:test/filter/{ofBob}")).Body);
    }

    [Fact]
    public async Task A_filter_has_one_id_however_often_it_is_uploaded()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");

        var first = (await alice.PostAsync(User + "/filter", """{"room":{"timeline":{"limit":10}},"event_format":"client"}"""))["filter_id"].GetString();
        var second = (await alice.PostAsync(User + "/filter", """{"event_format":"client","room":{"timeline":{"limit":10}}}"""))["filter_id"].GetString();

        Assert.Equal(first, second);
        Assert.Equal("""{"event_format":"client","room":{"timeline":{"limit":10}}}""", (await alice.GetAsync($"{User}/filter/{first}")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await bob.GetAsync($"/_matrix/client/v3/user/@bob:test/filter/{first}")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync($"{User}/filter/nonsense")).Error);
    }

    [Theory]
    [InlineData("""{"room":{"timeline":{"limit":"ten"}}}""")]
    [InlineData("""{"room":[]}""")]
    [InlineData("""{"a":1.5}""")]
    public async Task A_filter_of_the_wrong_shape_is_refused(string filter)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        Assert.Equal((400, "M_BAD_JSON"), (await alice.PostAsync(User + "/filter", filter)).Error);
    }
}
