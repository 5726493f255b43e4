namespace EdgeMatrix.Storage.AuthChains;

/// <summary>The <c>auth_chains</c> table: blocks of entries, each from its first event up to where the next begins; and how far the index goes.</summary>
internal static class AuthChainTable
{
    private const string BlockSql = "SELECT first, entries FROM auth_chains WHERE room = ? AND first <= ? ORDER BY first DESC LIMIT 1";
    private const string NextBlockSql = "SELECT first, entries FROM auth_chains WHERE room = ? AND first > ? ORDER BY first LIMIT 1";
    private const string PutSql = "INSERT OR REPLACE INTO auth_chains (room, first, entries) VALUES (?, ?, ?)";
    private const string IndexedUpToSql = "SELECT coalesce(max(event), 0) FROM auth_chains_end";
    private const string SetIndexedUpToSql = "INSERT OR REPLACE INTO auth_chains_end (one, event) VALUES (1, ?)";

    /// <summary>The block that would have the event: the last that does not begin after it. Null if none does.</summary>
    public static (long First, List<AuthChainEntry> Entries)? Block(Session db, long room, long nid) => Read(db.Prepare(BlockSql).Bind(room).Bind(nid));

    public static (long First, List<AuthChainEntry> Entries)? NextBlock(Session db, long room, long first) =>
        Read(db.Prepare(NextBlockSql).Bind(room).Bind(first));

    public static void Put(WriteTransaction db, long room, long first, ReadOnlySpan<byte> entries)
    {
        using var put = db.Prepare(PutSql).Bind(room).Bind(first).Bind(entries);
        put.Run();
    }

    /// <summary>The nid up to which every state event is in the index.</summary>
    public static long IndexedUpTo(Session db)
    {
        using var query = db.Prepare(IndexedUpToSql);
        return query.Step() ? query.Int64(0) : 0;
    }

    public static void SetIndexedUpTo(WriteTransaction db, long nid)
    {
        using var put = db.Prepare(SetIndexedUpToSql).Bind(nid);
        put.Run();
    }

    private static (long First, List<AuthChainEntry> Entries)? Read(Statement query)
    {
        using (query)
        {
            return query.Step() ? (query.Int64(0), AuthChainBlock.Read(query.Blob(1))) : null;
        }
    }
}
