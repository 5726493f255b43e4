using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace EdgeMatrix.Server.Tests.Accounts;

/// <summary>The MAC as a client of Synapse's registration computes it.</summary>
internal static class SharedSecretMac
{
    [SuppressMessage("Security", "CA5350", Justification = "It is what Synapse's interface asks for.")]
    public static string Of(string secret, params string[] parts) =>
        Convert.ToHexStringLower(HMACSHA1.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(string.Join('\0', parts))));
}
