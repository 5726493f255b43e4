namespace EdgeMatrix.Outbound;

/// <summary>A request to somebody else's server.</summary>
public sealed record OutboundRequest(HttpMethod Method, Uri Url)
{
    /// <summary>Null for none.</summary>
    public ReadOnlyMemory<byte>? Body { get; init; }

    /// <summary>Of the body.</summary>
    public string ContentType { get; init; } = "application/json";

    public string? Accept { get; init; }

    /// <summary>The value of <c>Authorization</c>. It goes to the host of the URL only, not along with a redirect to another.</summary>
    public string? Authorization { get; init; }

    /// <summary>The value of <c>Host</c>, whose host is also the one that the certificate must be for; null: that of the URL.</summary>
    public string? Host { get; init; }

    /// <summary>The most that the body of the answer may have, after it is decompressed.</summary>
    public long MaxBytes { get; init; } = 64 * 1024;

    /// <summary>From the call on, waiting for a turn and reading the body included.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the body may pause.</summary>
    public TimeSpan Patience { get; init; } = System.Threading.Timeout.InfiniteTimeSpan;

    /// <summary>How many redirects are followed; only of <c>GET</c>, and never from <c>https</c> to <c>http</c>.</summary>
    public int MaxRedirects { get; init; }

    /// <summary>Only to ports that sites of the web are at: 80, 443, and those above 1023. Others are of other services, redirects included.</summary>
    public bool WebPortsOnly { get; init; }

    /// <summary>The operator wrote the address into the configuration: it may be any, such as this machine's own.</summary>
    public bool NamedByOperator { get; init; }
}
