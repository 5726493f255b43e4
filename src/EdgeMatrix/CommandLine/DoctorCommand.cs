using System.Net;
using EdgeMatrix.Configuration;
using EdgeMatrix.Federation.Discovery;
using EdgeMatrix.Federation.Doctor;
using EdgeMatrix.Outbound;
using EdgeMatrix.Outbound.Names;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Storage;

namespace EdgeMatrix.CommandLine;

/// <summary><c>doctor</c>: finds the running server as others do, by its name alone, and tells what keeps them from it and how to mend that.</summary>
internal sealed class DoctorCommand(HomeserverOptions options, Terminal terminal)
{
    /// <summary>Returns the exit code: that of a failure if there is a fault.</summary>
    /// <exception cref="DatabaseException">The data folder cannot be read.</exception>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        var random = new SodiumRandom();
        var authorities = options.Federation.CaFile is { } file ? ExtraAuthorities.Load(file) : null;
        using var names = new NameResolver(
            SystemNames.AddressesAsync, new DnsClient(NameServers.OfSystem, random, TimeProvider.System).FindServicesAsync, TimeProvider.System);
        using var network = new OutboundNetwork(
            new AddressPolicy(AddressPolicy.PrivateRanges), TimeProvider.System, null, names.AddressesAsync, new ConnectionSettings { Authorities = authorities });
        using var wellKnown = new WellKnownServer(network);
        var doctor = new ServerDoctor(
            Patient(),
            options.Federation.ToSettings(options.Server.PublicBaseUrl),
            new ServerDiscovery(new Dictionary<string, IPEndPoint>(), wellKnown, names, random),
            names,
            network,
            authorities);
        var faults = 0;
        await foreach (var finding in doctor.ExamineAsync(cancellation))
        {
            faults += finding.Kind == FindingKind.Fault ? 1 : 0;
            Write(finding);
        }

        terminal.Output.WriteLine(faults == 0 ? "nothing keeps others from this server" : faults == 1 ? "1 fault" : $"{faults} faults");
        return faults == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private Patient Patient()
    {
        using var database = ReadOnlyDatabase.Open(HomeserverParts.DatabaseOf(options));
        using var snapshot = database.OpenSnapshot();
        var row = SigningKeyTable.All(snapshot).First(key => key.ExpiredTs is null);
        using var key = SigningKey.FromSeed(row.KeyId[KeyIds.Ed25519Prefix.Length..], row.Seed);
        return new Patient(SettingsTable.Get(snapshot, SettingsTable.ServerName)!, row.KeyId, key.PublicKey, options.Server.PublicBaseUrl);
    }

    private void Write(Finding finding)
    {
        var sign = finding.Kind switch { FindingKind.Good => "ok", FindingKind.Remark => "note", _ => "FAULT" };
        terminal.Output.WriteLine($"{sign,-6} {finding.Text}");
        if (finding.Mend is { } mend)
        {
            terminal.Output.WriteLine($"       {mend}");
        }
    }
}
