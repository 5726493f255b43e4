using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;

namespace EdgeMatrix.Accounts.Tokens;

/// <summary>Tokens by which other services learn who a user is, and nothing more.</summary>
/// <remarks>
/// A token says whose it is and until when, and is signed by the server: nothing is stored, and it outlives a restart.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#openid
/// </remarks>
public sealed class OpenIdTokens(LocalServer server, RandomSource random, TimeProvider time)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    private const int HeadBytes = sizeof(long) + NonceBytes;
    private const int NonceBytes = 8;

    // What stands before the signed bytes, so that no signature of an event or a request is one of a token.
    private static ReadOnlySpan<byte> Purpose => "EdgeMatrix OpenID token:"u8;

    public string Issue(string userId)
    {
        var payload = new byte[HeadBytes + Encoding.UTF8.GetByteCount(userId)];
        BinaryPrimitives.WriteInt64BigEndian(payload, (time.GetUtcNow() + Lifetime).ToUnixTimeMilliseconds());
        random.Fill(payload.AsSpan(sizeof(long), NonceBytes));
        Encoding.UTF8.GetBytes(userId, payload.AsSpan(HeadBytes));
        return Base64Url.EncodeToString([.. payload, .. server.Key.Sign([.. Purpose, .. payload])]);
    }

    /// <summary>Whose token it is, if it is one of this server that has not expired.</summary>
    public bool TryRead(string token, [NotNullWhen(true)] out string? userId)
    {
        userId = null;
        if (!UnpaddedBase64.TryDecode(token, out var bytes) || bytes.Length <= HeadBytes + SigningKey.SignatureBytes)
        {
            return false;
        }

        var payload = bytes.AsSpan(..^SigningKey.SignatureBytes);
        if (!VerifyKey.TryCreate(server.Key.KeyId, server.Key.PublicKey, long.MaxValue, out var key)
            || !key.Verify([.. Purpose, .. payload], bytes.AsSpan(payload.Length))
            || BinaryPrimitives.ReadInt64BigEndian(payload) <= time.GetUtcNow().ToUnixTimeMilliseconds())
        {
            return false;
        }

        userId = Encoding.UTF8.GetString(payload[HeadBytes..]);
        return true;
    }
}
