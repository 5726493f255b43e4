namespace EdgeMatrix.Storage;

/// <summary>The pool of reading connections. The last used is the first lent again, so that its cache is warm and the others stay unmade.</summary>
internal sealed class DatabaseReaders(DatabaseOptions options, PageCaches pages) : IDisposable
{
    /// <summary>A wait as long as this is a snapshot that was never disposed of, or one opened inside another.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _free = new(options.Readers, options.Readers);
    private readonly Stack<DatabaseConnection> _idle = new();
    private readonly List<DatabaseConnection> _all = [];
    private bool _closed;

    public long StatementsRun
    {
        get
        {
            lock (_lock)
            {
                return _all.Sum(connection => connection.StatementsRun);
            }
        }
    }

    public DatabaseCost Cost()
    {
        lock (_lock)
        {
            return _all.Aggregate(default(DatabaseCost), (sum, connection) => sum + connection.Cost());
        }
    }

    /// <summary>Waits for a connection, and starts its read transaction.</summary>
    public DatabaseConnection Take()
    {
        if (!_free.Wait(MaxWait))
        {
            throw new DatabaseException($"No reader became free in {MaxWait.TotalSeconds} s: a snapshot is held for too long.");
        }

        DatabaseConnection? connection = null;
        try
        {
            connection = Idle() ?? Open();
            Begin(connection);
            return connection;
        }
        catch
        {
            Return(connection);
            throw;
        }
    }

    /// <summary>Ends the transaction of a connection and keeps it for the next.</summary>
    public void Return(DatabaseConnection? connection)
    {
        try
        {
            if (connection is not null)
            {
                Keep(connection);
            }
        }
        finally
        {
            _free.Release();
        }
    }

    private void Keep(DatabaseConnection connection)
    {
        connection.ReturnAll();
        if (connection.InTransaction)
        {
            using var commit = connection.Prepare("COMMIT");
            commit.Run();
        }

        connection.Fit(pages.KiBOf(writer: false));
        lock (_lock)
        {
            if (_closed)
            {
                connection.Dispose();
            }
            else
            {
                _idle.Push(connection);
            }
        }
    }

    /// <summary>Has every connection that nobody uses give up what it can do without.</summary>
    public void ShrinkIdle()
    {
        var idle = new List<DatabaseConnection>();
        lock (_lock)
        {
            while (_free.Wait(0))
            {
                if (!_idle.TryPop(out var connection))
                {
                    _free.Release();
                    break;
                }

                idle.Add(connection);
            }
        }

        foreach (var connection in idle)
        {
            connection.ShrinkNext = true;
            Return(connection);
        }
    }

    /// <summary>Closes the connections; one that is still lent closes when it comes back.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            while (_idle.TryPop(out var connection))
            {
                connection.Dispose();
            }
        }
    }

    private static void Begin(DatabaseConnection connection)
    {
        using var begin = connection.Prepare("BEGIN");
        begin.Run();

        // SQLite fixes what a transaction sees at its first read, not at BEGIN.
        using var read = connection.Prepare("SELECT 1 FROM sqlite_schema LIMIT 1");
        read.Run();
    }

    private DatabaseConnection? Idle()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(Database));
            return _idle.TryPop(out var connection) ? connection : null;
        }
    }

    private DatabaseConnection Open()
    {
        var connection = DatabaseConnection.OpenReadOnly(options.Path, pages.KiBOf(writer: false));
        pages.Add(connection);
        lock (_lock)
        {
            _all.Add(connection);
        }

        return connection;
    }
}
