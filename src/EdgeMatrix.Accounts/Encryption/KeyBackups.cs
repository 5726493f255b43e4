using System.Globalization;
using System.Text.Json;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Accounts.Encryption;

/// <summary>A room key to be kept. What it holds is the client's secret.</summary>
public sealed record RoomKey(
    string RoomId, string SessionId, long FirstMessageIndex, long ForwardedCount, bool IsVerified, JsonElement SessionData);

/// <summary>What a change of the keys led to.</summary>
/// <param name="Backup">As it is now; null if nothing was changed.</param>
/// <param name="Current">If nothing was changed: the version that may be written, null where there is no such backup at all.</param>
public readonly record struct BackupChange(KeyBackupRow? Backup, string? Current);

/// <summary>Keeps the room keys of users for their later devices.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups</remarks>
public sealed class KeyBackups(Database database)
{
    /// <summary>Begins a new backup, which is the current one from now on; returns its version.</summary>
    public async Task<string> CreateAsync(long user, string algorithm, JsonElement authData)
    {
        var text = Json.Compact(authData);
        return Text(await database.WriteAsync(db => KeyBackupTable.Insert(db, user, algorithm, text)));
    }

    /// <param name="version">Null for the current one.</param>
    public KeyBackupRow? Find(long user, string? version)
    {
        using var snapshot = database.OpenSnapshot();
        return Find(snapshot, user, version);
    }

    /// <summary>Sets the <c>auth_data</c> of a backup, whose algorithm stays.</summary>
    public Task<Refusal?> UpdateAsync(long user, string version, string algorithm, JsonElement authData)
    {
        var text = Json.Compact(authData);
        return database.WriteAsync(db =>
        {
            if (Find(db, user, version) is not { } backup)
            {
                return Refusal.NotFound("Unknown backup version");
            }

            if (backup.Algorithm != algorithm)
            {
                return Refusal.InvalidParam("Algorithm does not match");
            }

            KeyBackupTable.SetAuthData(db, user, backup.Version, text);
            return null;
        });
    }

    /// <returns>Whether there is such a backup, or was: "If the backup was previously deleted, the call should succeed".</returns>
    public Task<bool> DeleteAsync(long user, string version) => database.WriteAsync(db =>
    {
        if (Parse(version) is not { } number || !KeyBackupTable.Existed(db, user, number))
        {
            return false;
        }

        if (KeyBackupTable.Find(db, user, number) is not null)
        {
            KeyBackupTable.Delete(db, user, number);
        }

        return true;
    });

    /// <summary>Keeps keys, where they are better than what is kept of the same sessions. Only the current backup may be written.</summary>
    public Task<BackupChange> PutAsync(long user, string version, IReadOnlyList<RoomKey> keys) => database.WriteAsync(db =>
    {
        var current = KeyBackupTable.Latest(db, user);
        if (current is null || Text(current.Version) != version)
        {
            return new BackupChange(null, current is null ? null : Text(current.Version));
        }

        var (added, replaced) = (0L, 0L);
        foreach (var key in keys)
        {
            var kept = KeyBackupTable.Keys(db, user, current.Version, key.RoomId, key.SessionId).SingleOrDefault();
            if (kept is null || IsBetter(key, kept))
            {
                var row = new BackedUpKeyRow(key.RoomId, key.SessionId, key.FirstMessageIndex, key.ForwardedCount, key.IsVerified, []);
                KeyBackupTable.SetKey(db, user, current.Version, row, Json.Compact(key.SessionData));
                (added, replaced) = kept is null ? (added + 1, replaced) : (added, replaced + 1);
            }
        }

        if (added + replaced > 0)
        {
            KeyBackupTable.Changed(db, user, current.Version, added);
        }

        return new BackupChange(KeyBackupTable.Find(db, user, current.Version), null);
    });

    /// <summary>Reads the keys, which may be very many; default if there is no such backup.</summary>
    /// <param name="roomId">Null for all rooms.</param>
    /// <param name="sessionId">Null for all sessions of the room.</param>
    /// <param name="read">Takes them one by one, and returns what came of them.</param>
    public T? ReadKeys<T>(long user, string version, string? roomId, string? sessionId, Func<IEnumerable<BackedUpKeyRow>, T> read)
    {
        using var snapshot = database.OpenSnapshot();
        return Find(snapshot, user, version) is { } backup ? read(KeyBackupTable.Keys(snapshot, user, backup.Version, roomId, sessionId)) : default;
    }

    /// <summary>As <see cref="ReadKeys"/>: the backup as it is after the deletion; null if there is none.</summary>
    public Task<KeyBackupRow?> DeleteKeysAsync(long user, string version, string? roomId, string? sessionId) => database.WriteAsync(db =>
    {
        if (Find(db, user, version) is not { } backup)
        {
            return null;
        }

        if (KeyBackupTable.DeleteKeys(db, user, backup.Version, roomId, sessionId) is var deleted and > 0)
        {
            KeyBackupTable.Changed(db, user, backup.Version, -deleted);
        }

        return KeyBackupTable.Find(db, user, backup.Version);
    });

    public static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    // "If the keys have different values for is_verified, then it will keep the key that has is_verified set to true; if they have the same
    // values for is_verified, then it will keep the key with a lower first_message_index; and finally, if is_verified and
    // first_message_index are equal, then it will keep the key with a lower forwarded_count."
    private static bool IsBetter(RoomKey key, BackedUpKeyRow kept) =>
        (!key.IsVerified, key.FirstMessageIndex, key.ForwardedCount).CompareTo((!kept.IsVerified, kept.FirstMessageIndex, kept.ForwardedCount)) < 0;

    private static KeyBackupRow? Find(Session db, long user, string? version) => version is null
        ? KeyBackupTable.Latest(db, user)
        : Parse(version) is { } number ? KeyBackupTable.Find(db, user, number) : null;

    private static long? Parse(string version) =>
        long.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && Text(number) == version ? number : null;
}
