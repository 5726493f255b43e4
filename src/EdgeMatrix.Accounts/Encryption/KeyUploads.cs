using System.Text.Json;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Accounts.Encryption;

/// <summary>A device and its owner.</summary>
/// <param name="User">Nid of the user.</param>
/// <param name="Device">Nid of the device.</param>
public readonly record struct DeviceOwner(long User, string UserId, long Device, string DeviceId);

/// <summary>What a device publishes; each part may be missing.</summary>
/// <param name="OneTimeKeys">An object of keys by <c>algorithm:key_id</c>.</param>
/// <param name="FallbackKeys">The same, with one key an algorithm.</param>
public readonly record struct KeyUpload(JsonElement? DeviceKeys, JsonElement? OneTimeKeys, JsonElement? FallbackKeys);

/// <summary>Takes the keys that devices publish: identity keys, one-time keys, fallback keys.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysupload</remarks>
public sealed class KeyUploads(Database database, KnownKeyCounts counts, ChangeNotifier notifier)
{
    /// <summary>More than any client keeps; the specification sets no bound.</summary>
    public const int MaxOneTimeKeys = 1_000;

    private const int MaxNameLength = 255;

    /// <summary>Stores all of it or nothing.</summary>
    public async Task<Outcome<KeyCounts>> UploadAsync(DeviceOwner owner, KeyUpload upload)
    {
        var (checkedKeys, refusal) = Check(owner, upload);
        return refusal is not null
            ? refusal
            : await database.WriteAsync(db => Store(db, owner, checkedKeys!));
    }

    /// <summary>Checks what can be checked without the database.</summary>
    internal static (CheckedUpload? Upload, Refusal? Refusal) Check(DeviceOwner owner, KeyUpload upload)
    {
        UploadedKey? identity = null;
        if (upload.DeviceKeys is { } given)
        {
            var (key, refusal) = UploadedKey.Read("device_keys", WithoutUnsigned(given));
            refusal ??= UploadedKey.Refuse(DeviceKeys.Check(key.Json, owner.UserId, owner.DeviceId));
            if (refusal is not null)
            {
                return (null, refusal);
            }

            identity = key;
        }

        var (oneTime, oneTimeRefusal) = ReadNamed(upload.OneTimeKeys);
        var (fallback, fallbackRefusal) = ReadNamed(upload.FallbackKeys);
        return (oneTimeRefusal ?? fallbackRefusal ?? RefuseTwice(fallback)) is { } wrong
            ? (null, wrong)
            : (new CheckedUpload(identity, oneTime, fallback), null);
    }

    internal Outcome<KeyCounts> Store(WriteTransaction db, DeviceOwner owner, CheckedUpload upload)
    {
        var stored = DeviceKeyTable.Find(db, owner.Device);
        var known = stored is null ? default(JsonElement?) : JsonElement.Parse(stored);
        var signingKey = (upload.DeviceKeys?.Json ?? known) is { } identity ? DeviceKeys.Ed25519KeyOf(identity, owner.DeviceId) : null;
        var isOther = upload.DeviceKeys is { } given
            && known is { } before
            && !DeviceKeys.AreOfOne(before, given.Json, owner.DeviceId);

        // Everything is judged before anything is written.
        var news = new List<NamedKey>();
        foreach (var key in upload.OneTimeKeys)
        {
            if (UploadedKey.Refuse(OneTimeKeys.Check(key.Name, key.Key.Json, owner.UserId, owner.DeviceId, signingKey)) is { } refused)
            {
                return refused;
            }

            var there = isOther ? null : OneTimeKeyTable.Find(db, owner.Device, key.Algorithm, key.KeyId);
            if (there is not null && !there.AsSpan().SequenceEqual(key.Bytes))
            {
                return Refusal.InvalidParam($"There is another one-time key {key.Name}");
            }

            if (there is null && (isOther || !OneTimeKeyTable.WasClaimed(db, owner.Device, key.Algorithm, key.KeyId, key.Bytes)))
            {
                news.Add(key);
            }
        }

        foreach (var key in upload.FallbackKeys)
        {
            if (UploadedKey.Refuse(OneTimeKeys.Check(key.Name, key.Key.Json, owner.UserId, owner.DeviceId, signingKey)) is { } refused)
            {
                return refused;
            }
        }

        var held = isOther ? 0 : OneTimeKeyTable.Count(db, owner.Device).Sum(count => count.Count);
        if (held + news.Count > MaxOneTimeKeys)
        {
            return new Refusal(RefusalKind.TooLarge, $"A device may have at most {MaxOneTimeKeys} one-time keys");
        }

        if (isOther)
        {
            // Keys that the device signed with another identity are good for nothing.
            OneTimeKeyTable.DeleteOfDevice(db, owner.Device);
            FallbackKeyTable.DeleteOfDevice(db, owner.Device);
            KeySignatureTable.DeleteOf(db, owner.User, owner.DeviceId);
        }

        if (upload.DeviceKeys is { } keys && (stored is null || !stored.AsSpan().SequenceEqual(System.Text.Encoding.UTF8.GetBytes(keys.Text))))
        {
            if (known is { } signed && !isOther && !SaysTheSame(signed, keys.Json))
            {
                // What others signed was the old text.
                KeySignatureTable.DeleteOf(db, owner.User, owner.DeviceId);
            }

            DeviceKeyTable.Set(db, owner.Device, keys.Text);
            DeviceLists.Changed(db, notifier, owner.User, owner.DeviceId);
        }

        news.ForEach(key => OneTimeKeyTable.Insert(db, owner.Device, key.Algorithm, key.KeyId, key.Key.Text));
        upload.FallbackKeys.ForEach(key => FallbackKeyTable.Set(db, owner.Device, key.Algorithm, key.KeyId, key.Key.Text));
        counts.Changed(db, owner.Device);
        return KeyCounts.Read(db, owner.Device);
    }

