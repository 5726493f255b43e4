using System.Text.Json;
using EdgeMatrix.Rooms.Search;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Search;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Search;

public sealed class SearchTests
{
    private const string Rooms = "/_matrix/client/v3/rooms";

    [Fact]
    public async Task Messages_names_and_topics_are_found_by_the_beginnings_of_their_words()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync("""{"name":"The Martians","topic":"Martian weather"}""");
        var said = await alice.SendTextAsync(room, "MARTIANS, and men!", "1");
        await alice.SendTextAsync(room, "nothing to do with it", "2");

        Assert.Equal(3, (await FindAsync(alice, "martian")).Count);
        Assert.Equal([said], await FindAsync(alice, "men martians"));
        Assert.Equal([said], await FindAsync(alice, "martian", ""","keys":["content.body"]"""));
        Assert.Single(await FindAsync(alice, "martian", ""","keys":["content.topic"]"""));
        Assert.Empty(await FindAsync(alice, "martian venus"));
        Assert.Empty(await FindAsync(alice, "... !"));
    }

    [Fact]
    public async Task Words_of_every_script_are_found()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        string[] texts = ["Der Größte Fluß", "今天天气很好", "Ελλάδα", "привет, мир", "हिन्दी में", "foo-bar_baz's", "naïve café"];
        var sent = new List<string>();
        foreach (var text in texts)
        {
            sent.Add(await alice.SendTextAsync(room, text, "t" + sent.Count));
        }

        string[] terms = ["größte", "天气", "ΕΛΛΆΔΑ", "Мир", "हिन्दी", "foo-bar_baz", "cafe"];
        foreach (var (term, id) in terms.Zip(sent))
        {
            Assert.Equal([id], await FindAsync(alice, term));
        }
    }

    [Fact]
    public async Task Nobody_finds_what_they_may_not_see()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var carol = await server.RegisterAsync("carol");
        var room = await alice.CreateRoomAsync(
            """{"preset":"public_chat","initial_state":[{"type":"m.room.history_visibility","state_key":"","content":{"history_visibility":"joined"}}]}""");
        await alice.SendTextAsync(room, "secret before", "1");
        await bob.PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        var seen = await alice.SendTextAsync(room, "secret while", "2");
        await bob.PostAsync($"{Rooms}/{room}/leave", "{}");
        await alice.SendTextAsync(room, "secret after", "3");

        Assert.Equal(3, (await FindAsync(alice, "secret")).Count);
        Assert.Equal([seen], await FindAsync(bob, "secret"));
        Assert.Empty(await FindAsync(carol, "secret"));
        await bob.PostAsync($"{Rooms}/{room}/forget", "{}");
        Assert.Empty(await FindAsync(bob, "secret"));
    }

    [Fact]
    public async Task What_is_redacted_leaves_the_index_and_edits_are_found()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var first = await alice.SendTextAsync(room, "walrus", "1");
        Assert.Equal([first], await FindAsync(alice, "walrus"));
        var edit = (await alice.PutAsync($"{Rooms}/{room}/send/m.room.message/2", $$$"""
            {"msgtype":"m.text","body":"* tusk","m.new_content":{"msgtype":"m.text","body":"elephant"},
             "m.relates_to":{"rel_type":"m.replace","event_id":"{{{first}}}"}}
            """))["event_id"].GetString()!;

        Assert.Equal([edit], await FindAsync(alice, "elephant"));
        await alice.PutAsync($"{Rooms}/{room}/redact/{first}/3", "{}");
        Assert.Empty(await FindAsync(alice, "walrus"));
        using var snapshot = server.Part<Database>().OpenSnapshot();
        Assert.Empty(SearchTable.Find(snapshot, ["walrus"], null, long.MaxValue, 10));
    }

    [Fact]
    public async Task Results_come_in_pages_in_order_and_in_groups()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        string[] rooms = [await alice.CreateRoomAsync(), await alice.CreateRoomAsync()];
        foreach (var room in rooms)
        {
            await bob.PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        }

        var sent = new List<string>();
        for (var n = 0; n < 12; n++)
        {
            sent.Add(await (n % 3 == 0 ? bob : alice).SendTextAsync(rooms[n % 2], "needle" + string.Concat(Enumerable.Repeat(" hay", n)), $"n{n}"));
        }

        sent.Reverse();
        const string Recent = ""","order_by":"recent","filter":{"limit":5},"groupings":{"group_by":[{"key":"room_id"},{"key":"sender"}]}""";
        var first = await SearchAsync(alice, "needle", Recent);
        var second = await SearchAsync(alice, "needle", Recent, first.GetProperty("next_batch").GetString());
        var third = await SearchAsync(alice, "needle", Recent, second.GetProperty("next_batch").GetString());
        Assert.Equal(sent, [.. Ids(first), .. Ids(second), .. Ids(third)]);
        Assert.False(third.TryGetProperty("next_batch", out _));
        Assert.Equal(12, first.GetProperty("count").GetInt32());

        var group = first.GetProperty("groups").GetProperty("sender").GetProperty(bob.UserId);
        Assert.Equal(sent.Take(5).Where((_, i) => (11 - i) % 3 == 0), group.GetProperty("results").EnumerateArray().Select(id => id.GetString()!));
        var ofBob = await SearchAsync(alice, "needle", Recent, group.GetProperty("next_batch").GetString());
        Assert.All(ofBob.GetProperty("results").EnumerateArray(), hit => Assert.Equal(bob.UserId, hit.GetProperty("result").GetProperty("sender").GetString()));

        // The shortest fits best.
        Assert.Equal(sent[^1], Ids(await SearchAsync(alice, "needle"))[0]);
        Assert.All(
            Ids(await SearchAsync(alice, "needle", $$""","filter":{"rooms":["{{rooms[0]}}"]}""")),
            id => Assert.Equal(0, (11 - sent.IndexOf(id)) % 2));
    }

    [Fact]
    public async Task Results_come_with_what_is_around_them_with_profiles_and_with_state()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var before = await alice.SendTextAsync(room, "before", "1");
        await alice.SendTextAsync(room, "needle", "2");
        var after = await alice.SendTextAsync(room, "after", "3");

        var found = await SearchAsync(
            alice, "needle", ""","include_state":true,"event_context":{"before_limit":1,"after_limit":1,"include_profile":true}""");
        var context = found.GetProperty("results")[0].GetProperty("context");
        Assert.Equal([before], context.GetProperty("events_before").EnumerateArray().Select(e => e.GetProperty("event_id").GetString()!));
        Assert.Equal([after], context.GetProperty("events_after").EnumerateArray().Select(e => e.GetProperty("event_id").GetString()!));
        Assert.Equal("alice", context.GetProperty("profile_info").GetProperty(alice.UserId).GetProperty("displayname").GetString());
        Assert.Contains("m.room.create", found.GetProperty("state").GetProperty(room).EnumerateArray().Select(e => e.GetProperty("type").GetString()!));
        Assert.Equal(["needle"], found.GetProperty("highlights").EnumerateArray().Select(word => word.GetString()!));
    }

    [Fact]
    public async Task A_server_that_does_not_search_refuses_and_forgets_the_words()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with { Search = options.Search with { Enabled = false } });
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        await alice.SendTextAsync(room, "needle", "1");
        var database = server.Part<Database>();
        await new SearchIndex(database, enabled: true).CatchUpAsync(default);
        Assert.Single(Found());

        await server.UpkeepAsync(TimeSpan.FromHours(1));
        Assert.Empty(Found());
        Assert.Equal(400, (int)(await alice.PostAsync("/_matrix/client/v3/search", Body("needle", ""))).Status);

        List<(long, long)> Found()
        {
            using var snapshot = database.OpenSnapshot();
            return SearchTable.Find(snapshot, ["needle"], null, long.MaxValue, 10);
        }
    }

    [Theory]
    [InlineData("{}", "M_BAD_JSON")]
    [InlineData("""{"search_categories":{"room_events":[]}}""", "M_BAD_JSON")]
    [InlineData("""{"search_categories":{"room_events":{}}}""", "M_MISSING_PARAM")]
    [InlineData("""{"search_categories":{"room_events":{"search_term":1}}}""", "M_BAD_JSON")]
    [InlineData("""{"search_categories":{"room_events":{"search_term":"a","order_by":"size"}}}""", "M_INVALID_PARAM")]
    [InlineData("""{"search_categories":{"room_events":{"search_term":"a","keys":["sender"]}}}""", "M_INVALID_PARAM")]
    [InlineData("""{"search_categories":{"room_events":{"search_term":"a","event_context":{"before_limit":-1}}}}""", "M_BAD_JSON")]
    public async Task A_search_that_makes_no_sense_is_refused(string body, string code)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        var answer = await alice.PostAsync("/_matrix/client/v3/search", body);
        Assert.Equal((400, code), ((int)answer.Status, answer["errcode"].GetString()));
    }

    private static string Body(string term, string more) =>
        """{"search_categories":{"room_events":{"search_term":"TERM" MORE}}}"""
            .Replace("TERM", JsonEncodedText.Encode(term).Value, StringComparison.Ordinal)
            .Replace("MORE", more, StringComparison.Ordinal);

    private static async Task<JsonElement> SearchAsync(TestSession session, string term, string more = "", string? from = null)
    {
        var answer = await session.PostAsync("/_matrix/client/v3/search" + (from is null ? "" : "?next_batch=" + from), Body(term, more));
        Assert.True(answer.Status == System.Net.HttpStatusCode.OK, answer.Body);
        return answer["search_categories"].GetProperty("room_events");
    }

    private static async Task<List<string>> FindAsync(TestSession session, string term, string more = "") => Ids(await SearchAsync(session, term, more));

    private static List<string> Ids(JsonElement found) =>
        [.. found.GetProperty("results").EnumerateArray().Select(hit => hit.GetProperty("result").GetProperty("event_id").GetString()!)];
}
