using System.Text.Json;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Bob is at one, carol at two; a room of two has both, but only two knows of it. What one tells besides events is handed to two.</summary>
public abstract class RoomOfTwo : TwoServers
{
    protected const string BobId = "@bob:one";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Carol, and a room of hers that Bob has joined.</summary>
    protected async Task<(TestSession Carol, string Room)> MeetAsync(string user = BobId)
    {
        var carol = await Two.RegisterAsync("carol", "CAROL");
        var room = await carol.CreateRoomAsync();
        await MoveAsync(room, "join", user);
        return (carol, room);
    }

    /// <summary>Has a user of one, or of another server, join or leave a room of two.</summary>
    protected async Task MoveAsync(string roomId, string membership, string user = BobId) =>
        await ReceiveAsync(roomId, await BuildAsync(roomId, new EventDraft("m.room.member", user, user, JsonContent.Of("membership", membership))));

    /// <summary>An event of another server, as it would stand in a room of two now.</summary>
    protected async Task<Pdu> BuildAsync(string roomId, EventDraft draft)
    {
        var engine = Two.Part<RoomEngine>();
        var room = engine.Find(roomId)!;
        var (links, refusal) = await engine.LinksAsync(room, draft, Cancelled);
        Assert.Null(refusal);
        var one = One.Part<LocalServer>();
        return EventBuilder.Build(draft, room.Version, room.Id, links!, Two.Time.GetUtcNow().ToUnixTimeMilliseconds(), one.Key, one.Name).Event!;
    }

    protected async Task ReceiveAsync(string roomId, Pdu pdu)
    {
        var engine = Two.Part<RoomEngine>();
        Assert.Equal(ReceiptOutcome.Accepted, Assert.Single(await engine.ReceiveAsync(engine.Find(roomId)!, [pdu], Cancelled)).Outcome);
    }

    /// <summary>Has a server tell two of something besides events.</summary>
    protected Task TellAsync(string type, string content, string origin = "one") => Two.Part<IncomingEdus>().ReceiveAsync(
        origin, JsonElement.Parse($$"""{"edu_type":"{{type}}","content":{{content}}}"""), Cancelled);

    /// <summary>How many of a type came, and how many of them nothing was taken of.</summary>
    protected (long Received, long Refused) CountsOf(string type) => Two.Part<IncomingEdus>().CountsOf(type);

    protected static async Task<TestAnswer> SyncAsync(TestSession user, string? since = null) =>
        await user.GetAsync("/_matrix/client/v3/sync?timeout=0" + (since is null ? "" : $"&since={since}"));

    protected static async Task<string> NextAsync(TestSession user, string? since = null) =>
        (await SyncAsync(user, since))["next_batch"].GetString()!;
}
