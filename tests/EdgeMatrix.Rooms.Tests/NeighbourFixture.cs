using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Storage.Rooms;
using Xunit;

namespace EdgeMatrix.Rooms.Tests;

/// <summary>Two whole servers, <c>a</c> and <c>b</c>, that hand each other events as other servers would, with nothing between them.</summary>
internal sealed class NeighbourFixture : IAsyncDisposable
{
    public const string Alice = "@alice:a";
    public const string Bob = "@bob:b";

    private readonly Dictionary<RoomFixture, long> _told = [];

    private NeighbourFixture(RoomFixture a, RoomFixture b, Room atA, Room atB) => (A, B, AtA, AtB) = (a, b, atA, atB);

    public RoomFixture A { get; }

    public RoomFixture B { get; }

    /// <summary>The room as A has it.</summary>
    public Room AtA { get; }

    /// <summary>The room as B has it.</summary>
    public Room AtB { get; }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>A room of Alice on A, which Bob has entered from B.</summary>
    public static async Task<NeighbourFixture> MeetAsync(string version = "12")
    {
        var (a, b) = (await RoomFixture.StartAsync("a", 1), await RoomFixture.StartAsync("b", 2));
        await AddAccountAsync(a, Alice);
        await AddAccountAsync(b, Bob);
        var atA = await a.CreateAsync(Alice, new CreateRoomRequest { Preset = "public_chat", RoomVersion = version });
        return new NeighbourFixture(a, b, atA, await JoinAsync(a, atA, b, Bob));
    }

    /// <summary>What a join over federation does: a template of the resident, the event of the joining server, and the state before it.</summary>
    public static async Task<Room> JoinAsync(RoomFixture resident, Room room, RoomFixture joining, string user)
    {
        var join = await BuildAsync(resident, room, joining, new EventDraft("m.room.member", user, user, JsonContent.Of("membership", "join")));
        var state = new List<Pdu>();
        using (var snapshot = resident.Database.OpenSnapshot())
        {
            RoomStateReader.ForEach(snapshot, RoomTable.Find(snapshot, room.Nid)!.State, stored => state.Add(stored.Parse(room.Version)));
        }

        var others = resident.Timeline(room).Where(e => e.Pdu.IsState).Select(e => Sent(e.Pdu)).ToList();
        var reception = Assert.Single(await resident.Engine.ReceiveAsync(room, [join], Cancelled));
        Assert.Null(reception.Refusal);
        var entered = await joining.Engine.EnterAsync(join, [.. state.Select(Sent)], others, servers: null);
        Assert.Null(entered.Refusal);
        return entered.Value!;
    }

    /// <summary>An event of one server, built on where the room stands on another.</summary>
    public static async Task<Pdu> BuildAsync(RoomFixture resident, Room room, RoomFixture sending, EventDraft draft)
    {
        var (links, refusal) = await resident.Engine.LinksAsync(room, draft, Cancelled);
        Assert.Null(refusal);
        return Build(sending, room, draft, links!);
    }

    public static Pdu Build(RoomFixture sending, Room room, EventDraft draft, EventLinks links)
    {
        var server = sending.Engine.Server;
        var now = sending.Time.GetUtcNow().ToUnixTimeMilliseconds();
        return EventBuilder.Build(draft, room.Version, room.Id, links, now, server.Key, server.Name).Event!;
    }

    public async Task<string> SendAsync(RoomFixture server, EventDraft draft)
    {
        var sent = await server.Engine.SendAsync(RoomOf(server), draft, null, Cancelled);
        Assert.Null(sent.Refusal);
        return sent.Value!;
    }

    public Task<string> SendAsync(RoomFixture server, string text) => server.SendAsync(RoomOf(server), server == A ? Alice : Bob, text);

    /// <summary>Tells one server what the other has sent since it last did.</summary>
    public async Task<IReadOnlyList<PduReception>> TellAsync(RoomFixture from)
    {
        var to = from == A ? B : A;
        var news = from.Timeline(RoomOf(from)).Where(e => e.Stored.Nid > _told.GetValueOrDefault(from)).ToList();
        _told[from] = news.Count > 0 ? news[^1].Stored.Nid : _told.GetValueOrDefault(from);
        var own = news.Where(e => from.Engine.Server.Owns(e.Pdu.Sender)).Select(e => Sent(e.Pdu)).ToList();
        return await to.Engine.ReceiveAsync(RoomOf(to), own, Cancelled);
    }

    /// <summary>Tells both what they have not heard.</summary>
    public async Task<List<PduReception>> MeetAgainAsync() => [.. await TellAsync(A), .. await TellAsync(B)];

    /// <summary>Of each key of the room's current state, the id of the event.</summary>
    public SortedDictionary<string, string> State(RoomFixture server)
    {
        var state = new SortedDictionary<string, string>(StringComparer.Ordinal);
        using var snapshot = server.Database.OpenSnapshot();
        RoomStateReader.ForEach(snapshot, RoomTable.Find(snapshot, RoomOf(server).Nid)!.State, stored =>
        {
            var pdu = stored.Parse(RoomOf(server).Version);
            state[$"{pdu.Type} {pdu.StateKey}"] = pdu.EventId;
        });
        return state;
    }

    public int Extremities(RoomFixture server)
    {
        using var snapshot = server.Database.OpenSnapshot();
        return RoomTable.Find(snapshot, RoomOf(server).Nid)!.Extremities.Length;
    }

    public (int Joined, Membership? OfBob) Members(RoomFixture server)
    {
        using var snapshot = server.Database.OpenSnapshot();
        var nid = RoomOf(server).Nid;
        return (RoomTable.Find(snapshot, nid)!.Joined, MembershipTable.Find(snapshot, nid, UserTable.Find(snapshot, Bob)!.Value)?.Membership);
    }

    public List<string> Texts(RoomFixture server) =>
        [.. server.Timeline(RoomOf(server)).Where(e => e.Pdu.Type == "m.room.message").Select(e => JsonContent.Text(e.Pdu.Content, "body") ?? "")];

    /// <summary>Asserts that both have the same of the room, and each of them a sound database.</summary>
    public void AssertAlike()
    {
        Assert.Equal(State(A), State(B));
        Assert.Equal(Members(A), Members(B));
        foreach (var server in (RoomFixture[])[A, B])
        {
            using var snapshot = server.Database.OpenSnapshot();
            Assert.Equal([], DatabaseCheck.Findings(snapshot));
        }
    }

    public Room RoomOf(RoomFixture server) => server == A ? AtA : AtB;

    public async ValueTask DisposeAsync()
    {
        await A.DisposeAsync();
        await B.DisposeAsync();
    }

    private static Task AddAccountAsync(RoomFixture server, string user) => server.Database.WriteAsync(db =>
    {
        AccountTable.TryAdd(db, new AccountRow(UserTable.Intern(db, user), user, null, default, 0));
    });

    /// <summary>The event as it comes over the wire.</summary>
    private static Pdu Sent(Pdu pdu) => Pdu.Parse(pdu.Json, pdu.Version).Event!;
}
