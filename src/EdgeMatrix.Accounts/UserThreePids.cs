using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Accounts;

/// <summary>E-mail addresses and phone numbers of the users of this server, in their canonical form.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information</remarks>
public sealed class UserThreePids(Database database, TimeProvider time)
{
    /// <summary>In the order in which they were added.</summary>
    /// <param name="user">Nid of the user.</param>
    public IReadOnlyList<ThreePidRow> List(long user)
    {
        using var db = database.OpenSnapshot();
        return ThreePidTable.OfUser(db, user);
    }

    /// <summary>Whether one of these is of an account, but for that of a user.</summary>
    public bool AnyOfAnother(IReadOnlyList<(string Medium, string Address)> threepids, long? user)
    {
        using var db = database.OpenSnapshot();
        return threepids.Any(one => ThreePidTable.Find(db, one.Medium, one.Address) is { } owner && owner.User != user);
    }

    /// <summary>Gives a user these, and no others; one that is of another account stays there. Who is gone gets none.</summary>
    public Task SetAsync(long user, IReadOnlyList<(string Medium, string Address)> threepids) => database.WriteAsync(db =>
    {
        if (AccountTable.Find(db, user) is not { IsDeactivated: false })
        {
            return;
        }

        foreach (var known in ThreePidTable.OfUser(db, user).Where(known => !threepids.Contains((known.Medium, known.Address))))
        {
            Delete(db, user, known.Medium, known.Address);
        }

        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var (medium, address) in threepids)
        {
            ThreePidTable.TryAdd(db, new ThreePidRow(medium, address, user, now, now));
        }
    });

    /// <summary>Takes one from a user, and with an e-mail address what is sent to it; nothing happens if it is not theirs.</summary>
    public Task DeleteAsync(long user, string medium, string address) => database.WriteAsync(db => Delete(db, user, medium, address));

    private static void Delete(WriteTransaction db, long user, string medium, string address)
    {
        if (ThreePidTable.Delete(db, medium, address, user) && medium == ThreePidTable.Email)
        {
            PusherTable.Delete(db, PusherTable.EmailAppId, address, user);
        }
    }
}
