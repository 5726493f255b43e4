using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EdgeMatrix.Outbound;

/// <summary>Certificate authorities that are trusted besides those of the system, as one that a closed network has of its own.</summary>
public sealed class ExtraAuthorities(X509Certificate2Collection certificates)
{
    /// <summary>The certificates of a PEM file.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="CryptographicException">It holds no certificate.</exception>
    public static ExtraAuthorities Load(string file)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPemFile(file);
        return certificates.Count > 0 ? new ExtraAuthorities(certificates) : throw new CryptographicException($"{file} holds no certificate");
    }

    /// <summary>A <see cref="RemoteCertificateValidationCallback"/>: whether the system trusts the certificate or one of these authorities vouches for it.</summary>
    public bool Trust(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors != SslPolicyErrors.RemoteCertificateChainErrors || certificate is null || chain is null)
        {
            return errors == SslPolicyErrors.None;
        }

        // The policy as it stands asks for what a server's certificate is to be for; only whom it trusts is another.
        using var anew = new X509Chain { ChainPolicy = chain.ChainPolicy.Clone() };
        anew.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        anew.ChainPolicy.CustomTrustStore.AddRange(certificates);
        using var leaf = new X509Certificate2(certificate);
        return anew.Build(leaf);
    }
}
