namespace EdgeMatrix.Storage.Rooms;

/// <summary>The <c>event_frames</c> table: what the messages of a sender in a room have in common. A frame stays as long as its room.</summary>
internal static class EventFrameTable
{
    private const string ByNidSql = "SELECT room, hash, frame FROM event_frames WHERE nid = ?";
    private const string ByHashSql = "SELECT nid, frame FROM event_frames WHERE room = ? AND hash = ?";
    private const string InsertSql = "INSERT INTO event_frames (room, hash, frame) VALUES (?, ?, ?)";

    private const string DeleteSql = """
        DELETE FROM event_frames WHERE nid IN (SELECT nid FROM event_frames WHERE room = ? LIMIT ?)
        """;

    public static EventFrame? Find(Session db, long nid)
    {
        if (db.Bodies.Frames.Find(nid) is { } known)
        {
            return known;
        }

        using var query = db.Prepare(ByNidSql).Bind(nid);
        if (!query.Step())
        {
            return null;
        }

        var frame = db.Bodies.UnpackFrame(query.Blob(2));

        // What a transaction sees may yet be rolled back.
        if (db is Snapshot)
        {
            db.Bodies.Frames.Add(nid, query.Int64(0), query.Int64(1), frame);
        }

        return frame;
    }

    /// <summary>The nid of the frame, made if it is new; null if it cannot be kept.</summary>
    public static long? Intern(WriteTransaction db, long room, EventFrame frame)
    {
        var hash = frame.Hash();
        var frames = db.Bodies.Frames;
        if (frames.FindNid(room, hash, frame) is { } known)
        {
            return known;
        }

        if ((FindNid(db, room, hash, frame) ?? Insert(db, room, hash, frame)) is not { } nid)
        {
            return null;
        }

        db.AfterCommit(() => frames.Add(nid, room, hash, frame));
        return nid;
    }

    /// <summary>Deletes frames of a room that has no events any more.</summary>
    /// <returns>How many there were, at most the limit.</returns>
    public static int Delete(WriteTransaction db, long room, int limit)
    {
        using var delete = db.Prepare(DeleteSql).Bind(room).Bind(limit);
        delete.Run();
        return (int)delete.Changes;
    }

    private static long? FindNid(WriteTransaction db, long room, long hash, EventFrame frame)
    {
        using var query = db.Prepare(ByHashSql).Bind(room).Bind(hash);
        while (query.Step())
        {
            if (db.Bodies.UnpackFrame(query.Blob(1)).Is(frame))
            {
                return query.Int64(0);
            }
        }

        return null;
    }

    private static long? Insert(WriteTransaction db, long room, long hash, EventFrame frame)
    {
        if (db.Bodies.PackFrame(frame) is not { } packed)
        {
            return null;
        }

        using var insert = db.Prepare(InsertSql).Bind(room).Bind(hash).Bind(packed);
        insert.Run();
        return db.LastInsertRowId;
    }
}
