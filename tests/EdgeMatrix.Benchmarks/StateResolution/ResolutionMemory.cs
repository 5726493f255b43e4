using System.Diagnostics;
using System.Globalization;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Benchmarks.StateResolution;

/// <summary>How much a resolution keeps in memory at its greatest: what it allocates in all says less of a small device.</summary>
internal static class ResolutionMemory
{
    private const int Samples = 20;

    public static int Run()
    {
        Measure("1,000 power events in conflict", static room => ResolutionForks.PowerEvents(room, 1_000));
        Measure("10,000 of 100,000 members in conflict", static room => ResolutionForks.Members(room, 100_000, 10_000));
        return 0;
    }

    private static void Measure(string name, Func<StoredRoom, StateConflict> fork)
    {
        var room = new StoredRoom();
        var conflict = fork(room);
        StateResolver.Resolve(conflict, room);

        var before = GC.GetTotalMemory(forceFullCollection: true);
        var watch = Stopwatch.StartNew();
        var resolved = StateResolver.Resolve(conflict, room).Count;
        var elapsed = watch.Elapsed;

        // Live memory is counted where events are loaded: Samples times in the whole, since each count is a full collection.
        var counting = new LiveMemory(room);
        StateResolver.Resolve(conflict, counting);
        var live = new LiveMemory(room) { Every = Math.Max(1, counting.Loads / Samples) };
        StateResolver.Resolve(conflict, live);

        System.Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {resolved} keys resolved, {counting.Loads} loads, {elapsed.TotalMilliseconds:f0} ms, at most {(live.Greatest - before) / 1e6:f1} MB live"));
    }

    private sealed class LiveMemory(StoredRoom room) : IEventSource
    {
        public int Every { get; init; } = int.MaxValue;

        public int Loads { get; private set; }

        public long Greatest { get; private set; }

        public long NumberOf(string eventId) => room.NumberOf(eventId);

        public ReadOnlySpan<long> AuthEventsOf(long number) => room.AuthEventsOf(number);

        public bool IsRejected(long number) => room.IsRejected(number);

        public Pdu? Find(long number)
        {
            if (++Loads % Every == 0)
            {
                Greatest = Math.Max(Greatest, GC.GetTotalMemory(forceFullCollection: true));
            }

            return room.Find(number);
        }
    }
}
