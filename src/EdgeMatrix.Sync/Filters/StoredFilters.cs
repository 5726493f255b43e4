using System.Globalization;
using System.Text.Json;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Sync.Filters;

/// <summary>The filters that clients have stored, read once: they never change.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter</remarks>
public sealed class StoredFilters
{
    // A filter in memory is sets and lists of what its text names.
    private const int OwnBytes = 600;
    private const int BytesPerJsonByte = 6;

    private readonly Database _database;
    private readonly BoundedCache<(long User, long Filter), SyncFilter> _kept = new("filters", wanted: 512 << 10, least: 64 << 10);

    public StoredFilters(Database database)
    {
        _database = database;
        database.Memory.Add(_kept);
    }

    /// <param name="user">Nid of the user who stored it.</param>
    /// <param name="problem">Why there is none, for the client's developer; null if there is.</param>
    public SyncFilter Find(long user, string filterId, out string? problem)
    {
        problem = null;
        if (!long.TryParse(filterId, NumberStyles.None, CultureInfo.InvariantCulture, out var nid))
        {
            problem = "no such filter";
            return SyncFilter.All;
        }

        return _kept.TryGet((user, nid), out var known) ? known : Read(user, nid, out problem);
    }

    private SyncFilter Read(long user, long nid, out string? problem)
    {
        using var snapshot = _database.OpenSnapshot();
        if (FilterTable.Find(snapshot, user, nid) is not { } stored)
        {
            problem = "no such filter";
            return SyncFilter.All;
        }

        var filter = SyncFilter.Parse(JsonElement.Parse(stored), out problem);
        if (problem is null)
        {
            _kept.Set((user, nid), filter, OwnBytes + (stored.Length * BytesPerJsonByte));
        }

        return filter;
    }
}
