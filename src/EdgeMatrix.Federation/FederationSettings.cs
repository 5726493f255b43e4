using System.Net;

namespace EdgeMatrix.Federation;

/// <summary>What the configuration decides about talking to other servers.</summary>
public sealed record FederationSettings
{
    /// <summary>Whether this server talks to others at all.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Where others reach this server, as <c>HOST</c> or <c>HOST:PORT</c>; null: by its name.</summary>
    public string? Address { get; init; }

    /// <summary>Servers by name that the operator pinned to an address.</summary>
    public IReadOnlyDictionary<string, IPEndPoint> Hosts { get; init; } = new Dictionary<string, IPEndPoint>();

    /// <summary>How long a server that failed once is left alone.</summary>
    public TimeSpan RetryMin { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a server that fails again and again is left alone at most.</summary>
    public TimeSpan RetryMax { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long a server may take to answer.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Notaries: servers that are asked for the keys of others.</summary>
    public IReadOnlyList<string> TrustedKeyServers { get; init; } = [];
}