    // Signatures are made over what is beside them.
    private static bool SaysTheSame(JsonElement before, JsonElement after)
    {
        return Signed(before).SequenceEqual(Signed(after));

        static List<(string, string)> Signed(JsonElement keys) => [.. keys.EnumerateObject()
            .Where(property => property.Name is not ("signatures" or "unsigned"))
            .Select(property => (property.Name, property.Value.GetRawText()))
            .OrderBy(property => property.Name, StringComparer.Ordinal)];
    }

    private static (List<NamedKey> Keys, Refusal? Refusal) ReadNamed(JsonElement? named)
    {
        var keys = new List<NamedKey>();
        if (named is not { } given)
        {
            return (keys, null);
        }

        foreach (var property in given.EnumerateObject())
        {
            var colon = property.Name.IndexOf(':');
            if (colon <= 0 || property.Name.Length > MaxNameLength)
            {
                return (keys, Refusal.InvalidParam("A key is not named by its algorithm and id, or has too long a name"));
            }

            var (key, refusal) = UploadedKey.Read(property.Name, property.Value);
            if (refusal is not null)
            {
                return (keys, refusal);
            }

            keys.Add(new NamedKey(property.Name, property.Name[..colon], property.Name[(colon + 1)..], key));
        }

        return keys.Count > MaxOneTimeKeys || keys.DistinctBy(key => key.Name).Count() < keys.Count
            ? (keys, Refusal.InvalidParam("Too many keys, or two of one name"))
            : (keys, null);
    }

    // "There can only be at most one key per algorithm uploaded, and the server will only persist one key per algorithm."
    private static Refusal? RefuseTwice(List<NamedKey> fallback) =>
        fallback.DistinctBy(key => key.Algorithm).Count() < fallback.Count
            ? Refusal.InvalidParam("fallback_keys has two keys of one algorithm")
            : null;

    // What others are shown there is ours to say.
    private static JsonElement WithoutUnsigned(JsonElement deviceKeys) =>
        deviceKeys.ValueKind != JsonValueKind.Object || !deviceKeys.TryGetProperty("unsigned"u8, out _)
            ? deviceKeys
            : JsonContent.Object(json =>
            {
                foreach (var property in deviceKeys.EnumerateObject().Where(property => !property.NameEquals("unsigned"u8)))
                {
                    property.WriteTo(json);
                }
            });
}

/// <param name="Name"><c>algorithm:key_id</c></param>
internal sealed record NamedKey(string Name, string Algorithm, string KeyId, UploadedKey Key)
{
    public byte[] Bytes => System.Text.Encoding.UTF8.GetBytes(Key.Text);
}

/// <summary>A <see cref="KeyUpload"/> that is well formed.</summary>
internal sealed record CheckedUpload(UploadedKey? DeviceKeys, List<NamedKey> OneTimeKeys, List<NamedKey> FallbackKeys);
