using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Accounts.Tokens;

/// <summary>Finds whose an access token is.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#using-access-tokens</remarks>
public sealed class AccessTokens(Database database, TimeProvider time)
{
    internal TokenCache Cache { get; } = new(database.Memory);

    /// <summary>Looks a token up; the first use of a refreshed one ends the pair it replaced.</summary>
    /// <param name="ip">Where the request comes from, for the list of devices; null where the transport has no addresses.</param>
    /// <param name="userAgent">What program it is of, for the same list; null where it does not say.</param>
    public async ValueTask<TokenLookup> AuthenticateAsync(string token, string? ip, string? userAgent = null)
    {
        var hash = TokenHash.Of(token);
        var owner = Cache.Find(hash) ?? await FindStoredAsync(hash);
        if (owner is null)
        {
            return new TokenLookup(TokenVerdict.Unknown, null);
        }

        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (owner.ExpiresTs <= now)
        {
            return new TokenLookup(owner.Refreshable ? TokenVerdict.Expired : TokenVerdict.Unknown, null);
        }

        if (!database.IsBusy && owner.TrySee(now))
        {
            // Nobody waits for it, so it must not queue without bound: while the writer is busy it is left to a later request.
            _ = database.WriteAsync(db => DeviceTable.Seen(db, owner.DeviceNid, now, ip, userAgent));
        }

        return new TokenLookup(TokenVerdict.Good, owner);
    }

    private async ValueTask<TokenOwner?> FindStoredAsync(TokenHash hash)
    {
        while (true)
        {
            var version = Cache.Version;
            if (Find(hash) is not { } row)
            {
                return null;
            }

            if (row is { Replaces: true, Refresh: { } refresh } && !(row.ExpiresTs <= time.GetUtcNow().ToUnixTimeMilliseconds()))
            {
                // "The old refresh token remains valid until the new access token or refresh token is used, at which point
                // the old refresh token is revoked."
                await database.WriteAsync(db =>
                {
                    TokenTable.DeleteReplaced(db, row.Device, refresh);
                    db.AfterCommit(() => Cache.Remove(row.Device));
                });
                continue;
            }

            var owner = new TokenOwner(row.UserId, row.User, row.DeviceId, row.Device, row.Standing, row.ExpiresTs, row.Refresh is not null)
            {
                LastSeenTs = row.LastSeenTs ?? 0,
            };
            Cache.Add(hash, owner, version);
            return owner;
        }
    }

    private AccessTokenRow? Find(TokenHash hash)
    {
        using var snapshot = database.OpenSnapshot();
        return TokenTable.FindAccess(snapshot, hash.ToBytes());
    }
}
