using System.Runtime.InteropServices;
using System.Text.Json;
using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage.Memory;
using EdgeMatrix.Storage.Rooms;
using Microsoft.Extensions.Logging;

namespace EdgeMatrix.Federation.Receiving;

/// <summary>What became of an event of a transaction.</summary>
/// <param name="Error">What went wrong; null where it is accepted, or has its place as what the room does not allow, or waits for what it follows.</param>
public readonly record struct PduResult(string EventId, string? Error);

/// <summary>Takes in the transactions of other servers: of each server one at a time, in the order in which they come.</summary>
/// <remarks>
/// A server repeats a transaction until it is answered, and begins no other before. So the last of each is remembered, and a repetition gets the same
/// answer. That is in memory, for it spares work and no more: an event that is here is taken as it was, and EDUs say where things stand, or have ids of
/// their own.
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#transactions
/// </remarks>
public sealed partial class IncomingTransactions
{
    /// <summary>"PDUs: Must not be more than 50 in a transaction."</summary>
    public const int MaxPdus = 50;

    /// <summary>"EDUs: Must not include more than 100."</summary>
    public const int MaxEdus = 100;

    private const int RoomsAtOnce = 4;
    private const int BytesOfResult = 160;

    private readonly RoomEngine _engine;
    private readonly EventChecks _checks;
    private readonly IncomingEdus _edus;
    private readonly RoomHealing _healing;
    private readonly ReceivedCounts _counts;
    private readonly TurnsByName _turns = new(1);
    private readonly BoundedCache<string, Answered> _answered = new("server_transactions", wanted: 1 << 20, least: 64 << 10);
    private ILogger? _logger;

    public IncomingTransactions(RoomEngine engine, EventChecks checks, IncomingEdus edus, RoomHealing healing, ReceivedCounts counts)
    {
        (_engine, _checks, _edus, _healing, _counts) = (engine, checks, edus, healing, counts);
        engine.Database.Memory.Add(_answered);
    }

    /// <summary>Takes an event that ends what a user of this server is in a room that the server is not in, or says that it is none.</summary>
    public Func<Pdu, Task<bool>>? EndFromOutside { get; init; }

    public void Start(ILogger logger) => _logger = logger;

    /// <param name="origin">The server that signed the transaction.</param>
    /// <param name="pdus">At most <see cref="MaxPdus"/>.</param>
    /// <param name="edus">At most <see cref="MaxEdus"/>.</param>
    /// <returns>What became of those events of which the id can be told, once all is on the disk.</returns>
    public async Task<IReadOnlyList<PduResult>> ReceiveAsync(
        string origin, string transactionId, IReadOnlyList<JsonElement> pdus, IReadOnlyList<JsonElement> edus, CancellationToken cancellation)
    {
        var endTurn = await _turns.TakeAsync(origin, cancellation);
        try
        {
            if (_answered.TryGet(origin, out var last) && last.TransactionId == transactionId)
            {
                return last.Results;
            }

            // Device keys do not wait for rooms whose signing keys are slow to come.
            var receivingEdus = ReceiveEdusAsync(origin, edus, cancellation);
            var results = await ReceivePdusAsync(origin, pdus, cancellation);
            await receivingEdus;
            _answered.Set(origin, new Answered(transactionId, results), (origin.Length + transactionId.Length) * 2L + (results.Count * BytesOfResult));
            return results;
        }
        finally
        {
            endTurn();
        }
    }

    private async Task ReceiveEdusAsync(string origin, IReadOnlyList<JsonElement> edus, CancellationToken cancellation)
    {
        foreach (var edu in edus)
        {
            try
            {
                await _edus.ReceiveAsync(origin, edu, cancellation);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                Log.EduFailed(_logger!, origin, exception);
            }
        }
    }

    private async Task<IReadOnlyList<PduResult>> ReceivePdusAsync(string origin, IReadOnlyList<JsonElement> pdus, CancellationToken cancellation)
    {
        // An event whose room is not told cannot be told by its id either: that depends on the version of the room.
        var rooms = pdus.GroupBy(RoomIdOf).ToList();
        var results = new IReadOnlyList<PduResult>[rooms.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = RoomsAtOnce, CancellationToken = cancellation };
        await Parallel.ForAsync(0, rooms.Count, options, async (index, token) =>
        {
            var events = rooms[index].Select(pdu => (ReadOnlyMemory<byte>)JsonMarshal.GetRawUtf8Value(pdu).ToArray()).ToList();
            results[index] = rooms[index].Key is { } roomId ? await ReceiveAsync(origin, roomId, events, token) : Drop(events.Count);
        });
        return [.. results.SelectMany(ofRoom => ofRoom)];
    }

