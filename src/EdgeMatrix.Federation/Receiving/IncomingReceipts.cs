using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Receipts;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Federation.Receiving;

/// <summary><c>m.receipt</c>: users of another server have read up to events.</summary>
/// <remarks>
/// A receipt may be quicker than the event that it is of, or than its user's join; those that came last are kept in memory until both have come.
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#receipts
/// </remarks>
public sealed class IncomingReceipts
{
    private const int MostRooms = 100;
    private const int MostReceipts = 1_000;
    private const int MostOfUser = 5;
    private const int MostEarly = 20;
    private const int EarlyBytes = 4_000;
    private const int MaxIdBytes = 255;

    private readonly RoomEngine _engine;
    private readonly ReadReceipts _receipts;
    private readonly BoundedCache<(string Room, string WaitsFor), EarlyReceipts> _early = new("early_receipts", wanted: 512 << 10, least: 32 << 10);

    public IncomingReceipts(RoomEngine engine, ReadReceipts receipts)
    {
        (_engine, _receipts) = (engine, receipts);
        engine.Database.Memory.Add(_early);
    }

    /// <returns>Whether any was taken.</returns>
    public async Task<bool> ReceiveAsync(string origin, JsonElement content)
    {
        var left = MostReceipts;
        var taken = false;
        foreach (var ofRoom in content.EnumerateObject().Take(MostRooms))
        {
            // "m.read" is the only kind that is told to other servers.
            if (ofRoom.Value.ObjectOrNull("m.read"u8) is not { } byUser || FindRoom(origin, ofRoom.Name) is not { } room)
            {
                continue;
            }

            var receipts = byUser.EnumerateObject().Where(user => EduOrigin.Owns(origin, user.Name))
                .SelectMany(user => Read(user.Name, user.Value)).Take(left).ToList();
            left -= receipts.Count;
            if (receipts.Count > 0)
            {
                taken = true;
                await ReceiveAsync(room, receipts);
            }
        }

        return taken;
    }

    /// <summary>An event is on its way to the disk: receipts of it that came before, and those of a user whom it lets in, are taken once it is there.</summary>
    public void Appended(WriteTransaction db, AppendedEvent appended)
    {
        if (Take(appended.Room, appended.Pdu) is { Count: > 0 } early)
        {
            // Nobody waits for it, and the next receipt tells what a power cut takes.
            db.AfterCommit(() => _ = ReceiveAsync(appended.Room, early));
        }
    }

    /// <summary>Events have their places in a gap of the past, or became known as those of members: as <see cref="Appended"/>.</summary>
    public async Task CameAsync(Room room, IReadOnlyList<Pdu> events)
    {
        foreach (var early in events.Select(pdu => Take(room, pdu)).Where(early => early.Count > 0))
        {
            await ReceiveAsync(room, early);
        }
    }

    // Those that wait are kept before what they wait for can be written.
    private Task ReceiveAsync(Room room, List<ReceivedReceipt> receipts) => _receipts.ReceiveAsync(
        room, receipts, early => _early.GetOrAdd((room.Id, early.WaitsFor), new EarlyReceipts(), EarlyBytes).Add(early.Receipt, MostEarly));

    private List<ReceivedReceipt> Take(Room room, Pdu pdu) =>
        [.. Take(room, pdu.EventId), .. pdu is { Type: EventTypes.Member, StateKey: { } user } ? Take(room, user) : []];

    private List<ReceivedReceipt> Take(Room room, string waitedFor)
    {
        if (!_early.TryGet((room.Id, waitedFor), out var early))
        {
            return [];
        }

        _early.Remove((room.Id, waitedFor));
        return early.All();
    }

    private static IEnumerable<ReceivedReceipt> Read(string user, JsonElement receipt)
    {
        if (receipt.ArrayOrNull("event_ids"u8) is not { } events || receipt.ObjectOrNull("data"u8) is not { } data)
        {
            return [];
        }

        var thread = data.Find("thread_id"u8) is { } given ? given.ValueKind == JsonValueKind.String ? given.GetString() : null : "";
        return thread is not ("" or "main") && !IsEventId(thread)
            ? []
            : events.EnumerateArray().Take(MostOfUser)
                .Select(id => id.ValueKind == JsonValueKind.String ? id.GetString() : null)
                .Where(IsEventId)
                .Select(id => new ReceivedReceipt(user, thread!, id!, data.IntegerOrNull("ts"u8) ?? 0));
    }

    private static bool IsEventId(string? id) => id is ['$', _, ..] && System.Text.Encoding.UTF8.GetByteCount(id) <= MaxIdBytes;

    private Room? FindRoom(string origin, string roomId)
    {
        using var snapshot = _engine.Database.OpenSnapshot();
        return EduOrigin.FindRoom(snapshot, _engine, origin, roomId);
    }

    private sealed class EarlyReceipts
    {
        private readonly Lock _lock = new();
        private readonly List<ReceivedReceipt> _receipts = [];

        public void Add(ReceivedReceipt receipt, int most)
        {
            lock (_lock)
            {
                if (_receipts.Count < most)
                {
                    _receipts.Add(receipt);
                }
            }
        }

        public List<ReceivedReceipt> All()
        {
            lock (_lock)
            {
                return [.. _receipts];
            }
        }
    }
}
