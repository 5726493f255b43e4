using EdgeMatrix.Configuration;
using EdgeMatrix.Server.Tests.Outbound;
using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace EdgeMatrix.Server.Tests.Push;

/// <summary>A push gateway on the loopback, and what it is told.</summary>
public sealed class PusherTests : IAsyncLifetime
{
    private const string V3 = "/_matrix/client/v3";

    private Peer _gateway = null!;
    private TestHomeserver _server = null!;
    private TestSession _alice = null!;
    private TestSession _bob = null!;
    private string _room = null!;
    private int _transactions;

    public async ValueTask InitializeAsync()
    {
        _gateway = await Peer.StartAsync();
        _server = await TestHomeserver.StartAsync(options => options with { Network = new NetworkOptions { Allow = ["127.0.0.1"] } });
        _alice = await _server.RegisterAsync("alice");
        _bob = await _server.RegisterAsync("bob");
        _room = await _alice.CreateRoomAsync("""{"preset":"public_chat","name":"Den"}""");
        await _bob.PostAsync($"{V3}/join/{_room}", "{}");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _gateway.DisposeAsync();
    }

    [Fact]
    public async Task A_gateway_is_told_of_a_message_and_of_what_stands_around_it()
    {
        await SetAsync(_bob, "key", """, "format_hint":7""");
        var id = await SayAsync("""{"msgtype":"m.text","body":"tea","m.mentions":{"user_ids":["@bob:test"]}}""");

        var told = (await _gateway.NextAsync()).Json.GetProperty("notification");

        var ts = _server.Time.GetUtcNow().ToUnixTimeSeconds();
        Assert.Equal(
            $$$"""{"event_id":"{{{id}}}","room_id":"{{{_room}}}","prio":"high","id":"{{{id}}}","type":"m.room.message","sender":"@alice:test","sender_display_name":"alice","room_name":"Den","content":{"body":"tea","m.mentions":{"user_ids":["@bob:test"]},"msgtype":"m.text"},"counts":{"unread":1},"devices":[{"app_id":"app","pushkey":"key","pushkey_ts":{{{ts}}},"data":{"format_hint":7},"tweaks":{"sound":"default","highlight":true}}]}""",
            told.GetRawText());
    }

    [Fact]
    public async Task One_that_asks_for_ids_only_gets_no_more()
    {
        await SetAsync(_bob, "key", """, "format":"event_id_only" """);
        var id = await SayAsync("""{"msgtype":"m.text","body":"tea"}""");

        var told = (await _gateway.NextAsync()).Json.GetProperty("notification");

        Assert.Equal(["event_id", "room_id", "prio", "counts", "devices"], told.EnumerateObject().Select(property => property.Name));
        Assert.Equal(id, told.GetProperty("event_id").GetString());
        Assert.Equal("""{"format":"event_id_only"}""", told.GetProperty("devices")[0].GetProperty("data").GetRawText());
    }

    [Fact]
    public async Task Nobody_is_pushed_what_they_send_or_what_their_rules_are_silent_of()
    {
        await SetAsync(_bob, "key");
        await _bob.SendTextAsync(_room, "mine", "own");
        await SayAsync("""{"msgtype":"m.notice","body":"beep"}""");
        var id = await SayAsync("""{"msgtype":"m.text","body":"for bob"}""");

        Assert.Equal(id, EventId(await _gateway.NextAsync()));
    }

    [Fact]
    public async Task What_fails_here_is_tried_again_though_nothing_more_is_to_be_told()
    {
        await SetAsync(_bob, "key");
        var database = _server.Part<Database>();
        await database.WriteAsync(db => Run(db, "CREATE TRIGGER broken BEFORE UPDATE ON pushers BEGIN SELECT RAISE(ABORT, 'broken'); END"));
        var id = await SayAsync("""{"msgtype":"m.text","body":"tea"}""");
        Assert.Equal(id, EventId(await _gateway.NextAsync()));
        await Task.Delay(200, TestContext.Current.CancellationToken);
        await _server.WritesSettledAsync();
        await Task.Delay(200, TestContext.Current.CancellationToken);
        await database.WriteAsync(db => Run(db, "DROP TRIGGER broken"));

        _server.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(id, EventId(await _gateway.NextAsync()));
    }

