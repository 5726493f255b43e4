using System.Net;
using System.Text.Json.Nodes;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Memberships whose events were heard of before they counted.</summary>
public sealed class OutlierMembershipTests : TwoServers
{
    private const string V3 = "/_matrix/client/v3";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_that_has_synced_since_an_event_was_heard_of_is_told_of_it_when_it_counts()
    {
        var (carol, bob, erin) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"), await One.RegisterAsync("erin"));
        var roomId = await carol.CreateRoomAsync();
        Pdu? invite = null;

        // Two tells, with what allows the state, of an invite that follows the join.
        Network.Join("two", new TamperedServer(Two)
        {
            Change = (path, body) =>
            {
                if (path.Contains("send_join", StringComparison.Ordinal))
                {
                    invite = BuildInviteAsync(roomId).GetAwaiter().GetResult();
                    ((JsonArray)body["auth_chain"]!).Add(JsonNode.Parse(invite.Json.Span));
                }
            },
        });
        Assert.Equal(HttpStatusCode.OK, (await erin.PostAsync($"{V3}/join/{roomId}?via=two", "{}")).Status);
        var since = (await bob.GetAsync($"{V3}/sync"))["next_batch"].GetString();
        Assert.False((await bob.GetAsync($"{V3}/sync"))["rooms"].GetProperty("invite").TryGetProperty(roomId, out _));

        var engine = One.Part<RoomEngine>();
        var reception = Assert.Single(await engine.ReceiveAsync(engine.Find(roomId)!, [invite!], Cancelled));
        Assert.Equal(ReceiptOutcome.Accepted, reception.Outcome);
        var told = (await bob.GetAsync($"{V3}/sync?since={since}"))["rooms"].GetProperty("invite").GetProperty(roomId);
        Assert.True(told.GetProperty("invite_state").GetProperty("events").GetArrayLength() > 1);
        await AssertSoundAsync();
    }

    private async Task<Pdu> BuildInviteAsync(string roomId)
    {
        var engine = Two.Part<RoomEngine>();
        var draft = new EventDraft("m.room.member", "@bob:one", "@carol:two", JsonContent.Of("membership", "invite"));
        return (await engine.BuildAsync(engine.Find(roomId)!, _ => draft, Cancelled)).Value!;
    }
}
