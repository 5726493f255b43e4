using System.Net;
using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>
/// Rooms that <c>one</c> came into without their members, while nobody tells it those: two does not answer for its state until the test lets it.
/// </summary>
public sealed class PartialRoomTests : TwoServers
{
    private const string V3 = "/_matrix/client/v3";

    private static readonly string _lazy = "&filter=" + Uri.EscapeDataString("""{"room":{"state":{"lazy_load_members":true}}}""");

    [Fact]
    public async Task A_room_is_used_before_its_members_are_known_and_whole_when_they_are()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync("""{"preset":"public_chat","name":"Hall"}""");
        var names = Enumerable.Range(0, 20).Select(n => $"user{n}").ToList();
        foreach (var name in names)
        {
            await (await Two.RegisterAsync(name)).PostAsync($"{V3}/join/{room}", "{}");
        }

        await carol.SendTextAsync(room, "before", "1");
        var eager = await SinceAsync(bob, "");
        var lazy = await SinceAsync(bob, _lazy);
        var two = HoldState();
        await JoinAsync(bob, room);

        // Who wants all members is not told of the room yet.
        var sync = await bob.GetAsync($"{V3}/sync?since={eager}");
        Assert.False(sync["rooms"].TryGetProperty("join", out var none) && none.TryGetProperty(room, out _));
        eager = sync["next_batch"].GetString()!;

        // Others are, and of whom it needs to show who speaks.
        sync = await bob.GetAsync($"{V3}/sync?since={lazy}{_lazy}");
        var told = sync["rooms"].GetProperty("join").GetProperty(room);
        Assert.Contains("Hall", Texts(told, "state", "name"));
        Assert.Contains("@bob:one", StateKeys(told));
        lazy = sync["next_batch"].GetString()!;

        var user = await Two.LogInAsync("user7");
        await user.SendTextAsync(room, "hello", "1");
        await bob.SendTextAsync(room, "hello, too", "1");
        Assert.Contains("hello, too", await BodiesOfAsync(carol, room, "hello, too"));
        Assert.Contains("hello", await BodiesOfAsync(bob, room, "hello"));
        sync = await bob.GetAsync($"{V3}/sync?since={lazy}{_lazy}");
        told = sync["rooms"].GetProperty("join").GetProperty(room);
        Assert.Contains("@user7:two", StateKeys(told));
        lazy = sync["next_batch"].GetString()!;
        Assert.Contains("before", (await BodiesAsync(bob, room)));

        // What needs all members waits for them.
        var members = bob.GetAsync($"{V3}/rooms/{room}/members");
        var kick = bob.PostAsync($"{V3}/rooms/{room}/kick", """{"user_id":"@user3:two"}""");
        Assert.Equal((404, "ORG.MATRIX.MSC3895_UNABLE_DUE_TO_PARTIAL_STATE"), await MakeJoinAsync(room));
        await AssertSoundAsync();
        Assert.False(members.IsCompleted || kick.IsCompleted);

