using System.Buffers;
using System.Text.Json;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>The keys that a server publishes at <c>/_matrix/key/v2/server</c>, checked.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#publishing-keys</remarks>
public sealed class ServerKeys
{
    private ServerKeys(string serverName, long validUntilTs, Dictionary<string, VerifyKey> keys, ReadOnlyMemory<byte> json)
    {
        ServerName = serverName;
        ValidUntilTs = validUntilTs;
        Keys = keys;
        Json = json;
    }

    public string ServerName { get; }

    /// <summary>When to ask again, as the server would have it: milliseconds since the Unix epoch, however far ahead.</summary>
    public long ValidUntilTs { get; }

    /// <summary>Keys in use and old ones by key id. A key that stands in both lists is old.</summary>
    public IReadOnlyDictionary<string, VerifyKey> Keys { get; }

    /// <summary>The answer in canonical JSON, for those who ask us as a notary.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>Reads what a server answered, or an entry of <c>server_keys</c> in what a notary did.</summary>
    /// <param name="serverName">The server whose keys were asked for.</param>
    /// <param name="fetchedTs">When the answer came, in milliseconds since the Unix epoch.</param>
    /// <returns>A refusal unless the answer is of that server and signed by a key that it lists as in use.</returns>
    public static ServerKeysParse Parse(ReadOnlyMemory<byte> untrustedJson, string serverName, long fetchedTs)
    {
        if (!CanonicalJson.TryParse(untrustedJson, out var answer, out var problem))
        {
            return ServerKeysParse.Refuse(problem!);
        }

        if (answer.StringOrNull("server_name"u8) != serverName)
        {
            return ServerKeysParse.Refuse($"server_name is not {serverName}");
        }

        if (answer.IntegerOrNull("valid_until_ts"u8) is not { } validUntilTs)
        {
            return ServerKeysParse.Refuse("valid_until_ts is not an integer");
        }

        var trustedUntilTs = VerifyKey.TrustedUntil(validUntilTs, fetchedTs);
        var keys = new Dictionary<string, VerifyKey>();
        var json = new ArrayBufferWriter<byte>(untrustedJson.Length);
        if (!CanonicalJson.TryWrite(answer, json, out var notCanonical))
        {
            return ServerKeysParse.Refuse(notCanonical!);
        }

        return ReadKeys(answer, trustedUntilTs, keys)
            ?? CheckSelfSigned(answer, serverName, keys)
            ?? ReadOldKeys(answer, keys)
            ?? ServerKeysParse.Accept(new ServerKeys(serverName, validUntilTs, keys, json.WrittenMemory));
    }

    private static ServerKeysParse? ReadKeys(JsonElement answer, long trustedUntilTs, Dictionary<string, VerifyKey> keys)
    {
        if (answer.ObjectOrNull("verify_keys"u8) is not { } entries)
        {
            return ServerKeysParse.Refuse("verify_keys is not an object");
        }

        foreach (var entry in entries.EnumerateObject())
        {
            if (!KeyIds.IsEd25519(entry.Name))
            {
                continue;
            }

            if (!UnpaddedBase64.TryDecode(entry.Value.StringOrNull("key"u8), out var bytes)
                || !VerifyKey.TryCreate(entry.Name, bytes, trustedUntilTs, out var key))
            {
                return ServerKeysParse.Refuse($"verify_keys holds no key under {entry.Name}");
            }

            keys[entry.Name] = key;
        }

        return null;
    }

    // "Digital signatures for this object signed using the verify_keys." A notary signs too, with keys that are not listed.
    private static ServerKeysParse? CheckSelfSigned(JsonElement answer, string serverName, Dictionary<string, VerifyKey> keys)
    {
        SignedJson.TrySignedBytes(answer, CanonicalForm.Strict, out var signed);
        var isSigned = false;
        foreach (var keyId in SignedJson.KeyIdsOf(answer, serverName))
        {
            if (!keys.TryGetValue(keyId, out var key))
            {
                continue;
            }

            if (!SignedJson.TryReadSignature(answer, serverName, keyId, out var signature) || !key.Verify(signed, signature))
            {
                return ServerKeysParse.Refuse($"the signature of {keyId} is wrong");
            }

            isSigned = true;
        }

        return isSigned ? null : ServerKeysParse.Refuse("none of verify_keys signed the answer");
    }

    private static ServerKeysParse? ReadOldKeys(JsonElement answer, Dictionary<string, VerifyKey> keys)
    {
        if (answer.Find("old_verify_keys"u8) is not { } entries)
        {
            return null;
        }

        if (entries.ValueKind != JsonValueKind.Object)
        {
            return ServerKeysParse.Refuse("old_verify_keys is not an object");
        }

        foreach (var entry in entries.EnumerateObject())
        {
            if (!KeyIds.IsEd25519(entry.Name))
            {
                continue;
            }

            if (!UnpaddedBase64.TryDecode(entry.Value.StringOrNull("key"u8), out var bytes)
                || entry.Value.IntegerOrNull("expired_ts"u8) is not { } expiredTs
                || !VerifyKey.TryCreateOld(entry.Name, bytes, expiredTs, out var key))
            {
                return ServerKeysParse.Refuse($"old_verify_keys holds no key that expired under {entry.Name}");
            }

            keys[entry.Name] = key;
        }

        return null;
    }
}

/// <summary>The keys of a server, or why what it answered is none: exactly one of the two.</summary>
/// <param name="Refusal">What is wrong, in words for the log.</param>
public sealed record ServerKeysParse(ServerKeys? Keys, string? Refusal)
{
    internal static ServerKeysParse Accept(ServerKeys keys) => new(keys, null);

    internal static ServerKeysParse Refuse(string refusal) => new(null, refusal);
}
