using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeMatrix.Outbound;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace EdgeMatrix.Server.Tests.Outbound;

/// <summary>Servers with certificates of an authority that the system does not know.</summary>
public sealed class ExtraAuthoritiesTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();
    private readonly ECDsa _authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _authority;

    public ExtraAuthoritiesTests()
    {
        var request = new CertificateRequest("CN=authority", _authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(1));
        File.WriteAllText(_file, _authority.ExportCertificatePem());
    }

    public void Dispose()
    {
        File.Delete(_file);
        _authority.Dispose();
        _authorityKey.Dispose();
    }

    [Fact]
    public async Task Who_has_a_certificate_of_the_authority_is_reached_with_it_only()
    {
        using var certificate = Certificate(IPAddress.Loopback);
        await using var peer = await StartAsync(certificate);

        Assert.Equal(OutboundFailure.Unreachable, await FailureAsync(peer, null));
        Assert.Null(await FailureAsync(peer, ExtraAuthorities.Load(_file)));
    }

    [Fact]
    public async Task A_certificate_of_the_authority_for_somebody_else_does_not_hold()
    {
        using var certificate = Certificate(IPAddress.Parse("127.0.0.2"));
        await using var peer = await StartAsync(certificate);

        Assert.Equal(OutboundFailure.Unreachable, await FailureAsync(peer, ExtraAuthorities.Load(_file)));
    }

    [Fact]
    public async Task A_certificate_that_nobody_vouches_for_does_not_hold()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Usable(Request(key, IPAddress.Loopback).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(9)));
        await using var peer = await StartAsync(certificate);

        Assert.Equal(OutboundFailure.Unreachable, await FailureAsync(peer, ExtraAuthorities.Load(_file)));
    }

    [Fact]
    public void A_file_without_a_certificate_is_refused()
    {
        File.WriteAllText(_file, "nothing");

        Assert.Throws<CryptographicException>(() => ExtraAuthorities.Load(_file));
    }

    private static CertificateRequest Request(ECDsa key, IPAddress address)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(address);
        var request = new CertificateRequest("CN=peer", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build());
        return request;
    }

    private X509Certificate2 Certificate(IPAddress address)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signed = Request(key, address).Create(_authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(9), [1, 2, 3]);
        return Usable(signed.CopyWithPrivateKey(key));
    }

    // As Kestrel takes it on every system: with its key in the file, not beside it.
    private static X509Certificate2 Usable(X509Certificate2 certificate)
    {
        using (certificate)
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        }
    }

    private static async Task<WebApplication> StartAsync(X509Certificate2 certificate)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var app = builder.Build();
        app.Run(context => context.Response.WriteAsync("{}"));
        await app.StartAsync();
        return app;
    }

    /// <summary>Null: the server was reached.</summary>
    private static async Task<OutboundFailure?> FailureAsync(WebApplication peer, ExtraAuthorities? authorities)
    {
        using var network = new OutboundNetwork(new AddressPolicy(["127.0.0.1"]), TimeProvider.System, settings: new ConnectionSettings { Authorities = authorities });
        using var client = new OutboundClient(network, 1);
        try
        {
            await client.SendAsync(new OutboundRequest(HttpMethod.Get, new Uri(peer.Urls.Single())), default);
            return null;
        }
        catch (OutboundException exception)
        {
            return exception.Failure;
        }
    }
}
