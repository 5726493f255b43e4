using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Accounts.Encryption;

/// <summary>The keys of a user that sign other keys, as uploaded; those that are not given stay as they are.</summary>
public readonly record struct CrossSigningUpload(JsonElement? Master, JsonElement? SelfSigning, JsonElement? UserSigning);

/// <summary>Takes the cross-signing keys of users, and the signatures that they make with them.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#cross-signing</remarks>
public sealed class CrossSigning(Database database, LocalServer server, ChangeNotifier notifier)
{
    /// <summary>Whether the upload changes keys that are there, and so needs a proof of who asks.</summary>
    public bool NeedsProof(long user, string userId, CrossSigningUpload upload)
    {
        using var snapshot = database.OpenSnapshot();
        return Read(userId, upload).Keys is { } keys && NeedsProof(CrossSigningTable.OfUser(snapshot, user), keys);
    }

    /// <param name="proven">The user has proven who they are.</param>
    /// <returns>Why the keys are not taken; null if they are.</returns>
    public async Task<Refusal?> UploadAsync(long user, string userId, CrossSigningUpload upload, bool proven)
    {
        var (keys, refusal) = Read(userId, upload);
        return refusal ?? await database.WriteAsync(db => Store(db, user, keys!, proven));
    }

    /// <summary>Takes signatures, each for itself.</summary>
    /// <param name="objects">The signed objects, by the user whose they are and by the id of the device or the public key.</param>
    /// <returns>Why some were not taken.</returns>
    public Task<List<(string UserId, string KeyId, Refusal Refusal)>> SignAsync(
        DeviceOwner signer, IReadOnlyList<(string UserId, string KeyId, JsonElement Signed)> objects) => database.WriteAsync(db =>
    {
        var failures = new List<(string, string, Refusal)>();
        var signedOwn = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (userId, keyId, signed) in objects)
        {
            if (Sign(db, signer, userId, keyId, signed) is { } refusal)
            {
                failures.Add((userId, keyId, refusal));
            }
            else if (userId == signer.UserId)
            {
                signedOwn.Add(DeviceKeyTable.Find(db, signer.User, keyId) is null ? DeviceLists.CrossSigning : keyId);
            }
        }

        foreach (var deviceId in signedOwn)
        {
            DeviceLists.Changed(db, notifier, signer.User, deviceId);
        }

        return failures;
    });

    private static (List<(CrossSigningKey Key, UploadedKey Uploaded)>? Keys, Refusal? Refusal) Read(string userId, CrossSigningUpload upload)
    {
        var keys = new List<(CrossSigningKey, UploadedKey)>();
        foreach (var (given, usage) in new[]
        {
            (upload.Master, CrossSigningKey.Master),
            (upload.SelfSigning, CrossSigningKey.SelfSigning),
            (upload.UserSigning, CrossSigningKey.UserSigning),
        })
        {
            if (given is not { } json)
            {
                continue;
            }

            var (uploaded, refusal) = UploadedKey.Read($"{usage}_key", json);
            CrossSigningKey? key = null;
            refusal ??= UploadedKey.Refuse(CrossSigningKey.Read(uploaded.Json, userId, usage, out key));
            if (refusal is not null)
            {
                return (null, refusal);
            }

            keys.Add((key!, uploaded));
        }

        return (keys, null);
    }

    // "There is an existing master signing key and it exactly matches the master signing key provided in the request body. If there are
    // any additional keys provided in the request they MUST also match": then, and where there is no master key, nothing is to be proven.
    private static bool NeedsProof(List<CrossSigningRow> stored, List<(CrossSigningKey Key, UploadedKey)> keys) =>
        stored.Any(row => row.Usage == CrossSigningKey.Master)
        && !(keys.Any(given => given.Key.Usage == CrossSigningKey.Master) && keys.All(given => IsStored(stored, given.Key)));

    private static bool IsStored(List<CrossSigningRow> stored, CrossSigningKey key) =>
        stored.Any(row => row.Usage == key.Usage && row.PublicKey == key.PublicKey);

    private Refusal? Store(WriteTransaction db, long user, List<(CrossSigningKey Key, UploadedKey Uploaded)> keys, bool proven)
    {
        var stored = CrossSigningTable.OfUser(db, user);
        if (!proven && NeedsProof(stored, keys))
        {
            return Refusal.Forbidden("Other cross-signing keys were uploaded meanwhile");
        }

        var master = keys.Select(given => given.Key).FirstOrDefault(key => key.Usage == CrossSigningKey.Master)
            ?? stored.Where(row => row.Usage == CrossSigningKey.Master)
                .Select(row => new CrossSigningKey(keys.FirstOrDefault().Key?.UserId ?? "", row.Usage, row.PublicKey)).FirstOrDefault();
        if (master is null)
        {
            return new Refusal(RefusalKind.MissingParam, "There is no master key");
        }

        foreach (var (key, uploaded) in keys)
        {
            if (key.Usage != CrossSigningKey.Master && UploadedKey.Refuse(CrossSigningKey.CheckSignedByMaster(uploaded.Json, master)) is { } refused)
            {
                return refused;
            }

            if (DeviceTable.Find(db, user, key.PublicKey) is not null)
            {
                return Refusal.Forbidden("The key has the name of a device");
            }
        }

        // The same key may come with other signatures: those of a new master key.
        var news = keys.Where(given => !stored.Any(row =>
            row.Usage == given.Key.Usage && row.Key.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(given.Uploaded.Text)))).ToList();
        if (news.Count == 0)
        {
            return null;
        }

        foreach (var row in stored)
        {
            // What another master key signed says nothing any longer; nor do signatures on a key that is gone.
            var replaced = news.Any(given => given.Key.Usage == row.Usage && given.Key.PublicKey != row.PublicKey);
            if (replaced || (news.Any(given => given.Key.Usage == CrossSigningKey.Master && !IsStored(stored, given.Key)) && keys.All(given => given.Key.Usage != row.Usage)))
            {
                CrossSigningTable.Delete(db, user, row.Usage);
                KeySignatureTable.DeleteOf(db, user, row.PublicKey);
            }
        }

        news.ForEach(given => CrossSigningTable.Set(db, user, given.Key.Usage, given.Key.PublicKey, given.Uploaded.Text));
        if (news.TrueForAll(given => given.Key.Usage == CrossSigningKey.UserSigning))
        {
            DeviceLists.OwnChanged(db, notifier, user);
        }
        else
        {
            DeviceLists.Changed(db, notifier, user, DeviceLists.CrossSigning);
        }

        return null;
    }

    private Refusal? Sign(WriteTransaction db, DeviceOwner signer, string userId, string keyId, JsonElement signed)
    {
        var (uploaded, refusal) = UploadedKey.Read(keyId, signed);
        if (refusal is not null)
        {
            return refusal;
        }

        if (UserTable.Find(db, userId) is not { } target || Known(db, signer, userId, target, keyId) is not (var known, var signerKeys))
        {
            return Refusal.NotFound("There is no such key, or it is not one that you may sign");
        }

        var visible = KeySignatureTable.Visible(db, target, signer.User);
        var whole = JsonElement.Parse(KeySignatures.AddTo(known, keyId, visible));
        if (UploadedKey.Refuse(SignatureUpload.Check(uploaded.Json, whole, signer.UserId, signerKeys)) is { } wrong)
        {
            return wrong;
        }

        var signatures = uploaded.Json.GetProperty("signatures"u8).GetProperty(signer.UserId);
        var position = db.NextPosition();
        foreach (var signature in signatures.EnumerateObject().Where(signature => signerKeys.ContainsKey(signature.Name)))
        {
            KeySignatureTable.Set(db, target, keyId, signer.User, signature.Name, signature.Value.GetString()!, position);
        }

        db.AfterCommit(() => notifier.UserChanged(signer.User, position));
        return null;
    }

    /// <summary>The key as it was uploaded, and the public keys by which this user may sign it; null if there are none.</summary>
    private (byte[] Key, Dictionary<string, byte[]> SignerKeys)? Known(
        WriteTransaction db, DeviceOwner signer, string userId, long target, string keyId)
    {
        var own = CrossSigningTable.OfUser(db, signer.User);
        if (target != signer.User)
        {
            // A user-signing key signs the master keys of others.
            return MasterKey(db, userId, target, keyId) is { } master ? (master, PublicKeys(own, CrossSigningKey.UserSigning)) : null;
        }

        if (DeviceKeyTable.Find(db, target, keyId) is { } device)
        {
            // A self-signing key signs the user's own devices.
            return (device.Keys, PublicKeys(own, CrossSigningKey.SelfSigning));
        }

        if (own.Find(row => row.Usage == CrossSigningKey.Master && row.PublicKey == keyId) is not { } ownMaster)
        {
            return null;
        }

        // Each of the user's own devices may sign the user's master key.
        var devices = new Dictionary<string, byte[]>();
        foreach (var row in DeviceKeyTable.OfUser(db, target))
        {
            if (DeviceKeys.Ed25519KeyOf(JsonElement.Parse(row.Keys), row.DeviceId) is { } key)
            {
                devices[KeyIds.Ed25519Prefix + row.DeviceId] = key;
            }
        }

        return (ownMaster.Key, devices);
    }

    private byte[]? MasterKey(WriteTransaction db, string userId, long user, string publicKey)
    {
        if (server.Owns(userId))
        {
            return CrossSigningTable.OfUser(db, user).Find(row => row.Usage == CrossSigningKey.Master && row.PublicKey == publicKey)?.Key;
        }

        return RemoteDeviceListTable.Find(db, user)?.MasterKey is { } key
            && CrossSigningKey.Read(JsonElement.Parse(key), userId, CrossSigningKey.Master, out var read).IsValid
            && read!.PublicKey == publicKey
                ? key
                : null;
    }

    private static Dictionary<string, byte[]> PublicKeys(List<CrossSigningRow> own, string usage) =>
        own.Where(row => row.Usage == usage && UnpaddedBase64.TryDecode(row.PublicKey, out _)).ToDictionary(
            row => KeyIds.Ed25519Prefix + row.PublicKey,
            row => UnpaddedBase64.TryDecode(row.PublicKey, out var bytes) ? bytes : []);
}
