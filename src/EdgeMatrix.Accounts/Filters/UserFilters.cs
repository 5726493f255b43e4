using System.Globalization;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Accounts.Filters;

/// <summary>The filters that clients have uploaded; the same filter has the same id.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#filtering</remarks>
public sealed class UserFilters(Database database)
{
    /// <summary>How many a user may have. Clients upload one or two each, and again when one is gone.</summary>
    private const int MaxPerUser = 200;

    /// <summary>Keeps a filter, and forgets the user's oldest if they are too many; returns its id.</summary>
    /// <param name="user">Nid of the user.</param>
    /// <param name="filter">Must have a canonical form.</param>
    /// <exception cref="FormatException">It has none.</exception>
    public async Task<string> AddAsync(long user, JsonElement filter)
    {
        var text = Encoding.UTF8.GetString(CanonicalJson.Write(filter));
        using (var snapshot = database.OpenSnapshot())
        {
            // Clients upload the same filter at every start: most often nothing is to be written.
            if (FilterTable.FindSame(snapshot, user, text) is { } known)
            {
                return Id(known);
            }
        }

        return Id(await database.WriteAsync(db => FilterTable.FindSame(db, user, text) ?? FilterTable.Insert(db, user, text, MaxPerUser)));
    }

    /// <summary>The filter as UTF-8 JSON; null if the user has none of that id.</summary>
    public byte[]? Find(long user, string id)
    {
        if (!long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var nid))
        {
            return null;
        }

        using var snapshot = database.OpenSnapshot();
        return FilterTable.Find(snapshot, user, nid);
    }

    private static string Id(long nid) => nid.ToString(CultureInfo.InvariantCulture);
}
