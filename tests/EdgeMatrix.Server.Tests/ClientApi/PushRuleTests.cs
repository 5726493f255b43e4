using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class PushRuleTests
{
    private const string Rules = "/_matrix/client/v3/pushrules";
    private const string Rule = """{"actions":["notify"]}""";

    [Fact]
    public async Task A_new_user_has_the_predefined_rules()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        var all = await alice.GetAsync(Rules + "/");
        var global = await alice.GetAsync(Rules + "/global/");

        Assert.Equal(global.Body, all["global"].GetRawText());
        Assert.Equal(
            [
                ".m.rule.master", ".m.rule.suppress_notices", ".m.rule.invite_for_me", ".m.rule.member_event", ".m.rule.is_user_mention",
                ".m.rule.is_room_mention", ".m.rule.tombstone", ".m.rule.reaction", ".m.rule.room.server_acl", ".m.rule.suppress_edits",
            ],
            Ids(global, "override"));
        Assert.Equal(
            [".m.rule.call", ".m.rule.encrypted_room_one_to_one", ".m.rule.room_one_to_one", ".m.rule.message", ".m.rule.encrypted"],
            Ids(global, "underride"));
        Assert.Equal(
            """
            {"rule_id":".m.rule.is_user_mention","default":true,"enabled":true,"actions":["notify",{"set_tweak":"sound","value":"default"},{"set_tweak":"highlight"}],"conditions":[{"kind":"event_property_contains","key":"content.m\\.mentions.user_ids","value":"@alice:test"}]}
            """,
            (await alice.GetAsync(Rules + "/global/override/.m.rule.is_user_mention")).Body);
    }

    [Fact]
    public async Task A_new_rule_is_the_most_important_of_the_user_s_own_or_stands_where_it_was_placed()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        await alice.PutAsync(Rules + "/global/override/a", Rule);
        await alice.PutAsync(Rules + "/global/override/b", Rule);
        await alice.PutAsync(Rules + "/global/override/c?after=b", Rule);
        await alice.PutAsync(Rules + "/global/override/d?before=a", Rule);
        await alice.PutAsync(Rules + "/global/override/e?before=b&after=c", Rule);

        var ids = Ids(await alice.GetAsync(Rules + "/global/"), "override");
        Assert.Equal([".m.rule.master", "e", "b", "c", "d", "a", ".m.rule.suppress_notices"], ids.Take(7));
    }

    [Fact]
    public async Task A_rule_is_updated_in_place_moved_and_deleted()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        await alice.PutAsync(Rules + "/global/content/a", """{"actions":[],"pattern":"cake"}""");
        await alice.PutAsync(Rules + "/global/content/b", """{"actions":[],"pattern":"tea"}""");

        await alice.PutAsync(Rules + "/global/content/a", """{"actions":["notify"],"pattern":"pie"}""");
        Assert.Equal(["b", "a"], Ids(await alice.GetAsync(Rules + "/global/"), "content"));
        Assert.Equal(
            """{"rule_id":"a","default":false,"enabled":true,"actions":["notify"],"pattern":"pie"}""",
            (await alice.GetAsync(Rules + "/global/content/a")).Body);

        await alice.PutAsync(Rules + "/global/content/a?before=b", """{"actions":["notify"],"pattern":"pie"}""");
        Assert.Equal(["a", "b"], Ids(await alice.GetAsync(Rules + "/global/"), "content"));

        Assert.Equal("{}", (await alice.DeleteAsync(Rules + "/global/content/a")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.DeleteAsync(Rules + "/global/content/a")).Error);
    }

    [Fact]
    public async Task Rules_are_switched_and_given_other_actions_predefined_ones_too()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        const string Message = Rules + "/global/underride/.m.rule.message";

        Assert.Equal("""{"enabled":true}""", (await alice.GetAsync(Message + "/enabled")).Body);
        Assert.Equal("{}", (await alice.PutAsync(Message + "/enabled", """{"enabled":false}""")).Body);
        Assert.Equal("""{"enabled":false}""", (await alice.GetAsync(Message + "/enabled")).Body);

        Assert.Equal("{}", (await alice.PutAsync(Message + "/actions", """{"actions":[]}""")).Body);
        Assert.Equal("""{"actions":[]}""", (await alice.GetAsync(Message + "/actions")).Body);
        Assert.Equal((400, "M_INVALID_PARAM"), (await alice.DeleteAsync(Message)).Error);
    }

    [Theory]
    [InlineData("global/override/.mine", """{"actions":[]}""", 400, "M_INVALID_PARAM")]
    [InlineData("global/override/a%2Fb", """{"actions":[]}""", 400, "M_INVALID_PARAM")]
    [InlineData("global/nonsense/a", """{"actions":[]}""", 400, "M_INVALID_PARAM")]
    [InlineData("global/override/a", """{}""", 400, "M_BAD_JSON")]
    [InlineData("global/override/a", """{"actions":[1]}""", 400, "M_BAD_JSON")]
    [InlineData("global/override/a", """{"actions":["shout"]}""", 400, "M_BAD_JSON")]
    [InlineData("global/override/a", """{"actions":[],"conditions":[{}]}""", 400, "M_BAD_JSON")]
    [InlineData("global/content/a", """{"actions":[]}""", 400, "M_MISSING_PARAM")]
    [InlineData("global/override/a?before=.m.rule.message", """{"actions":[]}""", 400, "M_UNKNOWN")]
    [InlineData("global/override/a/enabled", """{"enabled":true}""", 404, "M_NOT_FOUND")]
    [InlineData("global/override/a/actions", """{"actions":[]}""", 404, "M_NOT_FOUND")]
    public async Task A_rule_that_cannot_be_is_refused(string path, string body, int status, string code)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        Assert.Equal((status, code), (await alice.PutAsync($"{Rules}/{path}", body)).Error);
    }

    [Fact]
    public async Task Rules_of_one_kind_are_listed_in_their_order()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        await alice.PutAsync(Rules + "/global/room/!a:test", Rule);
        await alice.PutAsync(Rules + "/global/room/!b:test", Rule);

        Assert.Equal(
            ["!b:test", "!a:test"],
            (await alice.GetAsync(Rules + "/global/room/")).Json.EnumerateArray().Select(rule => rule.GetProperty("rule_id").GetString()));
        Assert.Equal(400, (await alice.GetAsync(Rules + "/global/noise/")).Error.Status);
    }

    [Fact]
    public async Task Changed_rules_show_in_sync()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var first = await alice.GetAsync("/_matrix/client/v3/sync");
        Assert.Equal("m.push_rules", first["account_data"].GetProperty("events")[0].GetProperty("type").GetString());

        await alice.PutAsync(Rules + "/global/room/!a:test", Rule);
        var next = await alice.GetAsync($"/_matrix/client/v3/sync?since={first["next_batch"].GetString()}");

        var news = next["account_data"].GetProperty("events")[0];
        Assert.Equal("m.push_rules", news.GetProperty("type").GetString());
        Assert.Equal(
            """[{"rule_id":"!a:test","default":false,"enabled":true,"actions":["notify"]}]""",
            news.GetProperty("content").GetProperty("global").GetProperty("room").GetRawText());
    }

    private static IEnumerable<string> Ids(TestAnswer global, string kind) =>
        global[kind].EnumerateArray().Select(rule => rule.GetProperty("rule_id").GetString()!);
}
