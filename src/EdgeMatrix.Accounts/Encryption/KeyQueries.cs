using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Accounts.Encryption;

/// <summary>The public keys of a user, as somebody may see them: with the signatures of the user and of whoever asks.</summary>
/// <param name="CrossSigning">Three at most; the user-signing key is shown to its user only.</param>
public sealed record UserKeys(string UserId, IReadOnlyList<DeviceKeyRow> Devices, IReadOnlyList<CrossSigningRow> CrossSigning);

/// <summary>Answers who has which keys.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery</remarks>
public sealed class KeyQueries(Database database, LocalServer server)
{
    /// <summary>Stands in the place of a viewer's nid: somebody of another server, who sees the signatures of the keys' owner only.</summary>
    public const long AnotherServer = 0;

    /// <summary>All devices of a user with their keys, and when they last changed, as a stream position.</summary>
    /// <returns>Null if there is no such account here.</returns>
    public (UserKeys Keys, long StreamId)? DevicesOf(string userId)
    {
        using var snapshot = database.OpenSnapshot();
        return Find(snapshot, AnotherServer, userId, []) is { } keys
            ? (keys, DeviceLists.StreamId(snapshot, UserTable.Find(snapshot, userId)!.Value))
            : null;
    }

    /// <summary>The keys of those who have an account here; others are left out.</summary>
    /// <param name="viewer">Nid of the user who asks.</param>
    /// <param name="wanted">The ids of the wanted devices by user; none stands for all.</param>
    public List<UserKeys> Find(long viewer, IEnumerable<(string UserId, IReadOnlyList<string> DeviceIds)> wanted)
    {
        using var snapshot = database.OpenSnapshot();
        var found = new List<UserKeys>();
        foreach (var (userId, deviceIds) in wanted)
        {
            if (Find(snapshot, viewer, userId, deviceIds) is { } keys)
            {
                found.Add(keys);
            }
        }

        return found;
    }

    /// <param name="deviceIds">None stands for all.</param>
    /// <returns>Null if there is no such account here.</returns>
    public UserKeys? Find(Session snapshot, long viewer, string userId, IReadOnlyList<string> deviceIds)
    {
        if (!server.Owns(userId) || AccountTable.Find(snapshot, userId) is not { } account)
        {
            return null;
        }

        return WithSignatures(snapshot, account.User, viewer, new UserKeys(
            userId,
            Devices(snapshot, account.User, deviceIds),
            [.. CrossSigningTable.OfUser(snapshot, account.User)
                .Where(key => account.User == viewer || key.Usage != CrossSigningKey.UserSigning)]));
    }

    /// <summary>The keys with the signatures on them that came later, as far as somebody may see them.</summary>
    /// <param name="user">Nid of the user whose keys they are.</param>
    /// <param name="viewer">Nid.</param>
    public static UserKeys WithSignatures(Session snapshot, long user, long viewer, UserKeys keys)
    {
        var signatures = KeySignatureTable.Visible(snapshot, user, viewer);
        return new UserKeys(
            keys.UserId,
            [.. keys.Devices.Select(device => device with { Keys = KeySignatures.AddTo(device.Keys, device.DeviceId, signatures) })],
            [.. keys.CrossSigning.Select(key => key with { Key = KeySignatures.AddTo(key.Key, key.PublicKey, signatures) })]);
    }

    private static List<DeviceKeyRow> Devices(Session db, long user, IReadOnlyList<string> deviceIds) => deviceIds.Count == 0
        ? DeviceKeyTable.OfUser(db, user)
        : [.. deviceIds.Distinct().Select(id => DeviceKeyTable.Find(db, user, id)).OfType<DeviceKeyRow>()];
}
