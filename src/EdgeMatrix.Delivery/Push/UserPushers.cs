using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Delivery.Push;

/// <summary>The pushers of users.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushers</remarks>
public sealed class UserPushers(Database database, PushDelivery delivery, TimeProvider time)
{
    /// <summary>The most that a user may have: each takes a request a message.</summary>
    public const int MaxOfUser = 50;

    /// <param name="user">Nid of the user.</param>
    public IReadOnlyList<PusherRow> List(long user)
    {
        using var snapshot = database.OpenSnapshot();
        return PusherTable.OfUser(snapshot, user);
    }

    /// <summary>Adds a pusher, or changes the one with its app id and pushkey. A new one begins with what comes after it.</summary>
    /// <param name="pusher">Its nid, time and position are of no account.</param>
    /// <param name="append">Whether others may have one with the same app id and pushkey: else theirs go.</param>
    /// <returns>False, and nothing is changed, if the user would have too many.</returns>
    public Task<bool> SetAsync(PusherRow pusher, bool append) => database.WriteAsync(db =>
    {
        var own = PusherTable.OfUser(db, pusher.User);
        if (own.Count >= MaxOfUser && !own.Exists(known => known.AppId == pusher.AppId && known.Pushkey == pusher.Pushkey))
        {
            return false;
        }

        // "Otherwise, the homeserver must remove any other pushers with the same App ID and pushkey for different users."
        if (!append)
        {
            PusherTable.DeleteOfOthers(db, pusher.AppId, pusher.Pushkey, pusher.User);
        }

        var nid = PusherTable.Set(db, pusher with { SetTs = time.GetUtcNow().ToUnixTimeMilliseconds(), Position = db.NextPosition() });
        db.AfterCommit(() => delivery.Add(nid, pusher.User));
        return true;
    });

    public Task DeleteAsync(long user, string appId, string pushkey) =>
        database.WriteAsync(db => PusherTable.Delete(db, appId, pushkey, user));
}
