using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Testing;

namespace EdgeMatrix.Server.Tests.Encryption;

/// <summary>Keys as a client makes them, signed rightly, the same for the same names.</summary>
internal static class KeyMaker
{
    /// <summary>The <c>device_keys</c> of a session.</summary>
    /// <param name="identity">Another one gives the device another identity.</param>
    public static string DeviceKeys(this TestSession session, string identity = "", string more = "") => Sign(
        $$"""
        {
            "user_id": "{{session.UserId}}",
            "device_id": "{{session.DeviceId}}",
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            {{more}}
            "keys": {
                "curve25519:{{session.DeviceId}}": "{{Random32("curve" + session.DeviceId + identity)}}",
                "ed25519:{{session.DeviceId}}": "{{PublicKey(session.IdentityKey(identity))}}"
            }
        }
        """,
        session.UserId,
        session.IdentityKey(identity));

    /// <summary>A signed one-time key; the name decides the key.</summary>
    public static string OneTimeKey(this TestSession session, string name, bool fallback = false) => Sign(
        $$"""{"key":"{{Random32(name)}}"{{(fallback ? ",\"fallback\":true" : "")}}}""", session.UserId, session.IdentityKey(""));

    public static Task<TestAnswer> UploadAsync(this TestSession session, string body) => session.PostAsync("/_matrix/client/v3/keys/upload", body);

    /// <summary>Uploads identity keys, and one-time keys of the given ids.</summary>
    public static Task<TestAnswer> UploadKeysAsync(this TestSession session, params string[] keyIds) => session.UploadAsync(
        $$"""{"device_keys":{{session.DeviceKeys()}},"one_time_keys":{{session.OneTimeKeys(keyIds)}}}""");

    public static string OneTimeKeys(this TestSession session, params string[] keyIds) =>
        "{" + string.Join(",", keyIds.Select(id => $"\"signed_curve25519:{id}\":{session.OneTimeKey(id)}")) + "}";

    public static SigningKey IdentityKey(this TestSession session, string identity) =>
        SigningKey.FromSeed(session.DeviceId, Bytes32("ed" + session.UserId + session.DeviceId + identity));

    /// <summary>A key that signs under its own public key, as those of cross-signing do.</summary>
    public static SigningKey CrossSigningKey(string name)
    {
        var seed = Bytes32(name);
        return SigningKey.FromSeed(PublicKey(SigningKey.FromSeed("any", seed)), seed);
    }

    public static string PublicKey(SigningKey key) => UnpaddedBase64.Encode(key.PublicKey);

    public static string Sign(string json, string signer, SigningKey key) =>
        Encoding.UTF8.GetString(SignedJson.Sign(JsonElement.Parse(json), signer, key));

    public static string Random32(string name) => UnpaddedBase64.Encode(Bytes32(name));

    private static byte[] Bytes32(string name) => SHA256.HashData(Encoding.UTF8.GetBytes(name));
}
