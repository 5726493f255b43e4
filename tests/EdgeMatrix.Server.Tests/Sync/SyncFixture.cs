using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Rooms.Receipts;
using EdgeMatrix.Rooms.Typing;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using EdgeMatrix.Sync.Filters;
using EdgeMatrix.Testing;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Sync;

/// <summary>The sync of a whole server, asked without its HTTP.</summary>
internal sealed class SyncFixture(TestHomeserver server) : IAsyncDisposable
{
    public const string Alice = "@alice:test";
    public const string Bob = "@bob:test";
    public const string Carol = "@carol:test";

    private readonly Dictionary<string, long> _users = [];

    public FakeTimeProvider Time => server.Time;

    public Database Database => server.Part<Database>();

    public ChangeNotifier Notifier => server.Part<ChangeNotifier>();

    public RoomEngine Engine => server.Part<RoomEngine>();

    public TypingUsers Typing => server.Part<TypingUsers>();

    public ReadReceipts Receipts => server.Part<ReadReceipts>();

    public RoomMembers Members => server.Part<RoomMembers>();

    public SyncEngine Sync => server.Part<SyncEngine>();

    public static async Task<SyncFixture> StartAsync() => new(await TestHomeserver.StartAsync());

    /// <summary>The same data again, a little later.</summary>
    public async Task<SyncFixture> RestartAsync()
    {
        Time.Advance(TimeSpan.FromSeconds(5));
        return new SyncFixture(await server.RestartAsync());
    }

    /// <summary>Makes a room to which the creator and then the others are joined.</summary>
    public async Task<Room> CreateAsync(string creator, CreateRoomRequest? request = null, params string[] others)
    {
        var outcome = await server.Part<RoomCreation>().CreateAsync(creator, request ?? new CreateRoomRequest { Preset = "public_chat" });
        Assert.Null(outcome.Refusal);
        foreach (var other in others)
        {
            await JoinAsync(outcome.Value!, other);
        }

        return outcome.Value!;
    }

    public async Task<string> JoinAsync(Room room, string user) => Granted(await Members.JoinAsync(room, user, null, Cancelled));

    public async Task<string> LeaveAsync(Room room, string user) => Granted(await Members.LeaveAsync(room, user, null, Cancelled));

    public async Task<string> InviteAsync(Room room, string sender, string user) =>
        Granted(await Members.InviteAsync(room, sender, user, null, Cancelled));

    public Task<string> SendAsync(Room room, string sender, string text, TransactionId? transaction = null) =>
        SendAsync(room, new EventDraft("m.room.message", null, sender, JsonContent.Of("body", text)), transaction);

    public Task<string> SetStateAsync(Room room, string sender, string type, string stateKey, string content) =>
        SendAsync(room, new EventDraft(type, stateKey, sender, JsonElement.Parse(content)));

    public async Task<string> SendAsync(Room room, EventDraft draft, TransactionId? transaction = null) =>
        Granted(await Engine.SendAsync(room, draft, transaction, Cancelled));

    /// <summary>Nid of a user, who is made if new.</summary>
    public async Task<long> UserAsync(string user)
    {
        // A user once known is known at once, so that a sync is waiting by the time the call returns.
        if (!_users.TryGetValue(user, out var nid))
        {
            _users[user] = nid = await Database.WriteAsync(db => UserTable.Intern(db, user));
        }

        return nid;
    }

    public async Task SetAccountDataAsync(string user, Room? room, string type, string content)
    {
        var nid = await UserAsync(user);
        await Database.WriteAsync(db =>
        {
            var position = db.NextPosition();
            AccountDataTable.Set(db, nid, room?.Nid ?? AccountDataTable.Global, type, content, position);
            db.AfterCommit(() => Notifier.UserChanged(nid, position));
        });
    }

    /// <summary>Takes a room's state back to that before an event, as resolving a fork may, without an event that says so.</summary>
    public async Task ResetStateAsync(Room room, string eventId)
    {
        await Database.WriteAsync(db =>
        {
            var stored = EventTable.Find(db, eventId)!;
            var key = StateKeyTable.Find(db, EventTable.StateKeyOf(db, stored.Nid)!.Value.Type, EventTable.StateKeyOf(db, stored.Nid)!.Value.StateKey)!;
            var row = RoomTable.Find(db, room.Nid)!;
            var state = StateNodes.Append(db, row.State, [new StateEntry(key.Value, stored.Replaces!.Value)]);
            RoomTable.MoveHead(db, room.Nid, state, row.Extremities, row.LastEvent);
            var position = db.NextPosition();
            db.AfterCommit(() => Notifier.RoomChanged(room.Nid, position, room.LocalMembers().AsSpan()));
        });
    }

    public async Task<JsonElement> SyncAsync(
        string user,
        string? since = null,
        string? filter = null,
        int timeoutMs = 0,
        bool fullState = false,
        StateProperty stateProperty = StateProperty.State,
        long device = 1,
        CancellationTokenSource? end = null)
    {
        SyncToken? token = null;
        if (since is not null)
        {
            Assert.True(SyncToken.TryParse(since, out var parsed));
            token = parsed;
        }

        string? problem = null;
        var wanted = filter is null ? SyncFilter.All : SyncFilter.Parse(JsonElement.Parse(filter), out problem);
        Assert.Null(problem);
        var request = new SyncRequest(
            await UserAsync(user), user, device, token, TimeSpan.FromMilliseconds(timeoutMs), wanted, fullState, stateProperty, PresenceState.Offline);
        using var output = new ResponseBuffer(server.Part<AnswerSpool>());
        await Sync.SyncAsync(request, output, end?.Token ?? Cancelled);
        return JsonElement.Parse(output.ToArray());
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static string Granted(Outcome<string> outcome)
    {
        Assert.Null(outcome.Refusal?.Message);
        return outcome.Value!;
    }
}
