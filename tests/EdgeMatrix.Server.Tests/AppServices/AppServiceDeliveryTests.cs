using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Configuration;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using Microsoft.AspNetCore.Http;
using Xunit;
using static EdgeMatrix.Server.Tests.AppServices.BridgedServer;

namespace EdgeMatrix.Server.Tests.AppServices;

/// <summary>What an application service is told, in which order, and how often.</summary>
public sealed class AppServiceDeliveryTests : IAsyncLifetime
{
    private BridgedServer _it = null!;
    private TestSession _alice = null!;
    private string _room = null!;

    public async ValueTask InitializeAsync()
    {
        _it = await StartAsync(options: options => options with { Admin = new AdminOptions { Token = "scrape" } });
        _alice = await _it.Server.RegisterAsync("alice");
        _room = await _alice.CreateRoomAsync("""{"preset":"public_chat","name":"Den"}""");
    }

    public ValueTask DisposeAsync() => _it.DisposeAsync();

    [Fact]
    public async Task It_is_told_of_what_happens_where_its_users_are_as_clients_see_it()
    {
        await _alice.SendTextAsync(_room, "nobody hears", "0");
        await _it.PostAsync($"{V3}/join/{_room}", "{}");
        var join = await _it.NextAsync();
        var said = await _alice.SendTextAsync(_room, "hello", "1");

        var told = await _it.NextAsync();

        Assert.Equal(("PUT", "Bearer hs_secret"), (told.Method, told.Authorization));
        Assert.Equal(
            $$$"""{"events":[{"content":{"body":"hello","msgtype":"m.text"},"event_id":"{{{said}}}","origin_server_ts":1790000000000,"room_id":"{{{_room}}}","sender":"@alice:test","type":"m.room.message","unsigned":{"age":0}}]}""",
            told.Body);
        var member = Assert.Single(join.Json.GetProperty("events").EnumerateArray());
        Assert.Equal(("m.room.member", Sender), (member.GetProperty("type").GetString(), member.GetProperty("state_key").GetString()));
        Assert.NotEqual(join.Path, told.Path);
    }

    [Fact]
    public async Task It_is_told_of_invites_and_leaves_of_its_users_and_what_comes_after_concerns_it_no_longer()
    {
        await _it.MakeUserAsync("_irc_bob");
        await _alice.PostAsync($"{V3}/rooms/{_room}/invite", """{"user_id":"@_irc_bob:test"}""");
        var invite = (await _it.NextAsync()).Json.GetProperty("events")[0];
        Assert.Equal("invite", invite.GetProperty("content").GetProperty("membership").GetString());
        var shown = invite.GetProperty("unsigned").GetProperty("invite_room_state").EnumerateArray().Select(one => one.GetProperty("type").GetString());
        Assert.Equal(["m.room.create", "m.room.name", "m.room.join_rules", "m.room.member", "m.room.member"], shown);

        await _alice.SendTextAsync(_room, "not yet", "1");
        await _it.PostAsync($"{V3}/join/{_room}", "{}", "@_irc_bob:test");
        var last = await _alice.SendTextAsync(_room, "now", "2");
        Assert.Equal(2, (await _it.UntilAsync(last)).Count);

        await _it.PostAsync($"{V3}/rooms/{_room}/leave", "{}", "@_irc_bob:test");
        await _alice.SendTextAsync(_room, "gone", "3");
        await _it.PostAsync($"{V3}/join/{_room}", "{}", "@_irc_bob:test");
        var again = await _alice.SendTextAsync(_room, "back", "4");
        var events = await _it.UntilAsync(again);
        Assert.Equal(3, events.Count);
        var leave = await _alice.GetAsync($"{V3}/rooms/{_room}/event/{events[0]}");
        Assert.Equal("leave", leave["content"].GetProperty("membership").GetString());
    }

