using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Protocol;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Accounts.Tokens;

/// <summary>The tokens of a device, as its client is told them once.</summary>
/// <param name="RefreshToken">Null where the client did not ask for one; then the access token lasts until logout.</param>
/// <param name="ExpiresInMs">How long the access token lasts; null: until logout.</param>
public sealed record IssuedTokens(string AccessToken, string? RefreshToken, long? ExpiresInMs);

public sealed record Login(string DeviceId, IssuedTokens Tokens);

public enum RefreshVerdict
{
    Good,

    /// <summary>Never issued, used up, or logged out since.</summary>
    Unknown,

    /// <summary>The account is locked: the token stays as it is.</summary>
    Locked,
}

/// <summary>Begins, carries on and ends the sessions of devices.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#relationship-between-access-tokens-and-devices</remarks>
public sealed class Logins(Database database, AccessTokens accessTokens, LoginTokens loginTokens, ChangeNotifier notifier, RandomSource random, TimeProvider time)
{
    /// <summary>How long an access token lasts that comes with a refresh token.</summary>
    public static readonly TimeSpan AccessTokenLifetime = TimeSpan.FromHours(1);

    // 43 characters of 5.95 bits: as hard to guess as a 256-bit key.
    private const int TokenLength = 43;
    private const int DeviceIdLength = 10;

    /// <summary>Logs a device in. Tokens that the device had end.</summary>
    /// <param name="user">Nid of the user, who has an account.</param>
    /// <param name="deviceId">Null for a new device with an id of ours.</param>
    /// <param name="displayName">Of a new device; a known one keeps its own.</param>
    /// <param name="refreshable">The client can refresh: its access token is to expire.</param>
    /// <returns>Null if the id is that of one of the user's cross-signing keys, which others would take the device for.</returns>
    public Task<Login?> LogInAsync(long user, string? deviceId, string? displayName, bool refreshable)
    {
        var id = deviceId ?? random.Base62(DeviceIdLength).ToUpperInvariant();
        return database.WriteAsync(db =>
        {
            long device;
            if (deviceId is not null && CrossSigningTable.OfUser(db, user).Any(key => key.PublicKey == deviceId))
            {
                return null;
            }

            if (DeviceTable.Find(db, user, id) is { } known)
            {
                device = known.Nid;
                TokenTable.DeleteOfDevice(db, device);
                db.AfterCommit(() => accessTokens.Cache.Remove(device));
            }
            else
            {
                device = DeviceTable.Insert(db, user, id, displayName);
                DeviceLists.Changed(db, notifier, user, id);
            }

            return (Login?)new Login(id, Issue(db, device, refreshable, replaces: null));
        });
    }

    /// <summary>Makes a session of a user's for somebody else: an administrator.</summary>
    /// <param name="expiresTs">When it ends, ms since the Unix epoch; null: at logout.</param>
    /// <returns>The access token.</returns>
    public Task<string> LogInAsAsync(long user, string displayName, long? expiresTs) => database.WriteAsync(db =>
    {
        var device = DeviceTable.Insert(db, user, random.Base62(DeviceIdLength).ToUpperInvariant(), displayName);
        var token = "ema_" + random.Base62(TokenLength);
        TokenTable.InsertAccess(db, TokenHash.Of(token).ToBytes(), device, expiresTs, null);
        return token;
    });

    /// <summary>Exchanges a refresh token for a new pair.</summary>
    /// <remarks>
    /// The token stays good until the new pair is used: a client that lost the answer may ask again, and the pair it never
    /// saw ends. Spec: https://spec.matrix.org/v1.19/client-server-api/#refreshing-access-tokens
    /// </remarks>
    public Task<(IssuedTokens? Tokens, RefreshVerdict Verdict)> RefreshAsync(string refreshToken)
    {
        var hash = TokenHash.Of(refreshToken).ToBytes();
        return database.WriteAsync<(IssuedTokens?, RefreshVerdict)>(db =>
        {
            if (TokenTable.FindRefresh(db, hash) is not { } refresh)
            {
                return (null, RefreshVerdict.Unknown);
            }

            if (refresh.Locked)
            {
                return (null, RefreshVerdict.Locked);
            }

            var changed = TokenTable.DeleteReplaced(db, refresh.Device, refresh.Nid);
            if (refresh.Next is { } unseen)
            {
                TokenTable.DeletePair(db, refresh.Device, unseen);
                changed = true;
            }

            if (changed)
            {
                db.AfterCommit(() => accessTokens.Cache.Remove(refresh.Device));
            }

            return (Issue(db, refresh.Device, refreshable: true, refresh.Nid), RefreshVerdict.Good);
        });
    }

    /// <summary>Logs devices out and deletes them; those that are not the user's are passed over.</summary>
    public Task LogOutAsync(long user, IReadOnlyCollection<string> deviceIds) =>
        database.WriteAsync(db =>
        {
            foreach (var deviceId in deviceIds)
            {
                if (DeviceTable.Find(db, user, deviceId) is { } device)
                {
                    End(db, user, device);
                }
            }
        });

    /// <summary>Logs all devices of a user out and deletes them.</summary>
    /// <param name="except">Nid of a device that stays.</param>
    public Task LogOutAllAsync(long user, long? except) => database.WriteAsync(db => LogOutAll(db, user, except));

    /// <summary>As <see cref="LogOutAllAsync"/>, as part of a larger change.</summary>
    internal void LogOutAll(WriteTransaction db, long user, long? except)
    {
        db.AfterCommit(() => loginTokens.Revoke(user));
        foreach (var device in DeviceTable.OfUser(db, user).Where(device => device.Nid != except))
        {
            End(db, user, device);
        }
    }

    /// <summary>What was remembered of the user's tokens is not to be relied on after this write.</summary>
    internal void StandingChanged(WriteTransaction db, long user) => db.AfterCommit(() => accessTokens.Cache.RemoveOfUser(user));

    private void End(WriteTransaction db, long user, DeviceRow device)
    {
        DeviceTable.Delete(db, device.Nid);
        DeviceLists.Changed(db, notifier, user, device.DeviceId);
        db.AfterCommit(() => accessTokens.Cache.Remove(device.Nid));
    }

    /// <param name="replaces">Nid of the refresh token that is exchanged.</param>
    private IssuedTokens Issue(WriteTransaction db, long device, bool refreshable, long? replaces)
    {
        var access = "ema_" + random.Base62(TokenLength);
        if (!refreshable)
        {
            TokenTable.InsertAccess(db, TokenHash.Of(access).ToBytes(), device, null, null);
            return new IssuedTokens(access, null, null);
        }

        var refresh = "emr_" + random.Base62(TokenLength);
        var refreshNid = TokenTable.InsertRefresh(db, TokenHash.Of(refresh).ToBytes(), device);
        if (replaces is { } earlier)
        {
            TokenTable.SetNext(db, earlier, refreshNid);
        }

        var expires = time.GetUtcNow() + AccessTokenLifetime;
        TokenTable.InsertAccess(db, TokenHash.Of(access).ToBytes(), device, expires.ToUnixTimeMilliseconds(), refreshNid);
        return new IssuedTokens(access, refresh, (long)AccessTokenLifetime.TotalMilliseconds);
    }
}
