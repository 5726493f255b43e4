using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Accounts.Encryption;

/// <summary>What a device has left for others to claim.</summary>
/// <param name="OneTimeKeys">How many unclaimed keys there are of each algorithm; an algorithm without any is left out.</param>
/// <param name="UnusedFallbackKeys">The algorithms whose fallback key nobody was given yet.</param>
public sealed record KeyCounts(IReadOnlyList<(string Algorithm, long Count)> OneTimeKeys, IReadOnlyList<string> UnusedFallbackKeys)
{
    public static KeyCounts Read(Session db, long device) => new(OneTimeKeyTable.Count(db, device), FallbackKeyTable.Unused(db, device));
}

/// <summary>The <see cref="KeyCounts"/> of the devices that sync: every answer holds them, and most find them here.</summary>
public sealed class KnownKeyCounts
{
    // Two short lists.
    private const int CountsBytes = 250;

    private readonly Database _database;
    private readonly AppServiceNews _appServices;
    private readonly Lock _lock = new();
    private readonly BoundedCache<long, KeyCounts> _counts = new("key_counts", wanted: 1 << 20, least: 64 << 10);
    private long _changes;

    public KnownKeyCounts(Database database, AppServiceNews appServices)
    {
        (_database, _appServices) = (database, appServices);
        database.Memory.Add(_counts);
    }

    /// <summary>Opens a snapshot of its own where they are not known: not for whoever holds one.</summary>
    /// <param name="device">Nid of the device.</param>
    public KeyCounts Of(long device)
    {
        long before;
        lock (_lock)
        {
            if (_counts.TryGet(device, out var known))
            {
                return known;
            }

            before = _changes;
        }

        KeyCounts read;
        using (var snapshot = _database.OpenSnapshot())
        {
            read = KeyCounts.Read(snapshot, device);
        }

        lock (_lock)
        {
            // What changed since may be what was just read.
            if (_changes == before)
            {
                _counts.Set(device, read, CountsBytes);
            }
        }

        return read;
    }

    /// <summary>Forgets what is known of a device when the write is on the disk.</summary>
    internal void Changed(WriteTransaction db, long device)
    {
        _appServices.KeyCountsChanged(db, device);
        db.AfterCommit(() =>
        {
            lock (_lock)
            {
                _changes++;
                _counts.Remove(device);
            }
        });
    }
}
