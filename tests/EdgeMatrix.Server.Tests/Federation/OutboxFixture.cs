using EdgeMatrix.Configuration;
using EdgeMatrix.Federation.Sending;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>A whole server, <c>one</c>, among servers that only remember what they are told.</summary>
public abstract class OutboxFixture : IAsyncLifetime
{
    private readonly Dictionary<string, RecordingPeer> _peers = [];

    protected TestNetwork Network { get; } = new();

    protected TestHomeserver One { get; private set; } = null!;

    private protected Outbox Outbox => One.Part<Outbox>();

    protected static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => One = await TestHomeserver.StartAsync(Change, name: "one", network: Network);

    public async ValueTask DisposeAsync()
    {
        await One.DisposeAsync();
        foreach (var peer in _peers.Values)
        {
            peer.Dispose();
        }

        GC.SuppressFinalize(this);
    }

    protected virtual HomeserverOptions Change(HomeserverOptions options) => options;

    private protected RecordingPeer Peer(string name)
    {
        if (!_peers.TryGetValue(name, out var peer))
        {
            Network.Join(name, _peers[name] = peer = new RecordingPeer());
        }

        return peer;
    }

    protected async Task RestartAsync() => One = await One.RestartAsync();

    protected Room Room(string roomId) => One.Part<RoomEngine>().Find(roomId)!;

    /// <summary>Has a user of another server join.</summary>
    protected async Task JoinAsync(string roomId, string userId)
    {
        var outcome = await One.Part<RoomMembers>().JoinAsync(Room(roomId), userId, null, Cancelled);
        Assert.Null(outcome.Refusal);
    }

    protected async Task LeaveAsync(string roomId, string userId)
    {
        var outcome = await One.Part<RoomMembers>().LeaveAsync(Room(roomId), userId, null, Cancelled);
        Assert.Null(outcome.Refusal);
    }

    /// <summary>Moves the clock on, a little at a time, until something is so.</summary>
    protected async Task AdvanceUntilAsync(Func<bool> isSo, TimeSpan step)
    {
        while (!isSo())
        {
            One.Time.Advance(step);
            for (var n = 0; n < 20 && !isSo(); n++)
            {
                await Task.Delay(1, Cancelled);
            }
        }
    }

    /// <summary>Waits until something is so, while the clock stands.</summary>
    protected static async Task UntilAsync(Func<bool> isSo)
    {
        while (!isSo())
        {
            await Task.Delay(1, Cancelled);
        }
    }

    protected long Count(string table)
    {
        using var db = One.Part<Database>().OpenSnapshot();
        using var query = db.Prepare($"SELECT count(*) FROM {table}");
        return query.Step() ? query.Int64(0) : 0;
    }
}
