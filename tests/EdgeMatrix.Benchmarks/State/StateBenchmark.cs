using System.Diagnostics;
using System.Globalization;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Tests;

namespace EdgeMatrix.Benchmarks.State;

/// <summary><c>state</c>: what room states take on the disk and of time, at every size of room, and what the auth difference of two costs.</summary>
internal static class StateBenchmark
{
    private const int Lookups = 200;

    private static readonly int[] _sizes = [10, 100, 1_000, 10_000, 100_000, 200_000];
    private static readonly int[] _differences = [1, 10, 100, 1_000];

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = new Options(arguments, "max", "members");
        foreach (var size in _sizes.Where(size => size <= options.Number("max", _sizes[^1])))
        {
            await using var folder = new StateFolder();
            await MeasureAsync(folder, size);
        }

        if (options.Number("members", 100_000) is > 0 and var members)
        {
            await using var folder = new StateFolder();
            await AuthDifferenceBenchmark.RunAsync(folder.Open(), members);
        }

        return 0;
    }

    private static async Task MeasureAsync(StateFolder folder, int size)
    {
        var history = new StateHistory(size);
        var database = folder.Open();
        Print($"{size} entries, bytes on disk:");
        await BytesAsync(database, history.Join, size * history.Rooms, "a join");
        await BytesAsync(database, history.Change, history.Changes * history.Rooms, "a change, forks included");
        var head = history.Heads[0];
        await BytesAsync(database, history.TakeBack, history.Reset * history.Rooms, "an entry that is reset");
        await BytesAsync(database, history.TakeIn, size * history.Rooms, "an entry of a whole state taken in");
        var differences = await DifferencesAsync(database, history, head, size);
        database = await folder.ReopenAsync();
        await LookUpAsync(database, history, head, size);
        Stream(database, head);
        differences.ForEach(difference => Difference(database, head, difference));
    }

    private static async Task BytesAsync(Database database, Action<WriteTransaction> phase, int changes, string what)
    {
        var bytes = await database.WriteAsync(db =>
        {
            var before = StateHistory.PageBytes(db);
            phase(db);
            return StateHistory.PageBytes(db) - before;
        });
        Print($"  {(double)bytes / changes,6:f1} {what}");
    }

    // States that differ from the head in so many entries.
    private static async Task<List<(int Count, long Node)>> DifferencesAsync(Database database, StateHistory history, long head, int size)
    {
        var nodes = new List<(int, long)>();
        await database.WriteAsync(db =>
        {
            var (node, changed) = (head, 0);
            foreach (var count in _differences.Where(count => count <= size))
            {
                for (; changed < count; changed++)
                {
                    node = StateNodes.Append(db, node, [new StateEntry(history.Key(0, (int)((long)changed * size / count)), 9_000_000 + changed)]);
                }

                nodes.Add((count, node));
            }
        });
        return nodes;
    }

    private static async Task LookUpAsync(Database database, StateHistory history, long head, int size)
    {
        var (times, random, pages) = (new List<double>(), new Random(1), 0L);
        for (var n = 0; n <= Lookups; n++)
        {
            // The pages of the file are given up, and the statements kept.
            await database.ShrinkAsync();
            var before = database.Cost();
            using var snapshot = database.OpenSnapshot();
            var watch = Stopwatch.StartNew();
            if (StateNodes.Find(snapshot, head, history.Key(0, random.Next(size))) is null)
            {
                throw new InvalidOperationException("an entry is missing");
            }

            if (n > 0)
            {
                times.Add(watch.Elapsed.TotalMicroseconds);
                pages = Math.Max(pages, (database.Cost() - before).Pages);
            }
        }

        times.Sort();
        Print($"  {times[Lookups / 2]:f0} µs a look-up with an empty page cache, {times[Lookups * 95 / 100]:f0} in the slowest of twenty, of {pages} pages at most");
    }

    private static void Stream(Database database, long head)
    {
        using var snapshot = database.OpenSnapshot();
        var (count, allocated, before) = (0, GC.GetAllocatedBytesForCurrentThread(), database.Cost());
        var watch = Stopwatch.StartNew();
        StateNodes.ForEach(snapshot, head, _ => count++);
        var elapsed = watch.Elapsed.TotalMilliseconds;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Print($"  {elapsed:f1} ms for all {count}, {allocated / 1e6:f2} MB allocated in all, {(database.Cost() - before).Pages} pages");
    }

    private static void Difference(Database database, long head, (int Count, long Node) other)
    {
        using var snapshot = database.OpenSnapshot();
        var before = database.Cost();
        var watch = Stopwatch.StartNew();
        var changes = StateNodes.Difference(snapshot, head, other.Node).Count;
        var elapsed = watch.Elapsed.TotalMilliseconds;
        var cost = database.Cost() - before;
        Print($"  {elapsed:f2} ms for a difference of {changes}: {cost.Statements} statements, {cost.Rows} rows, {cost.Pages} pages");
    }

    internal static void Print(FormattableString line) => System.Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}

/// <summary>A folder for a database, removed with it.</summary>
internal sealed class StateFolder : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("edgematrix-state-").FullName;
    private Database? _database;

    public Database Open() => _database = Database.Open(new DatabaseOptions(Path.Combine(_folder, "state.db")) { RelaxedDurability = true, Readers = 2 });

    public async Task<Database> ReopenAsync()
    {
        await _database!.DisposeAsync();
        return Open();
    }

    public async ValueTask DisposeAsync()
    {
        await _database!.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
