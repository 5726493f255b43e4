using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Storage.AuthChains;

/// <summary>
/// Brings the index of auth chains on, as far behind the newest event as is convenient: many entries then share the writing of a block, and
/// no event waits for it.
/// </summary>
public static class AuthChainWriter
{
    /// <summary>Some tens of milliseconds of the writer on a small board.</summary>
    private const int EventsASlice = 250;

    private const string EventsSql = "SELECT nid, room, state_key IS NOT NULL AND flags & 16 = 0 FROM events WHERE nid > ? ORDER BY nid LIMIT ?";

    /// <summary>Takes a slice of what is new into the index, if something is.</summary>
    /// <returns>Whether there may be more.</returns>
    public static async Task<bool> SliceAsync(Database database)
    {
        using (var snapshot = database.OpenSnapshot())
        {
            if (!IsBehind(snapshot))
            {
                return false;
            }
        }

        return await database.WriteAsync(static db => Extend(db, EventsASlice));
    }

    /// <summary>Whether there are events that the index has not seen.</summary>
    private static bool IsBehind(Session db)
    {
        using var events = db.Prepare(EventsSql).Bind(AuthChainTable.IndexedUpTo(db)).Bind(1L);
        return events.Step();
    }

    /// <summary>Takes the next events into the index, those without a state key only to pass over them.</summary>
    /// <returns>Whether there may be more.</returns>
    public static bool Extend(WriteTransaction db, int maxEvents)
    {
        var (read, last) = (0, AuthChainTable.IndexedUpTo(db));
        var byRoom = new Dictionary<long, List<long>>();
        using (var events = db.Prepare(EventsSql).Bind(last).Bind(maxEvents))
        {
            for (; events.Step(); read++)
            {
                last = events.Int64(0);
                if (events.Int64(2) != 0)
                {
                    (byRoom.TryGetValue(events.Int64(1), out var ofRoom) ? ofRoom : byRoom[events.Int64(1)] = []).Add(last);
                }
            }
        }

        foreach (var (room, nids) in byRoom)
        {
            Extend(db, room, nids);
        }

        if (read > 0)
        {
            AuthChainTable.SetIndexedUpTo(db, last);
        }

        return read == maxEvents;
    }

    private static void Extend(WriteTransaction db, long room, List<long> nids)
    {
        // Of a room of a version that this server does not know, no state is ever resolved.
        if (RoomTable.Find(db, room) is not { } row || RoomVersions.Find(row.Version) is not { } version)
        {
            return;
        }

        var index = new AuthChainIndex(db, room, new StoredEventSource(db, room, version), db);
        foreach (var nid in nids)
        {
            index.Entry(nid);
        }

        var written = index.Unwritten.Values.OrderBy(static entry => entry.Event).ToList();
        var old = written.TakeWhile(entry => entry.Event < nids[0]).ToList();
        Replace(db, room, old);
        Append(db, room, written[old.Count..]);
    }

    // That an entry is continued takes no other bytes, so a block remains one.
    private static void Replace(WriteTransaction db, long room, List<AuthChainEntry> entries)
    {
        for (var next = 0; next < entries.Count;)
        {
            var (first, block) = AuthChainTable.Block(db, room, entries[next].Event)!.Value;
            while (next < entries.Count && block.FindIndex(entry => entry.Event == entries[next].Event) is >= 0 and var place)
            {
                block[place] = entries[next++];
            }

            Put(db, room, block);
        }
    }

    private static void Append(WriteTransaction db, long room, List<AuthChainEntry> entries) =>
        Put(db, room, AuthChainTable.Block(db, room, long.MaxValue) is { } last ? [.. last.Entries, .. entries] : entries);

    private static void Put(WriteTransaction db, long room, List<AuthChainEntry> entries)
    {
        var (block, first) = (new AuthChainBlock(), entries[0].Event);
        foreach (var entry in entries)
        {
            if (!block.TryAdd(entry))
            {
                AuthChainTable.Put(db, room, first, block.Bytes);
                (block, first) = (new AuthChainBlock(), entry.Event);
                block.TryAdd(entry);
            }
        }

        AuthChainTable.Put(db, room, first, block.Bytes);
    }
}
