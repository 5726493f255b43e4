using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Rooms.Tests;

/// <summary>What clients are told of a room in which events of another server stand beside those of this one.</summary>
public sealed class ForkedRoomSyncTests
{
    private const string V3 = "/_matrix/client/v3";
    private const string Bob = "@bob:elsewhere";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_is_told_the_state_that_both_branches_come_to(bool bobIsLater)
    {
        await using var server = await TestHomeserver.StartAsync();
        using var key = SigningKey.FromSeed("1", new byte[32]);
        var alice = await server.RegisterAsync("alice");
        var roomId = await alice.CreateRoomAsync();
        await alice.PutAsync($"{V3}/rooms/{roomId}/state/m.room.power_levels", """{"users":{"@bob:elsewhere":100}}""");
        var engine = server.Part<RoomEngine>();
        var room = engine.Find(roomId)!;
        await ReceiveAsync(await BuildAsync(new EventDraft("m.room.member", Bob, Bob, JsonContent.Of("membership", "join"))));
        var since = (await SyncAsync(null)).GetProperty("next_batch").GetString();

        // Two topics beside each other: of two that are set with the same power, the later counts.
        var (links, _) = await engine.LinksAsync(room, Topic(), TestContext.Current.CancellationToken);
        var ts = server.Time.GetUtcNow().ToUnixTimeMilliseconds() + (bobIsLater ? 1_000 : -1_000);
        await alice.PutAsync($"{V3}/rooms/{roomId}/state/m.room.topic", """{"topic":"of Alice"}""");
        var ofAlice = await SyncAsync(since);
        Assert.Equal(["of Alice"], Topics(ofAlice));
        await ReceiveAsync(Build(Topic(), links!, ts));

        var ofBob = await SyncAsync(ofAlice.GetProperty("next_batch").GetString());
        Assert.Equal(bobIsLater ? ["of Bob"] : [], Topics(ofBob));
        Assert.Equal(1, ofBob.GetProperty("rooms").GetProperty("join").GetProperty(roomId).GetProperty("timeline").GetProperty("events").GetArrayLength());

        // What follows both changes nothing of the state.
        await alice.SendTextAsync(roomId, "after both", "1");
        Assert.Empty(Topics(await SyncAsync(ofBob.GetProperty("next_batch").GetString())));
        Assert.Equal(
            bobIsLater ? "of Bob" : "of Alice", (await alice.GetAsync($"{V3}/rooms/{roomId}/state/m.room.topic"))["topic"].GetString());

        EventDraft Topic() => new("m.room.topic", "", Bob, JsonContent.Of("topic", "of Bob"));

        async Task<Pdu> BuildAsync(EventDraft draft)
        {
            var (where, refusal) = await engine.LinksAsync(room, draft, TestContext.Current.CancellationToken);
            Assert.Null(refusal);
            return Build(draft, where!, server.Time.GetUtcNow().ToUnixTimeMilliseconds());
        }

        Pdu Build(EventDraft draft, EventLinks where, long when) =>
            EventBuilder.Build(draft, room.Version, room.Id, where, when, key, "elsewhere").Event!;

        async Task ReceiveAsync(Pdu pdu) => Assert.Equal(
            ReceiptOutcome.Accepted, Assert.Single(await engine.ReceiveAsync(room, [pdu], TestContext.Current.CancellationToken)).Outcome);

        async Task<JsonElement> SyncAsync(string? from) =>
            (await alice.GetAsync($"{V3}/sync?use_state_after=true&timeout=0{(from is null ? "" : $"&since={from}")}")).Json;

        List<string?> Topics(JsonElement sync) =>
            [.. sync.GetProperty("rooms").GetProperty("join").GetProperty(roomId).GetProperty("state_after").GetProperty("events").EnumerateArray()
                .Where(state => state.GetProperty("type").GetString() == "m.room.topic")
                .Select(state => state.GetProperty("content").GetProperty("topic").GetString())];
    }
}
