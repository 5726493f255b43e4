using EdgeMatrix.Storage;

// Made to be killed: writes as fast as it can, from several sides, and says on standard output what is acknowledged.
//   write PATH    "<key> <position>" a line for each write of a table of its own
//   migrate PATH  opens the database with migrations that take a while; "open" when that is done
//   hold PATH     opens it and keeps it until standard input ends; "open" or "refused: <why>"
return args switch
{
    ["write", var path] => await WriteAsync(path),
    ["migrate", var path] => await MigrateAsync(path),
    ["hold", var path] => await HoldAsync(path),
    _ => 2,
};

static async Task<int> WriteAsync(string path)
{
    await using var database = Database.Open(new DatabaseOptions(path));
    using var output = Console.OpenStandardOutput();
    var writing = new Lock();
    var run = Guid.NewGuid().ToString("N");
    await Task.WhenAll(Enumerable.Range(0, 8).Select(side => Task.Run(async () =>
    {
        for (var n = 0; ; n++)
        {
            var key = $"{run}-{side}-{n}";
            var position = await database.WriteAsync(db => Insert(db, key));
            var line = System.Text.Encoding.ASCII.GetBytes($"{key} {position}\n");
            lock (writing)
            {
                output.Write(line);
            }
        }
    })));
    return 0;
}

static long Insert(WriteTransaction db, string key)
{
    var position = db.NextPosition();
    var node = StateNodes.Append(db, parent: 0, [new StateEntry(1, position)]);
    using var insert = db.Prepare("INSERT INTO settings (key, value) VALUES (?, ?)").Bind(key).Bind($"{position} {node} {new string('x', 300)}");
    insert.Run();
    return position;
}

static async Task<int> MigrateAsync(string path)
{
    var options = new DatabaseOptions(path);
    if (!File.Exists(path))
    {
        // All others, in a file that has data, go one by one.
        await using (Database.Open(options, SlowMigrations.All[..1]))
        {
        }
    }

    await using var database = Database.Open(options, SlowMigrations.All);
    Console.WriteLine("open");
    return 0;
}

static async Task<int> HoldAsync(string path)
{
    try
    {
        await using var database = Database.Open(new DatabaseOptions(path));
        Console.WriteLine("open");
        await Console.In.ReadToEndAsync();
        return 0;
    }
    catch (DatabaseException exception)
    {
        Console.WriteLine("refused: " + exception.Message);
        return 1;
    }
}

/// <summary>Ten migrations of some tens of milliseconds each; each leaves a table of 20,000 rows, and the first the sequence.</summary>
internal static class SlowMigrations
{
    public static string[] All { get; } = [.. Enumerable.Range(1, 10).Select(Migration)];

    private static string Migration(int version) => $"""
        {(version == 1 ? "CREATE TABLE sequence (name TEXT NOT NULL PRIMARY KEY, reserved INTEGER NOT NULL) STRICT, WITHOUT ROWID;" : "")}
        CREATE TABLE step{version} (n INTEGER PRIMARY KEY, x BLOB NOT NULL) STRICT;
        WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < 20000)
        INSERT INTO step{version} SELECT n, randomblob(100) FROM counter;
        """;
}
