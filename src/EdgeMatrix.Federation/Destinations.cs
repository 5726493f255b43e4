using System.Buffers.Binary;
using EdgeMatrix.Protocol;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Federation;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Federation;

/// <summary>
/// How it stands with other servers. One that does not answer is left alone, twice as long each time, with some chance in it, until it is heard from: an
/// answer, or a request of its own, ends that at once. It is in the database, so that a start does not bring a herd of requests to who is not there.
/// </summary>
/// <remarks>Who calls must hold no snapshot: what is not in memory is read.</remarks>
public sealed class Destinations
{
    /// <summary>So many servers are remembered in the database.</summary>
    private const int Most = 20_000;

    private const int RowBytes = 200;
    private const int MaxDoublings = 20;
    private static readonly TimeSpan _heardGrain = TimeSpan.FromHours(1);

    // Whoever is heard all the time was heard so long ago at the most, as it is noted; and an hour is silence.
    private static readonly TimeSpan _silence = 2 * _heardGrain;

    private readonly Database _database;
    private readonly RandomSource _random;
    private readonly TimeProvider _time;
    private readonly FederationSettings _settings;
    private readonly BoundedCache<string, Standing> _known = new("destinations", wanted: 256 << 10, least: 32 << 10);

    public Destinations(Database database, FederationSettings settings, RandomSource random, TimeProvider time)
    {
        (_database, _settings, _random, _time) = (database, settings, random, time);
        database.Memory.Add(_known);
    }

    /// <summary>Told when a server that did not answer is heard from again: whatever waits for it may be sent at once.</summary>
    public Action<string>? CameBack { get; set; }

    /// <summary>Told when a server is heard from again that did not answer, or was not heard from for an hour: either may have missed something.</summary>
    public Action<string>? Met { get; set; }

    /// <summary>How long the server is to be left alone still; null: it may be asked now.</summary>
    public TimeSpan? Wait(string server)
    {
        var left = Of(server).Row.NextTs - Now();
        return left > 0 ? TimeSpan.FromMilliseconds(left) : null;
    }

    /// <summary>Whether nothing was heard of any server for an hour, though there are some: this one was away, or its network.</summary>
    public bool WasSilent()
    {
        using var snapshot = _database.OpenSnapshot();
        return DestinationTable.LastHeardTs(snapshot) < Now() - (long)_silence.TotalMilliseconds;
    }

    /// <summary>As it is known now; of a server never met, a row without failures.</summary>
    public DestinationRow Find(string server) => Of(server).Row;

    /// <summary>The server answered, or sent a request that it signed.</summary>
    public void HeardFrom(string server)
    {
        var now = Now();
        var standing = Of(server);
        bool cameBack, wasSilent;
        lock (standing)
        {
            var row = standing.Row;
            cameBack = row.Failures > 0 || row.NextTs > now;
            wasSilent = row.LastHeardTs < now - (long)_silence.TotalMilliseconds;
            if (!cameBack && row.LastHeardTs > now - (long)_heardGrain.TotalMilliseconds)
            {
                return;
            }

            standing.Row = row with { Failures = 0, FailingSinceTs = null, NextTs = 0, LastHeardTs = now };
            Store(standing.Row);
        }

        if (cameBack)
        {
            CameBack?.Invoke(server);
        }

        if (cameBack || wasSilent)
        {
            Met?.Invoke(server);
        }
    }

    /// <summary>The server was not reached, or could not answer.</summary>
    /// <param name="askedTs">When it was asked: of requests that were under way together one failure counts.</param>
    public void Failed(string server, long askedTs)
    {
        var now = Now();
        var standing = Of(server);
        lock (standing)
        {
            var row = standing.Row;
            if (row.Failures > 0 && askedTs < standing.FailedTs)
            {
                return;
            }

            standing.FailedTs = now;
            var failures = row.Failures + 1;
            standing.Row = row with
            {
                Failures = failures, FailingSinceTs = row.FailingSinceTs ?? now, NextTs = now + WithChance(LongestWait(failures)),
            };
            Store(standing.Row);
        }
    }

    /// <summary>The server asks to be left alone for a while.</summary>
    public void Postpone(string server, TimeSpan wait)
    {
        var most = _settings.RetryMax;
        var until = Now() + (long)(wait < most ? wait : most).TotalMilliseconds;
        var standing = Of(server);
        lock (standing)
        {
            if (until > standing.Row.NextTs)
            {
                standing.Row = standing.Row with { NextTs = until };
                Store(standing.Row);
            }
        }
    }

    /// <summary>Ends the wait for the server, for whoever knows better; what failed stays counted.</summary>
    /// <returns>False if it is not being left alone.</returns>
    public bool Reset(string server)
    {
        var standing = Of(server);
        lock (standing)
        {
            if (standing.Row.NextTs <= Now())
            {
                return false;
            }

            standing.Row = standing.Row with { NextTs = 0 };
            Store(standing.Row);
            return true;
        }
    }

    /// <summary>How long a server is left alone at most that failed so often in a row, ms.</summary>
    public long LongestWait(long failures)
    {
        var wait = _settings.RetryMin.TotalMilliseconds * (1L << (int)Math.Min(failures - 1, MaxDoublings));
        return (long)Math.Min(wait, _settings.RetryMax.TotalMilliseconds);
    }

    /// <summary>Upkeep: forgets servers beyond those that were heard of last.</summary>
    public async Task<bool> SliceAsync()
    {
        bool hasMore;
        using (var snapshot = _database.OpenSnapshot())
        {
            hasMore = DestinationTable.HasMoreThan(snapshot, Most);
        }

        if (hasMore)
        {
            await _database.WriteAsync(db => DestinationTable.Trim(db, Most));
        }

        return false;
    }

    // Three quarters of it to all of it: servers that went down together are not asked together.
    private long WithChance(long waitMs)
    {
        Span<byte> bytes = stackalloc byte[4];
        _random.Fill(bytes);
        var part = 0.75 + (BinaryPrimitives.ReadUInt32BigEndian(bytes) / (double)(1L << 34));
        return (long)Math.Max(_settings.RetryMin.TotalMilliseconds, waitMs * part);
    }

    private Standing Of(string server)
    {
        if (_known.TryGet(server, out var known))
        {
            return known;
        }

        DestinationRow? stored;
        using (var snapshot = _database.OpenSnapshot())
        {
            stored = DestinationTable.Find(snapshot, server);
        }

        return _known.GetOrAdd(server, new Standing(stored ?? new DestinationRow(server, 0, null, 0, null)), RowBytes + (2 * server.Length));
    }

    // Nobody waits for it: what a power cut takes is found out anew. Names that never answered are not worth a row: anybody can think of them without end.
    private void Store(DestinationRow row)
    {
        if (row.LastHeardTs is not null)
        {
            _ = _database.WriteAsync(db => DestinationTable.Set(db, row));
        }
    }

    private long Now() => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private sealed class Standing(DestinationRow row)
    {
        public DestinationRow Row { get; set; } = row;

        public long FailedTs { get; set; }
    }
}
