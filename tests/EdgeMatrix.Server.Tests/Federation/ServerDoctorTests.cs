using System.Net;
using System.Net.Sockets;
using EdgeMatrix.Configuration;
using EdgeMatrix.Federation;
using EdgeMatrix.Federation.Discovery;
using EdgeMatrix.Federation.Doctor;
using EdgeMatrix.Outbound;
using EdgeMatrix.Outbound.Names;
using EdgeMatrix.Protocol;
using EdgeMatrix.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>A server that is named by an address of the loopback, and found there over real sockets and TLS.</summary>
public sealed class ServerDoctorTests : IAsyncLifetime
{
    private readonly int _port = FreePort();
    private TestHomeserver _server = null!;

    private string Name => $"127.0.0.1:{_port}";

    public async ValueTask InitializeAsync() => _server = await TestHomeserver.StartAsync(
        options => options with
        {
            Server = options.Server with { Listen = [$"https://{Name}"] },
            Federation = options.Federation with { Enabled = true },
        },
        Transport.Loopback,
        Name);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_certificate_that_nobody_trusts_is_a_fault_and_one_of_an_own_authority_is_none()
    {
        var findings = await ExamineAsync(Patient());
        Assert.Contains("does not hold", Assert.Single(Faults(findings)).Text, StringComparison.Ordinal);
        Assert.Contains(findings, finding => finding is { Kind: FindingKind.Good } && finding.Text.Contains("is this server, by its key", StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding is { Kind: FindingKind.Remark } && finding.Text.Contains("private network", StringComparison.Ordinal));

        var authorities = ExtraAuthorities.Load(Path.Combine(_server.DataFolder, "self-signed.pem"));
        Assert.Empty(Faults(await ExamineAsync(Patient(), authorities)));
    }

    [Fact]
    public async Task Another_server_of_the_name_is_told_by_its_key()
    {
        var findings = Faults(await ExamineAsync(Patient() with { KeyId = "ed25519:other" }));
        Assert.Contains(findings, finding => finding.Text.Contains("and not ed25519:other", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Where_nothing_listens_is_told_which_port_to_open()
    {
        var port = FreePort();
        var fault = Assert.Single(Faults(await ExamineAsync(Patient() with { ServerName = $"127.0.0.1:{port}" })));
        Assert.Contains("cannot be reached", fault.Text, StringComparison.Ordinal);
        Assert.Contains($"TCP port {port}", fault.Mend, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_without_an_address_wants_a_record()
    {
        var findings = await ExamineAsync(Patient() with { ServerName = "nowhere.invalid" });
        Assert.Contains("A or AAAA record for nowhere.invalid", Assert.Single(Faults(findings)).Mend, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clients_are_to_be_led_to_where_the_server_answers_them()
    {
        var authorities = ExtraAuthorities.Load(Path.Combine(_server.DataFolder, "self-signed.pem"));
        Assert.Empty(Faults(await ExamineAsync(Patient() with { PublicBaseUrl = $"https://{Name}" }, authorities)));
        Assert.Contains(
            "Clients do not reach", Assert.Single(Faults(await ExamineAsync(Patient() with { PublicBaseUrl = $"https://127.0.0.1:{FreePort()}" }, authorities))).Text,
            StringComparison.Ordinal);
    }

    private Patient Patient()
    {
        var key = _server.Part<LocalServer>().Key;
        return new Patient(Name, key.KeyId, key.PublicKey, null);
    }

    private static List<Finding> Faults(IEnumerable<Finding> findings) => [.. findings.Where(finding => finding.Kind == FindingKind.Fault)];

    private async Task<List<Finding>> ExamineAsync(Patient patient, ExtraAuthorities? authorities = null)
    {
        // No look-up leaves the machine.
        using var names = new NameResolver(
            (host, _) => throw new SocketException((int)SocketError.HostNotFound),
            (_, _) => Task.FromResult(new SrvAnswer([], TimeSpan.FromDays(1))),
            _server.Time);
        using var network = new OutboundNetwork(
            new AddressPolicy(AddressPolicy.PrivateRanges), _server.Time, null, names.AddressesAsync, new ConnectionSettings { Authorities = authorities });
        using var wellKnown = new WellKnownServer(network);
        var discovery = new ServerDiscovery(new Dictionary<string, IPEndPoint>(), wellKnown, names, new SeededRandom(1));
        var findings = new List<Finding>();
        await foreach (var finding in new ServerDoctor(patient, new FederationSettings(), discovery, names, network, authorities).ExamineAsync(default))
        {
            findings.Add(finding);
        }

        return findings;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
