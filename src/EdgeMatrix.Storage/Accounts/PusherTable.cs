namespace EdgeMatrix.Storage.Accounts;

/// <param name="Nid">Never used again once the pusher is deleted.</param>
/// <param name="Device">Nid of the device that set it, with which it goes; null if none did.</param>
/// <param name="Data">A JSON object, <c>url</c> included.</param>
/// <param name="SetTs">When it was last set, ms since the Unix epoch.</param>
/// <param name="Position">Nid of the last event that was delivered, or passed over.</param>
/// <param name="FailingSinceTs">Since when nothing could be delivered, ms since the Unix epoch; null while it can.</param>
/// <param name="MailedTs">When the last mail was written, ms since the Unix epoch; null: none was.</param>
/// <param name="MailWaitMs">How long from then on no other is.</param>
public sealed record PusherRow(
    long Nid,
    long User,
    long? Device,
    string AppId,
    string Pushkey,
    string Kind,
    string AppDisplayName,
    string DeviceDisplayName,
    string? ProfileTag,
    string Lang,
    string Data,
    long SetTs,
    long Position,
    long? FailingSinceTs,
    long? MailedTs = null,
    long MailWaitMs = 0);

/// <summary>The <c>pushers</c> table: where users want to be told of what they are to be notified of.</summary>
public static class PusherTable
{
    public const string EmailKind = "email";

    /// <summary>The app id of pushers that write mails; their pushkey is the address.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3pushersset</remarks>
    public const string EmailAppId = "m.email";

    private const string Columns = """
        nid, user, device, app_id, pushkey, kind, app_display_name, device_display_name, profile_tag, lang, data, set_ts, position, failing_since_ts,
        mailed_ts, mail_wait_ms
        """;

    private const string FindSql = $"SELECT {Columns} FROM pushers WHERE nid = ?";
    private const string OfUserSql = $"SELECT {Columns} FROM pushers WHERE user = ? ORDER BY nid";
    private const string AllSql = "SELECT nid, user FROM pushers";
    private const string SetSql = """
        INSERT INTO pushers (user, device, app_id, pushkey, kind, app_display_name, device_display_name, profile_tag, lang, data, set_ts, position)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (app_id, pushkey, user) DO UPDATE SET
            device = excluded.device, kind = excluded.kind, app_display_name = excluded.app_display_name,
            device_display_name = excluded.device_display_name, profile_tag = excluded.profile_tag, lang = excluded.lang,
            data = excluded.data, set_ts = excluded.set_ts
        RETURNING nid
        """;

    private const string DeliveredSql = "UPDATE pushers SET position = ?, failing_since_ts = NULL WHERE nid = ?";
    private const string MailedSql = "UPDATE pushers SET position = ?, mailed_ts = ?, mail_wait_ms = ? WHERE nid = ?";
    private const string FailingSql = "UPDATE pushers SET failing_since_ts = ? WHERE nid = ? AND failing_since_ts IS NULL";
    private const string DeleteSql = "DELETE FROM pushers WHERE app_id = ? AND pushkey = ? AND user = ?";
    private const string DeleteOfOthersSql = "DELETE FROM pushers WHERE app_id = ? AND pushkey = ? AND user <> ?";
    private const string DeleteAllSql = "DELETE FROM pushers WHERE app_id = ? AND pushkey = ?";
    private const string DeleteOfDeviceSql = "DELETE FROM pushers WHERE device = ?";

    public static PusherRow? Find(Session db, long nid)
    {
        using var query = db.Prepare(FindSql).Bind(nid);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>The pushers of a user, in the order they came.</summary>
    public static List<PusherRow> OfUser(Session db, long user)
    {
        using var query = db.Prepare(OfUserSql).Bind(user);
        var pushers = new List<PusherRow>();
        while (query.Step())
        {
            pushers.Add(Read(query));
        }

        return pushers;
    }

    /// <summary>Nids of all pushers, and of their users.</summary>
    public static List<(long Nid, long User)> All(Session db)
    {
        using var query = db.Prepare(AllSql);
        var pushers = new List<(long, long)>();
        while (query.Step())
        {
            pushers.Add((query.Int64(0), query.Int64(1)));
        }

        return pushers;
    }

    /// <summary>Adds a pusher; or changes the user's that has its app id and pushkey, but for the position.</summary>
    /// <returns>Its nid.</returns>
    public static long Set(WriteTransaction db, PusherRow pusher)
    {
        using var insert = db.Prepare(SetSql)
            .Bind(pusher.User).Bind(pusher.Device).Bind(pusher.AppId).Bind(pusher.Pushkey).Bind(pusher.Kind).Bind(pusher.AppDisplayName)
            .Bind(pusher.DeviceDisplayName).Bind(pusher.ProfileTag).Bind(pusher.Lang).Bind(pusher.Data).Bind(pusher.SetTs).Bind(pusher.Position);
        insert.Step();
        return insert.Int64(0);
    }

    /// <summary>What comes next is behind an event.</summary>
    public static void Delivered(WriteTransaction db, long pusher, long position)
    {
        using var update = db.Prepare(DeliveredSql).Bind(position).Bind(pusher);
        update.Run();
    }

    /// <summary>A mail tells of all up to an event.</summary>
    /// <param name="waitMs">How long no other mail is to be written.</param>
    public static void Mailed(WriteTransaction db, long pusher, long position, long ts, long waitMs)
    {
        using var update = db.Prepare(MailedSql).Bind(position).Bind(ts).Bind(waitMs).Bind(pusher);
        update.Run();
    }

    /// <summary>Nothing can be delivered; one that was failing already has been since then.</summary>
    public static void Failing(WriteTransaction db, long pusher, long ts)
    {
        using var update = db.Prepare(FailingSql).Bind(ts).Bind(pusher);
        update.Run();
    }

    public static void Delete(WriteTransaction db, string appId, string pushkey, long user)
    {
        using var delete = db.Prepare(DeleteSql).Bind(appId).Bind(pushkey).Bind(user);
        delete.Run();
    }

    public static void DeleteOfOthers(WriteTransaction db, string appId, string pushkey, long user)
    {
        using var delete = db.Prepare(DeleteOfOthersSql).Bind(appId).Bind(pushkey).Bind(user);
        delete.Run();
    }

    /// <summary>Whosever they are.</summary>
    public static void Delete(WriteTransaction db, string appId, string pushkey)
    {
        using var delete = db.Prepare(DeleteAllSql).Bind(appId).Bind(pushkey);
        delete.Run();
    }

    public static void DeleteOfDevice(WriteTransaction db, long device)
    {
        using var delete = db.Prepare(DeleteOfDeviceSql).Bind(device);
        delete.Run();
    }

    private static PusherRow Read(Statement query) => new(
        query.Int64(0), query.Int64(1), query.Int64OrNull(2), query.Text(3), query.Text(4), query.Text(5), query.Text(6), query.Text(7),
        query.TextOrNull(8), query.Text(9), query.Text(10), query.Int64(11), query.Int64(12), query.Int64OrNull(13), query.Int64OrNull(14),
        query.Int64(15));
}
