using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Sync.Filters;

/// <summary>The filters that clients have stored, read once: they never change.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter</remarks>
public sealed class StoredFilters(Database database)
{
    private const int MaxKept = 256;

    private readonly ConcurrentDictionary<(long User, long Filter), SyncFilter> _kept = new();

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

        return _kept.TryGetValue((user, nid), out var known) ? known : Read(user, nid, out problem);
    }

    private SyncFilter Read(long user, long nid, out string? problem)
    {
        using var snapshot = database.OpenSnapshot();
        if (FilterTable.Find(snapshot, user, nid) is not { } stored)
        {
            problem = "no such filter";
            return SyncFilter.All;
        }

        var filter = SyncFilter.Parse(JsonElement.Parse(stored), out problem);
        if (problem is null)
        {
            // Which of them go matters little: each is one statement away.
            if (_kept.Count >= MaxKept)
            {
                _kept.Clear();
            }

            _kept[(user, nid)] = filter;
        }

        return filter;
    }
}
