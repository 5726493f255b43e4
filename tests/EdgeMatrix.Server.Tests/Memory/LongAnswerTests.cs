using System.Net;
using EdgeMatrix.Configuration;
using EdgeMatrix.Storage.Memory;
using EdgeMatrix.Sync;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Memory;

public class LongAnswerTests
{
    [Theory]
    [InlineData(Transport.Memory)]
    [InlineData(Transport.Loopback)]
    public async Task An_answer_too_long_for_the_memory_comes_whole_from_a_file(Transport transport)
    {
        await using var server = await TestHomeserver.StartAsync(Small, transport);
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var text = new string('ä', 20_000);
        for (var i = 0; i < 12; i++)
        {
            await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/state/org.example.long/{i}", $$"""{"text":"{{text}}"}""");
        }

        var spool = server.Part<AnswerSpool>();
        var state = await alice.GetAsync($"/_matrix/client/v3/rooms/{room}/state");
        Assert.Equal(1, spool.Files);
        Assert.Equal(12, state.Json.EnumerateArray().Count(e => e.GetProperty("content").TryGetProperty("text", out var t) && t.GetString() == text));

        var sync = await alice.GetAsync("/_matrix/client/v3/sync");
        Assert.Equal(HttpStatusCode.OK, sync.Status);
        Assert.Equal(2, spool.Files);
        Assert.True(sync["rooms"].GetProperty("join").TryGetProperty(room, out _));

        Assert.Equal(0, Share(server, "answers").Use.Bytes);
        Assert.Empty(Directory.EnumerateFiles(server.DataFolder, "answer-*"));
    }

    [Fact]
    public async Task Files_of_answers_take_no_more_of_the_disk_than_they_may()
    {
        await using var server = await TestHomeserver.StartAsync(Small);
        var spool = new AnswerSpool(server.DataFolder, MemoryBudget.Unlimited(), maxFileBytes: 6 << 20);
        using (var first = new ResponseBuffer(spool))
        {
            Write(first, megabytes: 5);
            Assert.InRange(spool.FileBytes, 4 << 20, 6 << 20);
            using var second = new ResponseBuffer(spool);
            Assert.Throws<AnswersFullException>(() => Write(second, megabytes: 5));

            second.Clear();
            Write(second, megabytes: 1);
        }

        Assert.Equal(0, spool.FileBytes);
    }

    [Fact]
    public async Task A_short_answer_needs_no_file()
    {
        await using var server = await TestHomeserver.StartAsync(Small);
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();

        await alice.GetAsync($"/_matrix/client/v3/rooms/{room}/state");
        await alice.GetAsync("/_matrix/client/v3/sync");

        Assert.Equal(0, server.Part<AnswerSpool>().Files);
    }

    [Fact]
    public async Task Bodies_of_strangers_are_short()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var body = $$"""{"nothing":"{{new string('a', 100_000)}}"}""";

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await server.PostAsync("/_matrix/client/v3/login", body)).Status);
        Assert.NotEqual(HttpStatusCode.RequestEntityTooLarge, (await alice.PostAsync("/_matrix/client/v3/createRoom", body)).Status);
        Assert.Equal(0, Share(server, "request_bodies").Use.Bytes + Share(server, "request_bodies_of_strangers").Use.Bytes);
    }

    [Fact]
    public async Task One_device_cannot_wait_without_end()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var since = (await alice.GetAsync("/_matrix/client/v3/sync"))["next_batch"].GetString();
        var path = $"/_matrix/client/v3/sync?timeout=30000&since={since}";
        var waiting = Enumerable.Range(0, 8).Select(_ => alice.GetAsync(path)).ToList();
        while (Share(server, "waiting_syncs").Use.Entries < waiting.Count)
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        var refused = await alice.GetAsync(path);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.Status);
        Assert.Equal("M_LIMIT_EXCEEDED", refused["errcode"].GetString());
        Assert.Equal("2", refused.Headers["Retry-After"]);

        server.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.All(await Task.WhenAll(waiting), answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal(0, Share(server, "waiting_syncs").Use.Entries);
    }

    private static void Write(ResponseBuffer buffer, int megabytes)
    {
        for (var n = 0; n < megabytes << 10; n++)
        {
            buffer.GetSpan(1 << 10);
            buffer.Advance(1 << 10);
        }
    }

    private static HomeserverOptions Small(HomeserverOptions options) =>
        options with { Memory = new MemoryOptions { Limit = MemoryBudget.MinLimit } };

    private static MemoryShare Share(TestHomeserver server, string name) =>
        server.Part<EdgeMatrix.Storage.Database>().Memory.Shares.Single(share => share.Name == name);
}
