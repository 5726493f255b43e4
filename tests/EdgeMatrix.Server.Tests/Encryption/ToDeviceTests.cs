using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Encryption;

public sealed class ToDeviceTests
{
    [Fact]
    public async Task A_message_comes_again_until_the_device_shows_that_it_has_it()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice", "PHONE"), await server.RegisterAsync("bob"));
        var before = Next(await SyncAsync(alice));
        await SendAsync(bob, "t1", "PHONE", 1);

        var first = await SyncAsync(alice, before);
        Assert.Equal("""[{"content":{"n":1},"sender":"@bob:test","type":"org.example.note"}]""", first["to_device"].GetProperty("events").GetRawText());
        Assert.Equal([1], Numbers(await SyncAsync(alice, before)));
        Assert.Equal([1], Numbers(await SyncAsync(alice)));
        Assert.Empty(Numbers(await SyncAsync(alice, Next(first))));
        Assert.Empty(Numbers(await SyncAsync(alice, before)));
        Assert.Empty(Numbers(await SyncAsync(alice)));
    }

    [Fact]
    public async Task A_message_is_sent_once_for_its_transaction_id()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice", "PHONE"), await server.RegisterAsync("bob"));
        await SendAsync(bob, "t1", "PHONE", 1);
        await SendAsync(bob, "t1", "PHONE", 1);
        await SendAsync(alice, "t1", "PHONE", 2);

        Assert.Equal([1, 2], Numbers(await SyncAsync(alice)));
    }

    [Fact]
    public async Task All_devices_of_a_user_are_reached_at_once_and_nobody_who_is_not_there()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice", "PHONE"), await server.RegisterAsync("bob"));
        var laptop = await server.LogInAsync("alice", "LAPTOP");
        await SendAsync(bob, "t1", "*", 1);
        await SendAsync(bob, "t2", "OTHER", 2);
        await SendAsync(bob, "t3", "LAPTOP", 3);

        Assert.Equal([1], Numbers(await SyncAsync(alice)));
        Assert.Equal([1, 3], Numbers(await SyncAsync(laptop)));
        Assert.Empty(Numbers(await SyncAsync(bob)));
    }

    [Fact]
    public async Task Large_messages_come_over_several_answers_and_too_large_ones_not_at_all()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice", "PHONE"), await server.RegisterAsync("bob"));
        var since = Next(await SyncAsync(alice));
        var large = new string('x', 60_000);
        for (var i = 0; i < 30; i++)
        {
            await SendLargeAsync(bob, i, large);
        }

        Assert.Equal((413, "M_TOO_LARGE"), (await SendLargeAsync(bob, 30, large + large)).Error);
        var first = await SyncAsync(alice, since);
        var second = await SyncAsync(alice, Next(first));
        Assert.InRange(first.Body.Length, 900_000, 1_200_000);
        Assert.Equal(Enumerable.Range(0, 30), [.. Numbers(first), .. Numbers(second)]);
        Assert.Empty(Numbers(await SyncAsync(alice, Next(second))));
    }

    private static Task<TestAnswer> SendLargeAsync(TestSession sender, int number, string text) => sender.PutAsync(
        $"/_matrix/client/v3/sendToDevice/org.example.note/large{number}",
        "{\"messages\":{\"@alice:test\":{\"PHONE\":{\"n\":" + number + ",\"text\":\"" + text + "\"}}}}");

    [Fact]
    public async Task More_than_a_hundred_come_in_order_over_several_answers()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice", "PHONE"), await server.RegisterAsync("bob"));
        var since = Next(await SyncAsync(alice));
        for (var i = 0; i < 230; i++)
        {
            await SendAsync(bob, $"t{i}", "PHONE", i);
        }

        var told = new List<int>();
        for (var i = 0; i < 4; i++)
        {
            var sync = await SyncAsync(alice, since);
            Assert.True(Numbers(sync).Count <= 100);
            told.AddRange(Numbers(sync));
            since = Next(sync);
        }

        Assert.Equal(Enumerable.Range(0, 230), told);
    }

    [Fact]
    public async Task A_waiting_sync_is_woken()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice", "PHONE"), await server.RegisterAsync("bob"));
        var since = Next(await SyncAsync(alice));

        var waiting = SyncAsync(alice, since, timeoutMs: 600_000);
        await SendAsync(bob, "t1", "PHONE", 1);

        Assert.Equal([1], Numbers(await waiting));
    }

    [Fact]
    public async Task Messages_outlive_a_restart_and_go_with_their_device()
    {
        var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice", "PHONE"), await server.RegisterAsync("bob"));
        await SendAsync(bob, "t1", "PHONE", 1);
        await using var again = await server.RestartAsync();
        Assert.Equal([1], Numbers(await SyncAsync(alice with { Server = again })));

        await (alice with { Server = again }).PostAsync("/_matrix/client/v3/logout", "{}");

        Assert.Empty(Numbers(await SyncAsync(await again.LogInAsync("alice", "PHONE"))));
    }

    private static async Task SendAsync(TestSession sender, string txnId, string device, int number) => Assert.Equal("{}", (await sender.PutAsync(
        $"/_matrix/client/v3/sendToDevice/org.example.note/{txnId}", "{\"messages\":{\"@alice:test\":{\"" + device + "\":{\"n\":" + number + "}}}}")).Body);

    private static Task<TestAnswer> SyncAsync(TestSession session, string? since = null, int timeoutMs = 0) =>
        session.GetAsync($"/_matrix/client/v3/sync?timeout={timeoutMs}" + (since is null ? "" : $"&since={since}"));

    private static string Next(TestAnswer sync) => sync["next_batch"].GetString()!;

    private static List<int> Numbers(TestAnswer sync) =>
        [.. sync["to_device"].GetProperty("events").EnumerateArray().Select(message => message.GetProperty("content").GetProperty("n").GetInt32())];
}