    [Fact]
    public async Task Reading_elsewhere_tells_the_new_count()
    {
        await SetAsync(_bob, "key");
        await SayAsync("""{"msgtype":"m.text","body":"one"}""");
        await _gateway.NextAsync();
        var id = await SayAsync("""{"msgtype":"m.text","body":"two"}""");
        Assert.Equal(2, Unread(await _gateway.NextAsync()));

        await _bob.PostAsync($"{V3}/rooms/{_room}/receipt/m.read/{id}", "{}");

        var told = await _gateway.NextAsync();
        Assert.Equal((null, 0), (EventId(told), Unread(told)));
    }

    [Fact]
    public async Task What_the_gateway_does_not_take_comes_again_in_order_and_what_is_read_meanwhile_does_not()
    {
        await SetAsync(_bob, "key");
        _gateway.Answer = Fail;
        var first = await SayAsync("""{"msgtype":"m.text","body":"one"}""");
        Assert.Equal(first, EventId(await _gateway.NextAsync()));
        var second = await SayAsync("""{"msgtype":"m.text","body":"two"}""");
        await SettleAsync();

        _gateway.Answer = Accept;
        _server.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(first, EventId(await _gateway.NextAsync()));
        Assert.Equal(second, EventId(await _gateway.NextAsync()));

        _gateway.Answer = Fail;
        var third = await SayAsync("""{"msgtype":"m.text","body":"three"}""");
        Assert.Equal(third, EventId(await _gateway.NextAsync()));
        await SettleAsync();
        _gateway.Answer = Accept;
        await _bob.PostAsync($"{V3}/rooms/{_room}/receipt/m.read/{third}", "{}");
        _server.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(EventId(await _gateway.NextAsync()));
    }

    [Fact]
    public async Task What_was_not_delivered_before_a_restart_is_delivered_after_it()
    {
        await SetAsync(_bob, "key");
        _gateway.Answer = Fail;
        var id = await SayAsync("""{"msgtype":"m.text","body":"one"}""");
        await _gateway.NextAsync();

        _gateway.Answer = Accept;
        await using var again = await _server.RestartAsync();

        Assert.Equal(id, EventId(await _gateway.NextAsync()));
    }

    [Fact]
    public async Task A_rejected_pushkey_is_forgotten()
    {
        await SetAsync(_bob, "key");
        _gateway.Answer = (_, response) => response.WriteAsync("""{"rejected":["key"]}""");
        await SayAsync("""{"msgtype":"m.text","body":"one"}""");
        await _gateway.NextAsync();

        while ((await _bob.GetAsync($"{V3}/pushers"))["pushers"].GetArrayLength() > 0)
        {
            await Task.Delay(10);
        }
    }

    [Fact]
    public async Task Pushers_are_listed_changed_and_taken_away()
    {
        await SetAsync(_bob, "key");
        await SetAsync(_bob, "key", """, "format":"event_id_only" """);
        Assert.Equal(
            $$$"""[{"pushkey":"key","kind":"http","app_id":"app","app_display_name":"App","device_display_name":"Phone","profile_tag":"p","lang":"en","data":{"url":"{{{_gateway.Url}}}/_matrix/push/v1/notify", "format":"event_id_only" }}]""",
            (await _bob.GetAsync($"{V3}/pushers"))["pushers"].GetRawText());

        await _bob.PostAsync($"{V3}/pushers/set", """{"kind":null,"app_id":"app","pushkey":"key"}""");
        Assert.Equal("[]", (await _bob.GetAsync($"{V3}/pushers"))["pushers"].GetRawText());
    }

