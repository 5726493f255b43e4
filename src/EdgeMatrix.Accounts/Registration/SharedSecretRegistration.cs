using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using EdgeMatrix.Protocol;

namespace EdgeMatrix.Accounts.Registration;

public enum SharedSecretVerdict
{
    Good,

    /// <summary>Not handed out, handed out too long ago, or used.</summary>
    UnknownNonce,

    WrongMac,
}

/// <summary>Registration by who knows a secret of the configuration, as Synapse's administration interface has it.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/register_api.html</remarks>
public sealed class SharedSecretRegistration(string secret, RandomSource random, TimeProvider time)
{
    private const int MaxNonces = 1_000;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _nonces = [];
    private readonly Queue<string> _order = new();

    /// <summary>A nonce, good for one registration within a minute.</summary>
    public string NewNonce()
    {
        var nonce = random.Base62(43);
        lock (_lock)
        {
            while (_order.Count >= MaxNonces)
            {
                _nonces.Remove(_order.Dequeue());
            }

            _nonces[nonce] = time.GetTimestamp();
            _order.Enqueue(nonce);
        }

        return nonce;
    }

    /// <summary>Uses a nonce up, and checks that the request was made by someone who knows the secret.</summary>
    /// <param name="mac">HMAC-SHA1 in hexadecimal over nonce, username, password, <c>admin</c> or <c>notadmin</c>, and the
    /// user type if there is one, with a NUL between each.</param>
    public SharedSecretVerdict Check(string nonce, string username, string password, bool admin, string? userType, string mac)
    {
        lock (_lock)
        {
            if (!_nonces.Remove(nonce, out var issued) || time.GetElapsedTime(issued) > Lifetime)
            {
                return SharedSecretVerdict.UnknownNonce;
            }
        }

        var text = $"{nonce}\0{username}\0{password}\0{(admin ? "admin" : "notadmin")}{(userType is null ? "" : "\0" + userType)}";
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Mac(text)), Encoding.UTF8.GetBytes(mac.ToLowerInvariant()))
            ? SharedSecretVerdict.Good
            : SharedSecretVerdict.WrongMac;
    }

    [SuppressMessage(
        "Security", "CA5350", Justification = "The interface is Synapse's, and so is its hash; HMAC does not need what SHA-1 has lost.")]
    private string Mac(string text) =>
        Convert.ToHexStringLower(HMACSHA1.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(text)));
}
