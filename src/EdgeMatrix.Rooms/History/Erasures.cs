using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Rooms.History;

/// <summary>Users who were erased: "any users (or servers) which join the room after the erasure request are served redacted copies".</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate</remarks>
public sealed class Erasures
{
    // Almost no server has any: then nothing is looked up.
    private volatile bool _any;

    public Erasures(Database database)
    {
        using var snapshot = database.OpenSnapshot();
        _any = ErasedUserTable.Any(snapshot);
    }

    /// <summary>Erases a user from the next stream position on.</summary>
    public void Add(WriteTransaction db, long user)
    {
        ErasedUserTable.Add(db, user, db.NextPosition());
        db.AfterCommit(() => _any = true);
    }

    /// <summary>The stream position at which the user was erased; null if they were not.</summary>
    public long? Find(Session db, string userId) => _any ? ErasedUserTable.Find(db, userId) : null;

    public bool IsNone => !_any;
}
