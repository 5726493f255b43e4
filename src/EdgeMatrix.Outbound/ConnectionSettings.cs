using System.Net;
using System.Net.Security;

namespace EdgeMatrix.Outbound;

/// <summary>How connections of an <see cref="OutboundNetwork"/> are made.</summary>
public sealed record ConnectionSettings
{
    /// <summary>Who may vouch for servers besides those whom the system trusts; null: nobody.</summary>
    public ExtraAuthorities? Authorities { get; init; }

    /// <summary>Whether a certificate must hold. Without, whoever is on the way can read and answer: for tests.</summary>
    public bool VerifiesCertificates { get; init; } = true;

    /// <summary>The HTTP proxy that all requests go through; null: none.</summary>
    public Uri? Proxy { get; init; }

    internal RemoteCertificateValidationCallback? TrustsCertificate =>
        !VerifiesCertificates ? (_, _, _, _) => !VerifiesCertificates
        : Authorities is { } authorities ? authorities.Trust
        : null;

    internal bool IsProxy(DnsEndPoint host) => Proxy is { } proxy && host.Host == proxy.IdnHost && host.Port == proxy.Port;
}
