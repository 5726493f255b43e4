using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>
/// Checks many events side by side: a join brings thousands, and each costs two hashes and a signature. Answers stand in the order of
/// the events and do not depend on how many cores there are. The caller's thread takes part and waits.
/// </summary>
public static class EventBatch
{
    /// <summary>Reads and checks events as other servers send them.</summary>
    /// <param name="maxParallelism">How many cores it may use, at least 1.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; the events that were under way are finished first.</exception>
    public static ReceivedEvent[] Receive(
        IReadOnlyList<ReadOnlyMemory<byte>> events,
        RoomVersion version,
        KeyLookup keys,
        int maxParallelism,
        CancellationToken cancellation)
    {
        var received = new ReceivedEvent[events.Count];
        ForEach(events.Count, index => received[index] = ReceivedEvent.Of(events[index], version, keys), maxParallelism, cancellation);
        return received;
    }

    /// <summary>Checks signatures and hashes of events that are parsed already.</summary>
    /// <inheritdoc cref="Receive(IReadOnlyList{ReadOnlyMemory{byte}}, RoomVersion, KeyLookup, int, CancellationToken)"/>
    public static ReceivedEvent[] Receive(IReadOnlyList<Pdu> events, KeyLookup keys, int maxParallelism, CancellationToken cancellation)
    {
        var received = new ReceivedEvent[events.Count];
        ForEach(events.Count, index => received[index] = ReceivedEvent.Of(events[index], keys), maxParallelism, cancellation);
        return received;
    }

    /// <summary>Checks the signatures of events that are parsed already.</summary>
    /// <inheritdoc cref="Receive(IReadOnlyList{ReadOnlyMemory{byte}}, RoomVersion, KeyLookup, int, CancellationToken)"/>
    public static SignatureVerdict[] CheckSignatures(
        IReadOnlyList<Pdu> events, KeyLookup keys, int maxParallelism, CancellationToken cancellation)
    {
        var verdicts = new SignatureVerdict[events.Count];
        ForEach(events.Count, index => verdicts[index] = EventSignatures.Check(events[index], keys), maxParallelism, cancellation);
        return verdicts;
    }

    private static void ForEach(int count, Action<int> check, int maxParallelism, CancellationToken cancellation)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = maxParallelism };
        Parallel.For(0, count, options, index =>
        {
            // Asked here, since the loop hears of it only when a callback has run, on whichever thread cancelled.
            if (!cancellation.IsCancellationRequested)
            {
                check(index);
            }
        });
        cancellation.ThrowIfCancellationRequested();
    }
}
