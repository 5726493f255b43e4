namespace EdgeMatrix.Storage.Tests;

/// <summary>A folder for a database, removed with it.</summary>
public sealed class TemporaryDatabase : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("edgematrix-").FullName;
    private Database? _open;

    public string Path => System.IO.Path.Combine(_folder, "edge.db");

    public Database Open() => Open(new DatabaseOptions(Path));

    /// <summary>Opens it without closing the one that is open; for when that should fail.</summary>
    public Database OpenAgain() => Database.Open(new DatabaseOptions(Path));

    public Database Open(DatabaseOptions options) => _open = Database.Open(options);

    /// <summary>Opens it with other migrations than the program's.</summary>
    internal Database Open(params string[] migrations) => _open = Database.Open(new DatabaseOptions(Path), migrations);

    public async Task<Database> ReopenAsync()
    {
        await CloseAsync();
        return Open();
    }

    public async Task CloseAsync()
    {
        if (_open is not null)
        {
            await _open.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
