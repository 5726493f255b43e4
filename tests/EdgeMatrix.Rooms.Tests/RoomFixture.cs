using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace EdgeMatrix.Rooms.Tests;

/// <summary>The real engine over a database in a folder of its own, on virtual time.</summary>
internal sealed class RoomFixture : IAsyncDisposable
{
    public const string Alice = "@alice:test";
    public const string Bob = "@bob:test";
    public const string Carol = "@carol:test";

    private readonly string _folder;
    private bool _handedOn;

    private RoomFixture(string folder)
    {
        _folder = folder;
        Database = Database.Open(new DatabaseOptions(Path.Combine(folder, "test.db")));
        var random = new SeededRandom(7);
        var server = new LocalServer("test", SigningKey.FromSeed("1", new byte[32]));
        Notifier = new ChangeNotifier(() => Database.CommittedPosition);
        Engine = new RoomEngine(Database, server, Notifier, Time);
        Creation = new RoomCreation(Engine, random, "12");
        Members = new RoomMembers(Engine);
    }

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_000));

    public Database Database { get; }

    public ChangeNotifier Notifier { get; }

    public RoomEngine Engine { get; }

    public RoomCreation Creation { get; }

    public RoomMembers Members { get; }

    public static RoomFixture Start() => new(Directory.CreateTempSubdirectory("edgematrix-").FullName);

    /// <summary>The same database again, as after a restart.</summary>
    public async Task<RoomFixture> RestartAsync()
    {
        await Database.DisposeAsync();
        _handedOn = true;
        return new RoomFixture(_folder);
    }

    public async Task<Room> CreateAsync(string creator = Alice, CreateRoomRequest? request = null)
    {
        var outcome = await Creation.CreateAsync(creator, request ?? new CreateRoomRequest { Preset = "public_chat" });
        Assert.Null(outcome.Refusal);
        return outcome.Value!;
    }

    public async Task<string> SendAsync(Room room, string sender, string text, TransactionId? transaction = null)
    {
        var draft = new EventDraft("m.room.message", null, sender, JsonContent.Of("body", text));
        var outcome = await Engine.SendAsync(room, draft, transaction, TestContext.Current.CancellationToken);
        Assert.Null(outcome.Refusal);
        return outcome.Value!;
    }

    public List<(string Id, Pdu Pdu, StoredEvent Stored)> Timeline(Room room)
    {
        using var snapshot = Database.OpenSnapshot();
        return [.. EventTable.Forward(snapshot, room.Nid, 0, long.MaxValue, 10_000)
            .Select(s => (s.EventId, Pdu.FromStored(s.Json, room.Version, s.EventId), s))];
    }

    public async ValueTask DisposeAsync()
    {
        if (!_handedOn)
        {
            await Database.DisposeAsync();
            Directory.Delete(_folder, recursive: true);
        }
    }
}
