using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeMatrix.Configuration;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Over real sockets and TLS: a server that the operator pinned to the loopback, with a certificate of an authority of its own.</summary>
public sealed class FederationTlsTests : IAsyncLifetime
{
    private readonly string _file = Path.GetTempFileName();
    private readonly ECDsa _authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private X509Certificate2 _authority = null!;
    private WebApplication _peer = null!;
    private string? _host;
    private string? _serverName;
    private string? _path;
    private TaskCompletionSource? _hold;

    public async ValueTask InitializeAsync()
    {
        var request = new CertificateRequest("CN=authority", _authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(1));
        File.WriteAllText(_file, _authority.ExportCertificatePem());
        _peer = await StartAsync("matrix.test");
    }

    public async ValueTask DisposeAsync()
    {
        await _peer.StopAsync();
        await _peer.DisposeAsync();
        _authority.Dispose();
        _authorityKey.Dispose();
        File.Delete(_file);
    }

    [Fact]
    public async Task The_certificate_and_the_host_are_of_the_servers_name_and_the_path_is_as_it_was_signed()
    {
        Assert.Null(await AskAsync("matrix.test", options => options with { CaFile = _file }, "/x/%2F..%2f/../%40a?q=%20&r=+"));

        Assert.Equal(("matrix.test", "matrix.test", "/x/%2F..%2f/../%40a?q=%20&r=+"), (_host, _serverName, _path));
    }

    [Fact]
    public async Task A_certificate_of_another_name_does_not_hold_unless_none_must()
    {
        Assert.Equal(FederationFailureKind.Unreachable, (await AskAsync("other.test", options => options with { CaFile = _file }))?.Kind);
        Assert.Equal(FederationFailureKind.Unreachable, (await AskAsync("matrix.test", options => options))?.Kind);
        Assert.Null(await AskAsync("other.test", options => options with { VerifyTls = false }));
        Assert.Equal("other.test", _host);
    }

    [Fact]
    public async Task A_delegation_inside_is_refused()
    {
        // The name itself is an address that requests may not go to.
        var port = new Uri(_peer.Urls.Single()).Port;

        Assert.Equal(FederationFailureKind.Unreachable, (await AskAsync($"127.0.0.1:{port}", options => options with { VerifyTls = false }))?.Kind);
        Assert.Null(_path);
        Assert.Null(await AskAsync($"127.0.0.1:{port}", options => options with { VerifyTls = false, AllowPrivateAddresses = true }));
    }

    [Fact]
    public async Task Where_the_operator_has_a_proxy_requests_go_through_it_and_the_certificate_is_that_of_the_server()
    {
        await using var proxy = new ConnectProxy(_ => new Uri(_peer.Urls.Single()).Port);
        Assert.Null(await AskAsync("matrix.test", options => options with { CaFile = _file, Proxy = proxy.Url }));
        Assert.Equal(("matrix.test", "matrix.test"), (_host, _serverName));
        Assert.Equal([$"127.0.0.1:{new Uri(_peer.Urls.Single()).Port}"], proxy.Asked);

        // The proxy looks names up: of a name that nobody pinned it is told as it is.
        Assert.Null(await AskByNameAsync("matrix.test:8448", options => options with { CaFile = _file, Proxy = proxy.Url }));
        Assert.Equal("matrix.test:8448", proxy.Asked[^1]);
        Assert.Equal(FederationFailureKind.Unreachable, (await AskByNameAsync("other.test:8448", options => options with { CaFile = _file, Proxy = proxy.Url }))?.Kind);

        // An address that requests may not go to is refused before the proxy hears of it.
        var before = proxy.Asked.Count;
        Assert.Equal(FederationFailureKind.Unreachable, (await AskByNameAsync("10.0.0.1:8448", options => options with { VerifyTls = false, Proxy = proxy.Url }))?.Kind);
        Assert.Equal(before, proxy.Asked.Count);
    }

    [Fact]
    public async Task An_answer_that_never_comes_is_given_up()
    {
        _hold = new TaskCompletionSource();
        await using var server = await StartServerAsync("matrix.test", options => options with { VerifyTls = false, Timeout = TimeSpan.FromSeconds(5) });
        var answer = server.Part<FederationClient>().SendAsync(FederationRequest.Get("matrix.test", "/x"), default);
        while (Volatile.Read(ref _path) is null)
        {
            await Task.Delay(10);
        }

        server.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(FederationFailureKind.Unreachable, (await answer).Failure?.Kind);
        _hold.SetResult();
    }

    private async Task<FederationFailure?> AskAsync(string name, Func<FederationOptions, FederationOptions> change, string target = "/x")
    {
        await using var server = await StartServerAsync(name, change);
        return (await server.Part<FederationClient>().SendAsync(FederationRequest.Get(name, target), default)).Failure;
    }

    private static async Task<FederationFailure?> AskByNameAsync(string name, Func<FederationOptions, FederationOptions> change)
    {
        await using var server = await TestHomeserver.StartAsync(options => options with { Federation = change(options.Federation) with { Enabled = true } });
        return (await server.Part<FederationClient>().SendAsync(FederationRequest.Get(name, "/x"), default)).Failure;
    }

    private Task<TestHomeserver> StartServerAsync(string name, Func<FederationOptions, FederationOptions> change)
    {
        var port = new Uri(_peer.Urls.Single()).Port;
        return TestHomeserver.StartAsync(options => options with
        {
            Federation = change(options.Federation) with
            {
                Enabled = true,
                Hosts = name.StartsWith("127.", StringComparison.Ordinal) ? new Dictionary<string, string>() : new Dictionary<string, string> { [name] = $"127.0.0.1:{port}" },
            },
        });
    }

    private async Task<WebApplication> StartAsync(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        var request = new CertificateRequest("CN=peer", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build());
        using var signed = request.Create(_authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(9), [1, 2, 3]);
        using var whole = signed.CopyWithPrivateKey(key);
        var certificate = X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(https =>
            https.ServerCertificateSelector = (_, serverName) =>
            {
                _serverName = serverName;
                return certificate;
            })));
        var app = builder.Build();
        app.Run(async context =>
        {
            _host = context.Request.Host.Value;
            Volatile.Write(ref _path, context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget);
            await (_hold?.Task ?? Task.CompletedTask);
            await context.Response.WriteAsync("{}");
        });
        await app.StartAsync();
        return app;
    }
}
