using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.Signing;

namespace EdgeMatrix.Federation.Receiving;

/// <summary>Makes the checks of events that need no room, but keys: those are fetched for all of them together.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu</remarks>
public sealed class EventChecks(KeyRing keyRing)
{
    /// <param name="events">JSON, as another server gave it.</param>
    /// <returns>In the order of the events.</returns>
    public async Task<ReceiptVerdict[]> CheckAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> events, RoomVersion version, CancellationToken cancellation)
    {
        var needed = events.Select(json => Pdu.Parse(json, version).Event).OfType<Pdu>().SelectMany(NeededKey.Of);
        var keys = await keyRing.PrepareAsync(needed, cancellation);
        return
        [
            .. EventBatch.Receive(events, version, keys, Environment.ProcessorCount, cancellation).Select(ReceiptChecks.CheckAlone),
        ];
    }

    /// <summary>Those of the events that are of the room and passed, each once.</summary>
    public async Task<List<Pdu>> PassedAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> events, RoomVersion version, string roomId, CancellationToken cancellation) =>
        [
            .. (await CheckAsync(events, version, cancellation)).Select(verdict => verdict.Event).OfType<Pdu>()
                .Where(pdu => pdu.RoomId == roomId).DistinctBy(pdu => pdu.EventId),
        ];
}
