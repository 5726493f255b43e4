namespace EdgeMatrix.Storage.Tests;

/// <summary>
/// The states of a room as they come about: everyone joins one after another, then members change, now and then on a fork that is merged
/// again; the room is reset in part; another server's whole state comes in.
/// </summary>
/// <remarks>Numbers are as in a busy place: keys and events of the room lie a few apart.</remarks>
internal sealed class StateHistory(int entries)
{
    /// <summary>Of the rooms of a size so many are made together that pages weigh nothing.</summary>
    private const int EntriesTogether = 10_000;

    /// <summary>Every so many changes a fork begins, and the next change meets it.</summary>
    private const int ChangesAFork = 20;

    private readonly Random _random = new(entries);
    private long _event = 5_000_000;

    public int Rooms { get; } = Math.Max(1, EntriesTogether / entries);

    /// <summary>Changes of members that are there, a room.</summary>
    public int Changes { get; } = Math.Max(entries / 5, 200);

    /// <summary>How many entries a reset takes back.</summary>
    public int Reset { get; } = Math.Max(1, entries / 10);

    /// <summary>The state of each room, as the last phase left it.</summary>
    public List<long> Heads { get; } = [];

    /// <summary>The state of a room before it was reset, and after.</summary>
    public (long Before, long After) LastReset { get; private set; }

    /// <summary>One change an entry.</summary>
    public void Join(WriteTransaction db)
    {
        for (var room = 0; room < Rooms; room++)
        {
            var node = StateNodes.Empty;
            for (var n = 0; n < entries; n++)
            {
                node = StateNodes.Append(db, node, [new StateEntry(Key(room, n), NextEvent())]);
            }

            Heads.Add(node);
        }
    }

    public void Change(WriteTransaction db)
    {
        for (var room = 0; room < Rooms; room++)
        {
            var before = Heads[room];
            for (var n = 0; n < Changes; n++)
            {
                StateEntry change = new(Key(room, _random.Next(entries)), NextEvent());
                if (n % ChangesAFork == ChangesAFork - 1)
                {
                    StateNodes.Append(db, before, [change]);
                }

                before = Heads[room];
                Heads[room] = StateNodes.Append(db, before, [change]);
            }
        }
    }

    /// <summary>What resolution does where a fork of long ago wins: many entries are others at once.</summary>
    public void TakeBack(WriteTransaction db)
    {
        for (var room = 0; room < Rooms; room++)
        {
            var before = Heads[room];
            Heads[room] = StateNodes.Append(
                db, before, [.. Enumerable.Range(0, Reset).Select(n => new StateEntry(Key(room, n * 7 % entries), 5_000_000 + (n * 11)))]);
            LastReset = (before, Heads[room]);
        }
    }

    /// <summary>A whole state at once, as that of a room joined through another server.</summary>
    public void TakeIn(WriteTransaction db)
    {
        for (var room = 0; room < Rooms; room++)
        {
            Heads[room] = StateNodes.Append(
                db, StateNodes.Empty, [.. Enumerable.Range(0, entries).Select(n => new StateEntry(Key(room, n), NextEvent()))]);
        }
    }

    public long Key(int room, int entry) => 1_000 + (((long)room * entries) + entry);

    /// <summary>Bytes of the pages in use.</summary>
    public static long PageBytes(Session db) => (Scalar(db, "PRAGMA page_count") - Scalar(db, "PRAGMA freelist_count")) * 4096;

    private static long Scalar(Session db, string sql)
    {
        using var query = db.Prepare(sql);
        return query.Step() ? query.Int64(0) : 0;
    }

    private long NextEvent() => _event += 1 + _random.Next(5);
}
