using System.Text.Json;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;

namespace EdgeMatrix.Federation.Keys;

/// <summary>The keys of this server, as it publishes them: the one that signs, and those that signed before.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#publishing-keys</remarks>
public sealed class OwnKeys
{
    // "Servers MUST use the lesser of this field and 7 days into the future": as long as it counts, for others check us while we are away.
    private static readonly TimeSpan _validity = TimeSpan.FromDays(7);
    private static readonly TimeSpan _holds = TimeSpan.FromHours(1);

    private readonly LocalServer _server;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, VerifyKey> _keys = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private byte[] _answer = [];
    private DateTimeOffset _made = DateTimeOffset.MinValue;

    public OwnKeys(LocalServer server, Database database, TimeProvider time)
    {
        (_server, _time) = (server, time);
        using var snapshot = database.OpenSnapshot();
        foreach (var old in SigningKeyTable.All(snapshot).Where(key => key.ExpiredTs is not null))
        {
            using var key = SigningKey.FromSeed(old.KeyId[KeyIds.Ed25519Prefix.Length..], old.Seed);
            if (VerifyKey.TryCreateOld(old.KeyId, key.PublicKey, old.ExpiredTs!.Value, out var known))
            {
                _keys[old.KeyId] = known;
            }
        }

        if (VerifyKey.TryCreate(server.Key.KeyId, server.Key.PublicKey, long.MaxValue, out var current))
        {
            _keys[server.Key.KeyId] = current;
        }
    }

    /// <summary>By key id.</summary>
    public IReadOnlyDictionary<string, VerifyKey> Keys => _keys;

    /// <summary>What <c>GET /_matrix/key/v2/server</c> answers: canonical JSON, signed.</summary>
    public ReadOnlyMemory<byte> Answer()
    {
        lock (_lock)
        {
            var now = _time.GetUtcNow();
            if (now - _made >= _holds)
            {
                (_answer, _made) = (Make(now), now);
            }

            return _answer;
        }
    }

    private byte[] Make(DateTimeOffset now)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("old_verify_keys"u8);
            foreach (var key in _keys.Values.Where(key => key.IsOld))
            {
                json.WriteStartObject(key.KeyId);
                json.WriteNumber("expired_ts"u8, key.UntilTs);
                json.WriteString("key"u8, UnpaddedBase64.Encode(key.Bytes));
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteString("server_name"u8, _server.Name);
            json.WriteNumber("valid_until_ts"u8, (now + _validity).ToUnixTimeMilliseconds());
            json.WriteStartObject("verify_keys"u8);
            json.WriteStartObject(_server.Key.KeyId);
            json.WriteString("key"u8, UnpaddedBase64.Encode(_server.Key.PublicKey));
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return SignedJson.Sign(JsonElement.Parse(buffer.GetBuffer().AsSpan(0, (int)buffer.Length)), _server.Name, _server.Key);
    }
}
