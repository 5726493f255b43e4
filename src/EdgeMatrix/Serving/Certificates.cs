using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeMatrix.Configuration;

namespace EdgeMatrix.Serving;

/// <summary>The certificate of the <c>https://</c> listeners: the configured one, or a self-signed one kept in the data folder.</summary>
internal static class Certificates
{
    private const string SelfSignedFile = "self-signed.pem";
    private const int SelfSignedYears = 10;
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);

    /// <summary>The certificate with its key, and what the file holds beside it: the chain that clients are sent.</summary>
    /// <exception cref="CryptographicException">A file holds no certificate, or the key is not the certificate's.</exception>
    public static (X509Certificate2 Certificate, X509Certificate2Collection Chain) Load(HomeserverOptions options, string serverName, TimeProvider time)
    {
        var chain = new X509Certificate2Collection();
        if (options.Tls is { Cert: { } certificate, Key: { } key })
        {
            chain.ImportFromPemFile(certificate);
            return (X509Certificate2.CreateFromPemFile(certificate, key), chain);
        }

        var file = Path.Combine(options.Server.Data, SelfSignedFile);
        var now = time.GetUtcNow();
        if (File.Exists(file))
        {
            var kept = X509Certificate2.CreateFromPemFile(file);
            if (now < kept.NotAfter.ToUniversalTime() - RenewBefore)
            {
                return (kept, chain);
            }

            kept.Dispose();
        }

        MakeSelfSigned(file, HostOf(serverName), now);
        return (X509Certificate2.CreateFromPemFile(file), chain);
    }

    private static void MakeSelfSigned(string file, string host, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(host, out var address))
        {
            names.AddIpAddress(address);
        }
        else
        {
            names.AddDnsName(host);
        }

        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        var request = new CertificateRequest("CN=EdgeMatrix", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(SelfSignedYears));

        // Written beside and renamed, so that a power cut leaves no half of a key.
        var unfinished = file + ".new";
        File.Delete(unfinished);
        var create = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var stream = new FileStream(unfinished, create))
        using (var writer = new StreamWriter(stream))
        {
            writer.WriteLine(certificate.ExportCertificatePem());
            writer.WriteLine(key.ExportPkcs8PrivateKeyPem());
            writer.Flush();
            stream.Flush(flushToDisk: true);
        }

        File.Move(unfinished, file, overwrite: true);
    }

    // A key-derived name is one label of 64 characters, one more than DNS allows; no client checks a certificate against it.
    private static string HostOf(string serverName)
    {
        var host = serverName.StartsWith('[') ? serverName[1..serverName.IndexOf(']', StringComparison.Ordinal)] : serverName.Split(':')[0];
        return Uri.CheckHostName(host) is UriHostNameType.Unknown ? "localhost" : host;
    }
}