    [Fact]
    public async Task A_pushkey_of_another_user_goes_unless_it_is_to_stay_and_all_of_a_device_go_with_it()
    {
        await SetAsync(_alice, "key");
        await SetAsync(_bob, "key", append: true);
        Assert.Equal(1, (await _alice.GetAsync($"{V3}/pushers"))["pushers"].GetArrayLength());
        await SetAsync(_bob, "key");
        Assert.Equal(0, (await _alice.GetAsync($"{V3}/pushers"))["pushers"].GetArrayLength());

        var other = await _server.LogInAsync("bob");
        await _bob.PostAsync($"{V3}/logout", "{}");
        Assert.Equal(0, (await other.GetAsync($"{V3}/pushers"))["pushers"].GetArrayLength());
    }

    [Theory]
    [InlineData("""{"kind":"http","app_id":"a","pushkey":"k"}""", "M_MISSING_PARAM")]
    [InlineData("""{"app_id":"a","pushkey":"k"}""", "M_MISSING_PARAM")]
    [InlineData("""{"kind":"http","app_id":"a","pushkey":1}""", "M_BAD_JSON")]
    [InlineData("""{"kind":"email","app_id":"m.email","pushkey":"a@b.c","app_display_name":"a","device_display_name":"d","lang":"en","data":{}}""", "M_INVALID_PARAM")]
    [InlineData("""{"kind":"http","app_id":"a","pushkey":"k","app_display_name":"a","device_display_name":"d","lang":"en","data":{}}""", "M_MISSING_PARAM")]
    [InlineData("""{"kind":"http","app_id":"a","pushkey":"k","app_display_name":"a","device_display_name":"d","lang":"en","data":{"url":"https://x.example/notify"}}""", "M_INVALID_PARAM")]
    [InlineData("""{"kind":"http","app_id":"a","pushkey":"k","app_display_name":"a","device_display_name":"d","lang":"en","data":{"url":"http://x.example/_matrix/push/v1/notify"}}""", "M_INVALID_PARAM")]
    public async Task What_is_no_pusher_is_refused(string body, string code) =>
        Assert.Equal((400, code), (await _bob.PostAsync($"{V3}/pushers/set", body)).Error);

    private static string? EventId(PeerRequest request) =>
        request.Json.GetProperty("notification").TryGetProperty("event_id", out var id) ? id.GetString() : null;

    private static int Unread(PeerRequest request) =>
        request.Json.GetProperty("notification").GetProperty("counts").GetProperty("unread").GetInt32();

    private static Task Accept(PeerRequest request, HttpResponse response) => response.WriteAsync("""{"rejected":[]}""");

    private static Task Fail(PeerRequest request, HttpResponse response)
    {
        response.StatusCode = 502;
        return Task.CompletedTask;
    }

    // A failure is noted before the wait for the next attempt begins, and the wait before the clock may move.
    private async Task SettleAsync()
    {
        await Task.Delay(200);
        await _server.WritesSettledAsync();
        await Task.Delay(200);
    }

    private async Task SetAsync(TestSession user, string pushkey, string data = "", bool append = false)
    {
        var answer = await user.PostAsync($"{V3}/pushers/set", $$$"""
            {"kind":"http","app_id":"app","pushkey":"{{{pushkey}}}","app_display_name":"App","device_display_name":"Phone","profile_tag":"p","lang":"en",
            "append":{{{(append ? "true" : "false")}}},"data":{"url":"{{{_gateway.Url}}}/_matrix/push/v1/notify"{{{data}}}}}
            """);
        Assert.Equal("{}", answer.Body);
    }

    private async Task<string> SayAsync(string content) =>
        (await _alice.PutAsync($"{V3}/rooms/{_room}/send/m.room.message/{++_transactions}", content))["event_id"].GetString()!;

    private static void Run(WriteTransaction db, string sql)
    {
        using var statement = db.Prepare(sql);
        statement.Run();
    }
}
