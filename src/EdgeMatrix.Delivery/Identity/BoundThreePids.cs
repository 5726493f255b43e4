using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Delivery.Identity;

/// <summary>The addresses that identity servers know as those of users of this server.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidbind</remarks>
public sealed class BoundThreePids(Database database, IdentityServers identities)
{
    /// <summary>Has an identity server know an address that the user proved there as theirs.</summary>
    /// <param name="user">Nid of the user.</param>
    public async Task<Refusal?> BindAsync(
        long user, string userId, IdentityServer identity, string sid, string clientSecret, CancellationToken cancellation)
    {
        var (medium, address, refusal) = await identities.BindAsync(identity, sid, clientSecret, userId, cancellation);
        if (refusal is null)
        {
            await database.WriteAsync(db => BoundThreePidTable.Add(db, user, medium!, address!, identity.Name));
        }

        return refusal;
    }

    /// <summary>Has identity servers know an address no longer as the user's.</summary>
    /// <param name="idServer">Null: every one that it was bound at by way of this server.</param>
    /// <returns>False if none is known, or one of them did not.</returns>
    public async Task<bool> UnbindAsync(long user, string userId, string medium, string address, string? idServer, CancellationToken cancellation)
    {
        var bound = idServer is not null ? [(medium, address, idServer)] : OfUser(user).FindAll(one => (one.Medium, one.Address) == (medium, address));
        return bound.Count > 0 && await UnbindAsync(user, userId, bound, cancellation);
    }

    /// <summary>As above, of all that the user has.</summary>
    /// <returns>False if one of the servers did not.</returns>
    public Task<bool> UnbindAllAsync(long user, string userId, CancellationToken cancellation) => UnbindAsync(user, userId, OfUser(user), cancellation);

    private List<(string Medium, string Address, string IdServer)> OfUser(long user)
    {
        using var db = database.OpenSnapshot();
        return BoundThreePidTable.OfUser(db, user);
    }

    private async Task<bool> UnbindAsync(
        long user, string userId, List<(string Medium, string Address, string IdServer)> bound, CancellationToken cancellation)
    {
        var all = true;
        foreach (var (medium, address, idServer) in bound)
        {
            if (await identities.UnbindAsync(idServer, medium, address, userId, cancellation))
            {
                await database.WriteAsync(db => BoundThreePidTable.Delete(db, user, medium, address, idServer));
            }
            else
            {
                all = false;
            }
        }

        return all;
    }
}
