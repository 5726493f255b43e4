using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Accounts.Encryption;

/// <summary>The public keys of a user of this server, as somebody may see them.</summary>
public sealed record UserKeys(string UserId, IReadOnlyList<DeviceKeyRow> Devices);

/// <summary>Answers who has which keys.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery</remarks>
public sealed class KeyQueries(Database database, LocalServer server)
{
    /// <summary>The keys of those who have an account here; others are left out.</summary>
    /// <param name="wanted">The ids of the wanted devices by user; none stands for all.</param>
    public List<UserKeys> Find(IEnumerable<(string UserId, IReadOnlyList<string> DeviceIds)> wanted)
    {
        using var snapshot = database.OpenSnapshot();
        var found = new List<UserKeys>();
        foreach (var (userId, deviceIds) in wanted)
        {
            if (server.Owns(userId) && AccountTable.Find(snapshot, userId) is { } account)
            {
                found.Add(new UserKeys(userId, Devices(snapshot, account.User, deviceIds)));
            }
        }

        return found;
    }

    private static List<DeviceKeyRow> Devices(Session db, long user, IReadOnlyList<string> deviceIds) => deviceIds.Count == 0
        ? DeviceKeyTable.OfUser(db, user)
        : [.. deviceIds.Distinct().Select(id => DeviceKeyTable.Find(db, user, id)).OfType<DeviceKeyRow>()];
}
