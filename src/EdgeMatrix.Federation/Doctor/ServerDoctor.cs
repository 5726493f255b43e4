using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using EdgeMatrix.Federation.Discovery;
using EdgeMatrix.Outbound;
using EdgeMatrix.Outbound.Names;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.Signing;

namespace EdgeMatrix.Federation.Doctor;

/// <summary>What a doctor has to know of the server.</summary>
/// <param name="KeyId">Of the key that it signs with.</param>
/// <param name="PublicKey">The same key.</param>
/// <param name="PublicBaseUrl">Where clients are told to find it; null: they are not told.</param>
public sealed record Patient(string ServerName, string KeyId, ReadOnlyMemory<byte> PublicKey, string? PublicBaseUrl);

/// <summary>Finds this server as others do, by its name alone, and tells what keeps them from it.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names</remarks>
/// <param name="network">For what is no request between servers; it may go to any address.</param>
public sealed class ServerDoctor(
    Patient patient, FederationSettings settings, ServerDiscovery discovery, NameResolver names, OutboundNetwork network, ExtraAuthorities? authorities)
{
    private const string KeyPath = "/_matrix/key/v2/server";
    private const int MaxBytes = 64 * 1024;
    private const int MostClocks = 3;

    private static readonly TimeSpan _soon = TimeSpan.FromDays(14);
    private static readonly TimeSpan _clockMayBeOff = TimeSpan.FromSeconds(30);
    private static readonly AddressPolicy _public = new([]);

    private readonly Probe _probe = new(authorities);

    public async IAsyncEnumerable<Finding> ExamineAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        if (!settings.Enabled)
        {
            yield return Finding.Remark("This server talks to no others (federation.enabled is false)");
            yield break;
        }

        var (host, port) = ServerAddress.Split(patient.ServerName);
        if (port is null && !IPAddress.TryParse(host.Trim('[', ']'), out _))
        {
            yield return await WellKnownAsync(host, cancellation);
        }

        if (await discovery.FindAsync(patient.ServerName, cancellation) is not { } route)
        {
            yield return Finding.Fault(
                $"DNS says of {patient.ServerName} that it is nowhere (an SRV record with the target \".\"), or its name has a port that cannot be",
                "Remove the record of _matrix-fed._tcp, or let it name the host and the port");
            yield break;
        }

        foreach (var place in route.Addresses)
        {
            await foreach (var finding in PlaceAsync(route.Host, place, cancellation))
            {
                yield return finding;
            }
        }

        yield return await ClockAsync(cancellation);
        yield return await ClientsAsync(cancellation);
    }

    private async Task<Finding> WellKnownAsync(string host, CancellationToken cancellation)
    {
        var url = $"https://{host}/.well-known/matrix/server";
        try
        {
            using var client = new OutboundClient(network, 1);
            using var response = await client.OpenAsync(new OutboundRequest(HttpMethod.Get, new Uri(url)) { MaxBytes = MaxBytes, MaxRedirects = 5 }, cancellation);
            var body = await response.ReadAsync(cancellation);
            if (response.Status != HttpStatusCode.OK)
            {
                return Finding.Good($"{url} says nothing ({(int)response.Status}): others look for SRV records, and at port 8448");
            }

            return CanonicalJson.TryParse(body, out var json, out _)
                && json.ValueKind == System.Text.Json.JsonValueKind.Object
                && json.TryGetProperty("m.server"u8, out var delegated)
                && delegated.ValueKind == System.Text.Json.JsonValueKind.String
                && ServerName.IsValid(delegated.GetString())
                    ? Finding.Good($"{url} sends others to {delegated.GetString()}")
                    : Finding.Fault(
                        $"{url} answers, but not with a server: others do not follow it",
                        "Let it answer {\"m.server\": \"HOST:PORT\"} as JSON, or 404; EdgeMatrix does so itself for its own name if federation.address is set");
        }
        catch (OutboundException exception)
        {
            return Finding.Good($"{url} cannot be had ({exception.Message}): others look for SRV records, and at port 8448");
        }
    }

    private async IAsyncEnumerable<Finding> PlaceAsync(string host, ServerAddress place, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var addresses = await AddressesAsync(place.Host, cancellation);
        if (addresses.Length == 0)
        {
            yield return Finding.Fault($"{place.Host} has no address", $"Make an A or AAAA record for {place.Host}, or name the right host in the SRV record or well-known file");
        }

        foreach (var address in addresses)
        {
            var at = new IPEndPoint(address, place.Port);
            if (!_public.Allows(address))
            {
                yield return Finding.Remark($"{at} is an address of this machine or a private network: only servers in it reach this one");
            }

            var keys = await _probe.AskAsync(host, address, place.Port, KeyPath, cancellation);
            if (keys.Failure is { } failure)
            {
                yield return Finding.Fault(
                    $"{at} cannot be reached: {failure}",
                    $"Let TCP port {place.Port} through to the server (router, firewall), and have something listen there with TLS. If the name resolves to your router, "
                        + "this may be the router that does not let you in from inside: try from another network");
                continue;
            }

            yield return Certificate(at, host, keys);
            yield return Keys(at, keys);
            var version = await _probe.AskAsync(host, address, place.Port, "/_matrix/federation/v1/version", cancellation);
            if (version.Failure is not null || version.Status != HttpStatusCode.OK)
            {
                yield return Finding.Fault(
                    $"{at} does not answer requests of other servers ({version.Failure ?? $"{(int)version.Status}"})",
                    "Let the reverse proxy pass on everything under /_matrix, with paths as they came and the Host header");
            }
        }
    }

    private Finding Certificate(IPEndPoint at, string host, ProbeAnswer answer)
    {
        if (answer.CertificateFault is { } fault)
        {
            return Finding.Fault(
                $"{at}: {fault}",
                $"Use a certificate for {ServerAddress.Split(host).Host} by an authority that everybody trusts, such as Let's Encrypt, with its intermediate "
                    + "certificates (tls.cert and tls.key, or in the reverse proxy); in a closed network name your authority in federation.ca_file of every server");
        }

        return answer.CertificateEnds is { } ends && ends - network.Time.GetUtcNow() < _soon
            ? Finding.Remark($"{at}: the certificate for {host} ends on {ends:yyyy-MM-dd}", "Renew it before, and see why that does not happen by itself")
            : Finding.Good($"{at}: the certificate for {ServerAddress.Split(host).Host} holds until {answer.CertificateEnds:yyyy-MM-dd}");
    }

    private Finding Keys(IPEndPoint at, ProbeAnswer answer)
    {
        if (answer.Status != HttpStatusCode.OK)
        {
            return Finding.Fault(
                $"{at} answers {(int)answer.Status} when asked for its keys", $"Let the reverse proxy pass on everything under /_matrix, {KeyPath} included");
        }

        var parse = ServerKeys.Parse(answer.Body, patient.ServerName, network.Time.GetUtcNow().ToUnixTimeMilliseconds());
        if (parse.Keys is not { } keys)
        {
            return Finding.Fault($"{at} publishes keys that others do not take: {parse.Refusal}", "Another server than this one seems to be there: look where the name leads");
        }

        return keys.Keys.TryGetValue(patient.KeyId, out var key) && key.Bytes.SequenceEqual(patient.PublicKey.Span)
            ? Finding.Good($"{at}: is this server, by its key {patient.KeyId}")
            : Finding.Fault(
                $"{at} publishes other keys than this server has: {string.Join(", ", keys.Keys.Keys)} and not {patient.KeyId}",
                "Another server of the same name is there, or this is not its data folder; restart the server if its key was rotated");
    }

    private async Task<Finding> ClockAsync(CancellationToken cancellation)
    {
        foreach (var server in settings.TrustedKeyServers.Where(server => server != patient.ServerName).Take(MostClocks))
        {
            if (await discovery.FindAsync(server, cancellation) is not { Addresses: [var place, ..] } route
                || await AddressesAsync(place.Host, cancellation) is not [var address, ..])
            {
                continue;
            }

            var before = network.Time.GetUtcNow();
            var answer = await _probe.AskAsync(route.Host, address, place.Port, KeyPath, cancellation);
            if (answer is not { Date: { } date, CertificateFault: null })
            {
                continue;
            }

            // The answer was dated somewhere between, in whole seconds.
            var off = date < before ? before - date : date - network.Time.GetUtcNow();
            return off > _clockMayBeOff
                ? Finding.Fault($"The clock is {off.TotalSeconds:F0} s off that of {server}", "Set it by NTP: timedatectl set-ntp true")
                : Finding.Good($"The clock agrees with that of {server}");
        }

        return Finding.Remark("The clock could not be compared with that of another server", "See whether timedatectl says that it is synchronized");
    }

    private async Task<Finding> ClientsAsync(CancellationToken cancellation)
    {
        if (patient.PublicBaseUrl is not { } url)
        {
            return Finding.Remark(
                "Clients are not told under which URL this server is", "Set server.public_base_url, so that they find it by the server name alone");
        }

        try
        {
            using var client = new OutboundClient(network, 1);
            using var response = await client.OpenAsync(
                new OutboundRequest(HttpMethod.Get, new Uri($"{url.TrimEnd('/')}/_matrix/client/versions")) { MaxBytes = MaxBytes }, cancellation);
            return response.Status == HttpStatusCode.OK && response.Headers.Contains("Access-Control-Allow-Origin")
                ? Finding.Good($"Clients reach {url}")
                : Finding.Fault(
                    $"{url} does not answer clients as this server does ({(int)response.Status})", "Let the reverse proxy pass on everything under /_matrix as it comes");
        }
        catch (OutboundException exception)
        {
            return Finding.Fault($"Clients do not reach {url}: {exception.Message}", "Set server.public_base_url to where the server is reached, with a certificate that holds");
        }
    }

    private async Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancellation)
    {
        if (IPAddress.TryParse(host.Trim('[', ']'), out var literal))
        {
            return [literal];
        }

        try
        {
            return await names.AddressesAsync(host, cancellation);
        }
        catch (SocketException)
        {
            return [];
        }
    }
}