    [Fact]
    public async Task Rooms_and_aliases_of_its_namespaces_concern_it_without_its_users()
    {
        await using var it = await StartAsync(change: text => text.Replace(
            "  aliases:\n  - exclusive: true\n    regex: '#_irc_.*'",
            "  aliases:\n  - exclusive: false\n    regex: '#irc_.*'\n  rooms:\n  - exclusive: false\n    regex: '!.*'", StringComparison.Ordinal)
            .Replace("'!.*'", "'!none'", StringComparison.Ordinal));
        var alice = await it.Server.RegisterAsync("alice");
        await alice.CreateRoomAsync();
        var room = await alice.CreateRoomAsync("""{"room_alias_name":"irc_chat"}""");
        var said = await alice.SendTextAsync(room, "hello", "1");

        var types = new List<string>();
        string? last = null;
        while (last != said)
        {
            foreach (var told in (await it.NextAsync()).Json.GetProperty("events").EnumerateArray())
            {
                Assert.Equal(room, told.GetProperty("room_id").GetString());
                types.Add(told.GetProperty("type").GetString()!);
                last = told.GetProperty("event_id").GetString();
            }
        }

        Assert.Equal("m.room.create", types[0]);

        await using var all = await StartAsync(change: text => text.Replace("  aliases:", "  rooms: [{regex: '!', exclusive: false}]\n  aliases:", StringComparison.Ordinal));
        await (await all.Server.RegisterAsync("alice")).CreateRoomAsync();
        Assert.Equal("m.room.create", (await all.NextAsync()).Json.GetProperty("events")[0].GetProperty("type").GetString());
    }

    [Fact]
    public async Task What_fails_here_is_tried_again_though_nothing_more_is_to_be_told()
    {
        await _it.PostAsync($"{V3}/join/{_room}", "{}");
        await _it.NextAsync();
        var database = _it.Server.Part<Database>();
        await database.WriteAsync(db => Run(db, "CREATE TRIGGER broken BEFORE DELETE ON appservice_queue BEGIN SELECT RAISE(ABORT, 'broken'); END"));
        var said = await _alice.SendTextAsync(_room, "hello", "1");
        await _it.SettleAsync();
        await database.WriteAsync(db => Run(db, "DROP TRIGGER broken"));

        _it.Server.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal([said], Ids(await _it.NextAsync()));
    }

    [Fact]
    public async Task What_it_does_not_take_comes_again_the_same_to_the_byte_and_all_else_after_it_in_order()
    {
        await _it.PostAsync($"{V3}/join/{_room}", "{}");
        await _it.NextAsync();
        _it.Bridge.Answer = Fail;
        var sent = new List<string> { await _alice.SendTextAsync(_room, "one", "1") };
        var first = await _it.NextAsync();
        for (var i = 2; i <= 130; i++)
        {
            sent.Add(await _alice.SendTextAsync(_room, $"message {i}", $"{i}"));
        }

        // What is redacted meanwhile is told as it was, where it was sent as it was.
        await _alice.PutAsync($"{V3}/rooms/{_room}/redact/{sent[0]}/r", "{}");
        await _it.SettleAsync();
        _it.Bridge.Answer = Accept;
        _it.Server.Time.Advance(TimeSpan.FromSeconds(1));

        var again = await _it.NextAsync();
        Assert.Equal((first.Path, first.Body), (again.Path, again.Body));
        var (second, third) = (await _it.NextAsync(), await _it.NextAsync());
        Assert.Equal((AppServiceTransactionsLimit, 30), (Ids(second).Count, Ids(third).Count));
        Assert.Equal(sent, Ids(again).Concat(Ids(second)).Concat(Ids(third).Take(29)));
        Assert.Equal(3, new[] { again.Path, second.Path, third.Path }.Distinct().Count());
    }

    [Fact]
    public async Task After_a_restart_the_transaction_that_was_not_taken_comes_with_its_id_and_then_the_rest()
    {
        await _it.PostAsync($"{V3}/join/{_room}", "{}");
        await _it.NextAsync();
        _it.Bridge.Answer = Fail;
        await _alice.SendTextAsync(_room, "one", "1");
        var first = await _it.NextAsync();
        var second = await _alice.SendTextAsync(_room, "two", "2");
        await _it.SettleAsync();

        _it.Bridge.Answer = Accept;
        await _it.RestartAsync();

        var again = await _it.NextAsync();
        Assert.Equal((first.Path, first.Body), (again.Path, again.Body));
        Assert.Equal([second], Ids(await _it.NextAsync()));
        await _it.SettleAsync();
        await _it.RestartAsync();
        await _it.SettleAsync();
        Assert.Equal(0, _it.Bridge.Waiting);
    }

    [Fact]
    public async Task One_that_was_down_is_told_all_once_it_pings_without_waiting_for_the_next_attempt()
    {
        await _it.PostAsync($"{V3}/join/{_room}", "{}");
        await _it.NextAsync();
        _it.Bridge.Answer = Fail;
        var sent = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            sent.Add(await _alice.SendTextAsync(_room, "hello", $"{i}"));
        }

