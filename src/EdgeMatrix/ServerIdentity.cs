using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;

namespace EdgeMatrix;

/// <summary>The name and the key of the server that a database belongs to: chosen at its first start, and its own for ever.</summary>
internal static class ServerIdentity
{
    private const string KeyPrefix = "ed25519:";
    private const int KeyVersionLength = 6;

    /// <param name="configuredName">Null: the stored name, or at the first start one derived from the new key.</param>
    /// <exception cref="DatabaseException">The database belongs to a server of another name.</exception>
    public static async Task<LocalServer> OpenAsync(Database database, string? configuredName, RandomSource random)
    {
        var (name, keyId, seed) = await database.WriteAsync(db =>
        {
            var key = SigningKeyTable.All(db).FirstOrDefault(k => k.ExpiredTs is null) ?? NewKey(db, random);
            return (SettingsTable.Get(db, SettingsTable.ServerName) ?? NewName(db, configuredName, key.KeyId, key.Seed), key.KeyId, key.Seed);
        });

        if (configuredName is not null && configuredName != name)
        {
            throw new DatabaseException(
                $"the data folder belongs to the server {name}, not to {configuredName}: a server cannot be renamed; give another --data, or --server-name {name}");
        }

        return new LocalServer(name, SigningKey.FromSeed(keyId[KeyPrefix.Length..], seed));
    }

    /// <summary>The key with which the server recommends events for rooms: made when it is first asked for, and then the same.</summary>
    public static async Task<SigningKey> PolicyKeyAsync(Database database, RandomSource random)
    {
        var seed = await database.WriteAsync(db =>
        {
            if (SettingsTable.Get(db, SettingsTable.PolicyKey) is { } stored)
            {
                return Convert.FromHexString(stored);
            }

            var fresh = new byte[SigningKey.SeedBytes];
            random.Fill(fresh);
            SettingsTable.Set(db, SettingsTable.PolicyKey, Convert.ToHexString(fresh));
            return fresh;
        });
        return SigningKey.FromSeed(PolicyServer.KeyId[KeyPrefix.Length..], seed);
    }

    /// <summary>Has the server sign with a new key; the old one is published as such, so that what it signed stays good.</summary>
    /// <returns>The ids of both.</returns>
    /// <exception cref="DatabaseException">There is no key yet, or the server is named by its key.</exception>
    public static Task<(string Old, string New)> RotateAsync(Database database, RandomSource random, TimeProvider time) => database.WriteAsync(db =>
    {
        var old = SigningKeyTable.All(db).FirstOrDefault(key => key.ExpiredTs is null)
            ?? throw new DatabaseException("the server has no key yet: it makes one at its first start");
        using var key = SigningKey.FromSeed(old.KeyId[KeyPrefix.Length..], old.Seed);
        if (SettingsTable.Get(db, SettingsTable.ServerName) == KeyDerivedName.Of(key.PublicKey))
        {
            throw new DatabaseException("the server is named by its key, which so can be no other");
        }

        SigningKeyTable.Expire(db, old.KeyId, time.GetUtcNow().ToUnixTimeMilliseconds());
        return (old.KeyId, NewKey(db, random).KeyId);
    });

    private static SigningKeyRow NewKey(WriteTransaction db, RandomSource random)
    {
        var seed = new byte[SigningKey.SeedBytes];
        random.Fill(seed);
        var keyId = KeyPrefix + random.Base62(KeyVersionLength);
        SigningKeyTable.Insert(db, keyId, seed);
        return new SigningKeyRow(keyId, seed, null);
    }

    private static string NewName(WriteTransaction db, string? configuredName, string keyId, byte[] seed)
    {
        using var key = SigningKey.FromSeed(keyId[KeyPrefix.Length..], seed);
        var name = configuredName ?? KeyDerivedName.Of(key.PublicKey);
        if (!ServerName.IsValid(name))
        {
            throw new DatabaseException($"{name} is no server name: a host name or address, and a port if need be, such as example.org");
        }

        SettingsTable.Set(db, SettingsTable.ServerName, name);
        return name;
    }
}
