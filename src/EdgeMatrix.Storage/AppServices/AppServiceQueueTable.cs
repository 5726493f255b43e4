namespace EdgeMatrix.Storage.AppServices;

/// <summary>What an application service is to be told of.</summary>
public enum AppServiceNewsKind
{
    /// <summary>The subject is the event, and so is the position.</summary>
    Event = 0,

    /// <summary>A receipt moved in the room that is the subject.</summary>
    Receipt = 1,

    /// <summary>A message for the device that is the subject.</summary>
    ToDevice = 2,

    /// <summary>The devices or keys of the user who is the subject changed.</summary>
    DeviceList = 3,

    /// <summary>The device that is the subject has other one-time or fallback keys left.</summary>
    KeyCounts = 4,
}

/// <param name="Position">The stream position at which it happened.</param>
/// <param name="Subject">A nid.</param>
public readonly record struct AppServiceNewsRow(long Position, AppServiceNewsKind Kind, long Subject);

/// <summary>The <c>appservice_queue</c> table: what is in no transaction yet, in the order of the stream.</summary>
public static class AppServiceQueueTable
{
    private const string AddSql = "INSERT INTO appservice_queue (appservice, position, kind, subject) VALUES (?, ?, ?, ?)";
    private const string FirstSql = "SELECT position, kind, subject FROM appservice_queue WHERE appservice = ? ORDER BY position LIMIT ?";
    private const string CountSql = "SELECT count(*) FROM appservice_queue WHERE appservice = ?";
    private const string DeleteSql = "DELETE FROM appservice_queue WHERE appservice = ? AND position <= ?";

    public static void Add(WriteTransaction db, long appService, AppServiceNewsRow news)
    {
        using var insert = db.Prepare(AddSql).Bind(appService).Bind(news.Position).Bind((long)news.Kind).Bind(news.Subject);
        insert.Run();
    }

    /// <summary>The next, in their order.</summary>
    public static List<AppServiceNewsRow> First(Session db, long appService, int limit)
    {
        using var query = db.Prepare(FirstSql).Bind(appService).Bind(limit);
        var rows = new List<AppServiceNewsRow>();
        while (query.Step())
        {
            rows.Add(new AppServiceNewsRow(query.Int64(0), (AppServiceNewsKind)query.Int64(1), query.Int64(2)));
        }

        return rows;
    }

    public static long Count(Session db, long appService)
    {
        using var query = db.Prepare(CountSql).Bind(appService);
        return query.Step() ? query.Int64(0) : 0;
    }

    public static void DeleteUpTo(WriteTransaction db, long appService, long position)
    {
        using var delete = db.Prepare(DeleteSql).Bind(appService).Bind(position);
        delete.Run();
    }
}