        for (var i = 0; i < 4; i++)
        {
            await _it.NextAsync();
            await _it.SettleAsync();
            _it.Server.Time.Advance(TimeSpan.FromMinutes(5));
        }

        await _it.NextAsync();
        await _it.SettleAsync();
        var service = _it.Server.Part<KnownAppServices>().All[0];
        Assert.True(_it.Server.Part<AppServiceDelivery>().StateOf(service) is { FailingSinceTs: not null, IsWaiting: true });

        _it.Bridge.Answer = Accept;
        await _it.PostAsync("/_matrix/client/v1/appservice/irc/ping", "{}");

        Assert.Equal(sent, await _it.UntilAsync(sent[^1]));
        await _it.SettleAsync();
        Assert.True(_it.Server.Part<AppServiceDelivery>().StateOf(service) is { FailingSinceTs: null, IsWaiting: false, Queued: 0 });
        var metrics = (await _it.Server.GetAsync("/metrics", "scrape")).Body;
        Assert.Contains("edgematrix_appservice_queued{id=\"irc\"} 0", metrics, StringComparison.Ordinal);
        Assert.Contains("edgematrix_appservice_failing_since_seconds{id=\"irc\"} 0", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_users_gather_no_notifications()
    {
        var bob = await _it.Server.RegisterAsync("bob");
        await _it.MakeUserAsync("_irc_bob");
        await _it.PostAsync($"{V3}/join/{_room}", "{}", "@_irc_bob:test");
        await bob.PostAsync($"{V3}/join/{_room}", "{}");
        await _alice.SendTextAsync(_room, "hello", "1");

        Assert.Equal(1, (await bob.GetAsync($"{V3}/notifications"))["notifications"].GetArrayLength());
        Assert.Equal(0, (await _it.GetAsync($"{V3}/notifications", "@_irc_bob:test"))["notifications"].GetArrayLength());
    }

    [Fact]
    public async Task A_slow_answer_holds_up_no_sender()
    {
        await _it.PostAsync($"{V3}/join/{_room}", "{}");
        await _it.NextAsync();
        var answer = new TaskCompletionSource();
        _it.Bridge.Answer = async (_, response) =>
        {
            await answer.Task;
            await response.WriteAsync("{}");
        };
        await _alice.SendTextAsync(_room, "one", "1");
        await _it.NextAsync();
        var second = await _alice.SendTextAsync(_room, "two", "2");
        var third = await _alice.SendTextAsync(_room, "three", "3");
        answer.SetResult();

        Assert.Equal([second, third], Ids(await _it.NextAsync()));
    }

    [Fact]
    public async Task One_that_knows_the_paths_of_before_is_told_by_them()
    {
        _it.Bridge.Answer = (request, response) =>
        {
            response.StatusCode = request.Path.StartsWith("/_matrix/app/v1/", StringComparison.Ordinal) ? 404 : 200;
            return response.WriteAsync("{}");
        };
        await _it.PostAsync($"{V3}/join/{_room}", "{}");

        var (first, second) = (await _it.Bridge.NextAsync(), await _it.Bridge.NextAsync());

        var txnId = first.Path[(first.Path.LastIndexOf('/') + 1)..];
        Assert.Equal($"/transactions/{txnId}?access_token=hs_secret", second.Path);
        Assert.All(txnId, digit => Assert.True(char.IsAsciiDigit(digit)));
        Assert.Equal((first.Body, first.Authorization), (second.Body, second.Authorization));
        await _it.SettleAsync();
        Assert.Equal(0, _it.Bridge.Waiting);
    }

    [Fact]
    public async Task One_without_a_url_is_told_nothing_and_acts_all_the_same()
    {
        await using var it = await StartAsync(change: text => System.Text.RegularExpressions.Regex.Replace(text, "url: .*", "url: null"));
        var room = (await it.PostAsync($"{V3}/createRoom", "{}"))["room_id"].GetString()!;
        await it.SayAsync(room, "hello");
        await it.SettleAsync();
        Assert.Equal(0, it.Bridge.Waiting);
        Assert.Equal((400, "M_URL_NOT_SET"), (await it.PostAsync("/_matrix/client/v1/appservice/irc/ping", "{}")).Error);
    }

    private const int AppServiceTransactionsLimit = 100;

    private static void Run(WriteTransaction db, string sql)
    {
        using var statement = db.Prepare(sql);
        statement.Run();
    }
}