        await LetGoAsync(two, room);
        Assert.Equal(22, (await members)["chunk"].GetArrayLength());
        Assert.Equal((403, "M_FORBIDDEN"), (await kick).Error);
        sync = await bob.GetAsync($"{V3}/sync?since={eager}");
        told = sync["rooms"].GetProperty("join").GetProperty(room);
        Assert.Equal(22, told.GetProperty("summary").GetProperty("m.joined_member_count").GetInt32());
        Assert.Superset(names.Select(name => $"@{name}:two").ToHashSet(), StateKeys(told).ToHashSet());
        sync = await bob.GetAsync($"{V3}/sync?since={lazy}{_lazy}");
        told = sync["rooms"].GetProperty("join").GetProperty(room);
        Assert.Equal(22, told.GetProperty("summary").GetProperty("m.joined_member_count").GetInt32());
        Assert.Equal(await RemoteJoinTests.StateAsync(carol, room), await RemoteJoinTests.StateAsync(bob, room));
        Assert.Equal((200, null), await MakeJoinAsync(room));
        await AssertSoundAsync();
    }

    [Fact]
    public async Task A_start_goes_on_with_what_is_missing()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync("""{"preset":"public_chat"}""");
        await (await Two.RegisterAsync("dan")).PostAsync($"{V3}/join/{room}", "{}");
        var two = HoldState();
        await JoinAsync(bob, room);
        await RestartOneAsync();
        bob = await One.LogInAsync("bob");
        Assert.True(One.Part<RoomEngine>().IsPartial(One.Part<RoomEngine>().Find(room)!));
        await LetGoAsync(two, room);
        Assert.Equal(await RemoteJoinTests.StateAsync(carol, room), await RemoteJoinTests.StateAsync(bob, room));
        await AssertSoundAsync();
    }

    [Fact]
    public async Task Who_leaves_and_comes_back_before_the_members_are_known_is_in_the_room_like_any_other()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync("""{"preset":"public_chat"}""");
        var two = HoldState();
        await JoinAsync(bob, room);
        await bob.PostAsync($"{V3}/rooms/{room}/leave", "{}");
        await AssertSoundAsync();
        for (var attempt = 0; attempt < 500 && (await RemoteJoinTests.MembersAsync(carol, room)).Contains("@bob:one"); attempt++)
        {
            await Task.Delay(20);
        }

        await JoinAsync(bob, room);
        await LetGoAsync(two, room);
        Assert.Equal(["@bob:one", "@carol:two"], await RemoteJoinTests.MembersAsync(bob, room));
        Assert.Equal(await RemoteJoinTests.StateAsync(carol, room), await RemoteJoinTests.StateAsync(bob, room));
        await AssertSoundAsync();
    }

    [Fact]
    public async Task What_a_banned_user_says_is_taken_back_when_the_ban_is_known()
    {
        await using var three = await TestHomeserver.StartAsync(name: "three", seed: 3, network: Network);
        var (carol, bob, eve) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"), await three.RegisterAsync("eve"));
        var room = await carol.CreateRoomAsync("""{"preset":"public_chat"}""");
        await eve.PostAsync($"{V3}/join/{room}?via=two", "{}");
        Network.Link("two", "three").Cut();
        await carol.PostAsync($"{V3}/rooms/{room}/ban", """{"user_id":"@eve:three"}""");
        var two = HoldState();
        await JoinAsync(bob, room);

        // Three has not heard of the ban, and cites that eve is in the room; and what follows that is nobody's fault.
        string said;
        Pdu heard;
        {
            var one = One.Part<RoomEngine>();
            var (links, _) = await one.LinksAsync(one.Find(room)!, new EventDraft("m.room.message", null, "@bob:one", Text("x")), default);
            var joined = MemberOf(three, room, "@eve:three");
            var at = links! with { AuthEvents = [.. links.AuthEvents.Where(id => id.EventId != MemberOf(One, room, "@bob:one").EventId), EventReference.To(joined)] };
            var key = three.Part<LocalServer>();
            heard = EventBuilder.Build(
                new EventDraft("m.room.message", null, "@eve:three", Text("boo")), one.Find(room)!.Version, room, at, 1, key.Key, key.Name).Event!;
            said = heard.EventId;
            await one.StoreOutliersAsync(one.Find(room)!, [joined], default);
            Assert.Equal(ReceiptOutcome.Accepted, (await one.ReceiveAsync(one.Find(room)!, [heard], default))[0].Outcome);
        }

        await bob.SendTextAsync(room, "who is that", "1");
        Assert.Contains("boo", await BodiesAsync(bob, room));
        Assert.Equal("join", await MembershipAsync(bob, room, "@eve:three"));
        await AssertSoundAsync();

        await LetGoAsync(two, room);
        Assert.DoesNotContain("boo", await BodiesAsync(bob, room));
        Assert.Contains("who is that", await BodiesAsync(bob, room));
        Assert.Equal("ban", await MembershipAsync(bob, room, "@eve:three"));
        Assert.Equal((404, "M_NOT_FOUND"), (await bob.GetAsync($"{V3}/rooms/{room}/event/{said}")).Error);
        await bob.SendTextAsync(room, "gone", "2");
        await AssertSoundAsync();
    }

    private static JsonElement Text(string body) => JsonContent.Object(json =>
    {
        json.WriteString("msgtype", "m.text");
        json.WriteString("body", body);
    });

    private static Pdu MemberOf(TestHomeserver server, string room, string user)
    {
        using var db = server.Part<Database>().OpenSnapshot();
        var row = RoomTable.Find(db, room)!;
        return RoomStateReader.Find(db, server.Part<RoomEngine>().Find(db, row)!.Version, row.State, "m.room.member", user)!;
    }

    private static async Task<string?> MembershipAsync(TestSession session, string room, string user) =>
        (await session.GetAsync($"{V3}/rooms/{room}/state/m.room.member/{user}"))["membership"].GetString();

    private static async Task<string> SinceAsync(TestSession session, string filter) =>
        (await session.GetAsync($"{V3}/sync?timeout=0{filter}"))["next_batch"].GetString()!;

    private static List<string> Texts(JsonElement room, string section, string property) =>
    [
        .. room.GetProperty(section).GetProperty("events").EnumerateArray().Select(e => JsonContent.Text(e.GetProperty("content"), property)).OfType<string>(),
    ];

    private static List<string> StateKeys(JsonElement room) =>
    [
        .. room.GetProperty("state").GetProperty("events").EnumerateArray().Concat(room.GetProperty("timeline").GetProperty("events").EnumerateArray())
            .Where(e => e.GetProperty("type").GetString() == "m.room.member").Select(e => e.GetProperty("state_key").GetString()!),
    ];

    private static async Task<List<string>> BodiesAsync(TestSession session, string room) =>
    [
        .. (await session.GetAsync($"{V3}/rooms/{room}/messages?dir=b&limit=50"))["chunk"].EnumerateArray()
            .Select(e => JsonContent.Text(e.GetProperty("content"), "body")).OfType<string>(),
    ];

    /// <summary>As <see cref="BodiesAsync"/>, once a message is among them: servers tell each other in their own time.</summary>
    private static async Task<List<string>> BodiesOfAsync(TestSession session, string room, string body)
    {
        for (var attempt = 0; attempt < 500; attempt++)
        {
            if (await BodiesAsync(session, room) is var bodies && bodies.Contains(body))
            {
                return bodies;
            }

            await Task.Delay(20);
        }

        return [];
    }

    /// <summary>From now on two does not tell the state of rooms.</summary>
    private TamperedServer HoldState()
    {
        var two = new TamperedServer(Two)
        {
            Replace = path => path.Contains("/v1/state/", StringComparison.Ordinal)
                ? TamperedServer.Answer(HttpStatusCode.NotFound, """{"errcode":"M_NOT_FOUND","error":"not now"}""")
                : null,
        };
        Network.Join("two", two);
        return two;
    }

    private async Task LetGoAsync(TamperedServer two, string room)
    {
        two.Replace = null;
        var engine = One.Part<RoomEngine>();
        for (var attempt = 0; engine.IsPartial(engine.Find(room)!) && attempt < 500; attempt++)
        {
            One.Time.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(20);
        }

        Assert.False(engine.IsPartial(engine.Find(room)!));
    }

    /// <summary>Joins; the answer waits a moment for the members, by the clock of the server.</summary>
    private async Task JoinAsync(TestSession session, string room)
    {
        var joined = session.PostAsync($"{V3}/join/{room}?via=two", "{}");
        for (var attempt = 0; !joined.IsCompleted && attempt < 500; attempt++)
        {
            await Task.WhenAny(joined, Task.Delay(20));
            One.Time.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.Equal(HttpStatusCode.OK, (await joined).Status);
        Assert.True(One.Part<RoomEngine>().IsPartial(One.Part<RoomEngine>().Find(room)!));
    }

    /// <summary>Has two ask one whether it might let somebody in.</summary>
    private async Task<(int Status, string? Code)> MakeJoinAsync(string room)
    {
        var answer = await Two.Part<EdgeMatrix.Federation.Requests.FederationClient>().SendAsync(
            EdgeMatrix.Federation.Requests.FederationRequest.Get("one", $"/_matrix/federation/v1/make_join/{room}/@zoe:two?ver=12"), default);
        return answer.Failure is { } failure ? (failure.Status, failure.Code) : (200, null);
    }
}