    private async Task<IReadOnlyList<PduResult>> ReceiveAsync(
        string origin, string roomId, List<ReadOnlyMemory<byte>> events, CancellationToken cancellation)
    {
        if (_engine.Find(roomId) is not { } room)
        {
            return Drop(events.Count);
        }

        if (room.LocalMembers().IsEmpty)
        {
            return await ReceiveFromOutsideAsync(room, events, cancellation);
        }

        var ids = events.Select(json => Pdu.Parse(json, room.Version).Event?.EventId).ToList();
        if (Refuse(room, origin) is { } refusal)
        {
            _counts.Add(ReceiptOutcome.Dropped, events.Count);
            return [.. ids.OfType<string>().Distinct().Select(id => new PduResult(id, refusal))];
        }

        var results = new Dictionary<string, string?>(StringComparer.Ordinal);
        var passed = new List<Pdu>();
        foreach (var (verdict, id) in (await _checks.CheckAsync(events, room.Version, cancellation)).Zip(ids))
        {
            if (verdict.Event is { } pdu && results.TryAdd(pdu.EventId, null))
            {
                passed.Add(pdu);
            }
            else if (verdict.Event is null)
            {
                _counts.Add(verdict.Outcome);
                _ = id is null || results.TryAdd(id, verdict.Refusal ?? "It is no event of this room's version");
            }
        }

        var batch = new PduBatch(EventOrder.ParentsFirst(passed)) { SentBy = origin };
        var receptions = passed.Count == 0 ? [] : await _engine.ReceiveAsync(room, batch, cancellation);
        _counts.Add(receptions);
        foreach (var reception in receptions)
        {
            // "If an event in an incoming transaction is rejected, this should not cause the transaction request to be responded to with an error": what
            // is rejected or soft-failed has its place, and is done with.
            results[reception.Event.EventId] = reception.Outcome == ReceiptOutcome.Dropped ? reception.Refusal : null;
        }

        if (receptions.Any(reception => reception.Outcome is null))
        {
            _healing.Wake(roomId);
        }
        else if (receptions.Count > 0)
        {
            _healing.Came(roomId);
        }

        return [.. results.Select(result => new PduResult(result.Key, result.Value))];
    }

    /// <summary>Of a room that this server is not in only the end of an invite or a knock is of interest.</summary>
    private async Task<IReadOnlyList<PduResult>> ReceiveFromOutsideAsync(Room room, List<ReadOnlyMemory<byte>> events, CancellationToken cancellation)
    {
        var results = new List<PduResult>();
        foreach (var pdu in (await _checks.CheckAsync(events, room.Version, cancellation)).Select(verdict => verdict.Event).OfType<Pdu>())
        {
            var taken = EndFromOutside is not null && await EndFromOutside(pdu);
            _counts.Add(taken ? ReceiptOutcome.Accepted : ReceiptOutcome.Dropped);
            results.Add(new PduResult(pdu.EventId, taken ? null : "Nobody of this server is in the room"));
        }

        return results;
    }

    /// <summary>Why nothing of the room is taken from the server; null if it is.</summary>
    private string? Refuse(Room room, string origin)
    {
        // "If the sending server is denied access to the room identified by the room_id, the PDU is ignored."
        using var snapshot = _engine.Database.OpenSnapshot();
        return RoomTable.Find(snapshot, room.Nid) is not { } row || RoomServers.IsDenied(snapshot, row, room.Version, origin)
            ? "Your server is not allowed in this room"
            : null;
    }

    private IReadOnlyList<PduResult> Drop(int count)
    {
        _counts.Add(ReceiptOutcome.Dropped, count);
        return [];
    }

    private static string? RoomIdOf(JsonElement pdu) =>
        pdu.ValueKind == JsonValueKind.Object && pdu.TryGetProperty("room_id"u8, out var id) && id.ValueKind == JsonValueKind.String ? id.GetString() : null;

    private sealed record Answered(string TransactionId, IReadOnlyList<PduResult> Results);

    private static partial class Log
    {
        [LoggerMessage(EventId = 5202, Level = LogLevel.Error, Message = "An EDU of {Server} could not be taken in")]
        public static partial void EduFailed(ILogger logger, string server, Exception exception);
    }
}
