using System.Text.Json;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Rooms.Receipts;
using EdgeMatrix.Rooms.Typing;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using EdgeMatrix.Sync.Filters;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Sync;

/// <summary>The real sync over the real engine and a database in a folder of its own, on virtual time.</summary>
internal sealed class SyncFixture : IAsyncDisposable
{
    public const string Alice = "@alice:test";
    public const string Bob = "@bob:test";
    public const string Carol = "@carol:test";

    private readonly string _folder;
    private readonly Dictionary<string, long> _users = [];

    private SyncFixture(string folder, DateTimeOffset now)
    {
        _folder = folder;
        Time = new FakeTimeProvider(now);
        Database = Database.Open(new DatabaseOptions(Path.Combine(folder, "test.db")));
        Notifier = new ChangeNotifier(() => Database.CommittedPosition);
        Engine = new RoomEngine(Database, new LocalServer("test", SigningKey.FromSeed("1", new byte[32])), Notifier, Time);
        Typing = new TypingUsers(Notifier, Time);
        Receipts = new ReadReceipts(Engine);
        Members = new RoomMembers(Engine);
        Sync = new SyncEngine(Engine, Typing);
    }

    public FakeTimeProvider Time { get; }

    public Database Database { get; }

    public ChangeNotifier Notifier { get; }

    public RoomEngine Engine { get; }

    public TypingUsers Typing { get; }

    public ReadReceipts Receipts { get; }

    public RoomMembers Members { get; }

    public SyncEngine Sync { get; }

    public static SyncFixture Start() =>
        new(Directory.CreateTempSubdirectory("edgematrix-").FullName, DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_000));

    /// <summary>The same database again, as after a restart.</summary>
    public async Task<SyncFixture> RestartAsync()
    {
        Typing.Dispose();
        await Database.DisposeAsync();
        return new SyncFixture(_folder, Time.GetUtcNow().AddSeconds(5));
    }

    /// <summary>Makes a room to which the creator and then the others are joined.</summary>
    public async Task<Room> CreateAsync(string creator, CreateRoomRequest? request = null, params string[] others)
    {
        var creation = new RoomCreation(Engine, new SeededRandom(7), "12");
        var outcome = await creation.CreateAsync(creator, request ?? new CreateRoomRequest { Preset = "public_chat" });
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
            db.AfterCommit(() => Notifier.RoomChanged(room.Nid, position, room.LocalMembers()));
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
            await UserAsync(user), user, device, token, TimeSpan.FromMilliseconds(timeoutMs), wanted, fullState, stateProperty);
        using var output = new ResponseBuffer();
        await Sync.SyncAsync(request, output, end?.Token ?? Cancelled);
        return JsonElement.Parse(output.ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        Typing.Dispose();
        await Database.DisposeAsync();
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static string Granted(Outcome<string> outcome)
    {
        Assert.Null(outcome.Refusal?.Message);
        return outcome.Value!;
    }
}
