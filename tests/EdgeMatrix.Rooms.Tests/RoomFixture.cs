using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace EdgeMatrix.Rooms.Tests;

/// <summary>The room engine of a whole server.</summary>
internal sealed class RoomFixture(TestHomeserver server) : IAsyncDisposable
{
    public const string Alice = "@alice:test";
    public const string Bob = "@bob:test";
    public const string Carol = "@carol:test";

    public FakeTimeProvider Time => server.Time;

    public Database Database => server.Part<Database>();

    public ChangeNotifier Notifier => server.Part<ChangeNotifier>();

    public RoomEngine Engine => server.Part<RoomEngine>();

    public RoomCreation Creation => server.Part<RoomCreation>();

    public RoomMembers Members => server.Part<RoomMembers>();

    public static async Task<RoomFixture> StartAsync() => new(await TestHomeserver.StartAsync());

    /// <param name="name">The name of the server.</param>
    /// <param name="seed">Of all that it makes at random.</param>
    public static async Task<RoomFixture> StartAsync(string name, ulong seed) => new(await TestHomeserver.StartAsync(name: name, seed: seed));

    /// <summary>The same data again.</summary>
    public async Task<RoomFixture> RestartAsync() => new(await server.RestartAsync());

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

    public ValueTask DisposeAsync() => server.DisposeAsync();
}
