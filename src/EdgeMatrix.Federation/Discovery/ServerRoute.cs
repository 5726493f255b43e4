namespace EdgeMatrix.Federation.Discovery;

/// <summary>How a server is reached.</summary>
/// <param name="Host">The value of <c>Host</c>; the certificate must be for what stands in it before the port.</param>
/// <param name="Addresses">Where to connect to, in the order in which to try.</param>
/// <param name="NamedByOperator">Whether the operator pinned it: then it may be at any address.</param>
public sealed record ServerRoute(string Host, IReadOnlyList<ServerAddress> Addresses, bool NamedByOperator = false);

/// <summary>A host, of which DNS knows addresses, or an address itself, and a port.</summary>
/// <param name="Host">An IPv6 address stands in brackets.</param>
public readonly record struct ServerAddress(string Host, int Port)
{
    /// <summary>The port of servers that name none.</summary>
    public const int DefaultPort = 8448;

    /// <summary>Takes a valid server name apart.</summary>
    /// <returns>The port as it stands in the name; null if none does, 0 if it is none that can be.</returns>
    public static (string Host, int? Port) Split(string serverName)
    {
        var colon = serverName.LastIndexOf(':');
        return colon <= serverName.LastIndexOf(']')
            ? (serverName, null)
            : (serverName[..colon], int.TryParse(serverName.AsSpan(colon + 1), out var port) && port <= ushort.MaxValue ? port : 0);
    }
}
