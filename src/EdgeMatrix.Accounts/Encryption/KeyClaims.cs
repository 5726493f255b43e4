using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Accounts.Encryption;

public readonly record struct WantedKey(string UserId, string DeviceId, string Algorithm);

public readonly record struct ClaimedKey(string UserId, string DeviceId, OneTimeKeyRow Key);

/// <summary>Hands out one-time keys, each to one who asks, and fallback keys where they are gone.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysclaim</remarks>
public sealed class KeyClaims(Database database, LocalServer server, KnownKeyCounts counts)
{
    /// <summary>The keys, of those devices of this server that have one; they are on the disk as handed out when the task ends.</summary>
    public Task<List<ClaimedKey>> ClaimAsync(IEnumerable<WantedKey> wanted) => database.WriteAsync(db =>
    {
        var claimed = new List<ClaimedKey>();
        foreach (var want in wanted.Where(want => server.Owns(want.UserId)))
        {
            // "The returned key is a one-time key if one is available, and otherwise a fallback key."
            if (UserTable.Find(db, want.UserId) is { } user
                && DeviceTable.Find(db, user, want.DeviceId) is { } device
                && (OneTimeKeyTable.Claim(db, device.Nid, want.Algorithm) ?? FallbackKeyTable.Use(db, device.Nid, want.Algorithm)) is { } key)
            {
                counts.Changed(db, device.Nid);
                claimed.Add(new ClaimedKey(want.UserId, want.DeviceId, key));
            }
        }

        return claimed;
    });
}
