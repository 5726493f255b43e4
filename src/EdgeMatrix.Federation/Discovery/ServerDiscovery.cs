using System.Buffers.Binary;
using System.Net;
using EdgeMatrix.Outbound.Names;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Identifiers;

namespace EdgeMatrix.Federation.Discovery;

/// <summary>From the name of a server to where it is: the six steps of the specification.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names</remarks>
public sealed class ServerDiscovery(
    IReadOnlyDictionary<string, IPEndPoint> pinned, WellKnownServer wellKnown, NameResolver names, RandomSource random)
{
    // A server that names a hundred places is tried at a few.
    private const int MostAddresses = 4;

    /// <returns>Null if the name is none, or no place is known for it.</returns>
    public async Task<ServerRoute?> FindAsync(string serverName, CancellationToken cancellation)
    {
        if (!ServerName.IsValid(serverName))
        {
            return null;
        }

        if (pinned.TryGetValue(serverName, out var at))
        {
            return new ServerRoute(serverName, [Literal(at)], NamedByOperator: true);
        }

        // 1. The hostname is an IP literal; 2. the server name includes an explicit port.
        if (Explicit(serverName) is { } own)
        {
            return own.Addresses[0].Port > 0 ? own : null;
        }

        // 3. /.well-known/matrix/server. 3.1, 3.2: as 1 and 2, of what it delegates to.
        if (await wellKnown.FindAsync(serverName, cancellation) is { } delegated)
        {
            return Explicit(delegated) is { } known
                ? known.Addresses[0].Port > 0 ? known : null
                : await ByServicesAsync(delegated, cancellation);
        }

        // 4. to 6. are as 3.3 to 3.5, of the server's own name.
        return await ByServicesAsync(serverName, cancellation);
    }

    private static ServerRoute? Explicit(string name)
    {
        var (host, port) = ServerAddress.Split(name);
        var isLiteral = host.StartsWith('[') || IPAddress.TryParse(host, out _);
        return isLiteral || port is not null
            ? new ServerRoute(name, [new ServerAddress(host, port ?? ServerAddress.DefaultPort)])
            : null;
    }

    private static ServerAddress Literal(IPEndPoint at) =>
        new(at.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{at.Address}]" : at.Address.ToString(), at.Port);

    // The SRV records of _matrix-fed, of the deprecated _matrix, or the host itself at 8448. Where nobody can say, there may be records.
    private async Task<ServerRoute?> ByServicesAsync(string host, CancellationToken cancellation)
    {
        foreach (var service in (string[])["_matrix-fed", "_matrix"])
        {
            if (await names.ServicesAsync($"{service}._tcp.{host}", cancellation) is { Count: > 0 } records)
            {
                // "A Target of "." means that the service is decidedly not available at this domain."
                var places = InOrder(records).Where(record => record.Target.Length > 0 && record.Port > 0).Take(MostAddresses).ToList();
                return places.Count > 0
                    ? new ServerRoute(host, [.. places.Select(record => new ServerAddress(record.Target, record.Port))])
                    : null;
            }
        }

        return new ServerRoute(host, [new ServerAddress(host, ServerAddress.DefaultPort)]);
    }

    /// <summary>By priority; of those of one, by chance in the measure of their weights.</summary>
    /// <remarks>RFC 2782, "Usage rules".</remarks>
    private IEnumerable<SrvRecord> InOrder(IReadOnlyList<SrvRecord> records)
    {
        foreach (var priority in records.GroupBy(record => record.Priority).OrderBy(group => group.Key))
        {
            var left = priority.OrderBy(record => record.Weight).ToList();
            while (left.Count > 0)
            {
                var mark = Chance() * (left.Sum(record => record.Weight) + 1);
                var next = 0;
                for (long sum = left[0].Weight; next < left.Count - 1 && sum < (long)mark; sum += left[next].Weight)
                {
                    next++;
                }

                yield return left[next];
                left.RemoveAt(next);
            }
        }
    }

    private double Chance()
    {
        Span<byte> bytes = stackalloc byte[4];
        random.Fill(bytes);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes) / (double)(1L << 32);
    }
}
