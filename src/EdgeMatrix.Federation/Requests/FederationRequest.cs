namespace EdgeMatrix.Federation.Requests;

/// <summary>What requests wait for turns together: whoever makes many to slow servers holds up those of its own kind only.</summary>
public enum FederationLane
{
    /// <summary>What rooms need: transactions, joins, events.</summary>
    Rooms,

    /// <summary>What a user waits for: profiles, directories, device keys. Anybody can ask for them, of any server.</summary>
    Queries,

    /// <summary>Files, which take long.</summary>
    Media,

    /// <summary>Signing keys. Anybody can sign as any server, and have its keys asked for.</summary>
    Keys,
}

/// <summary>A request to another server.</summary>
/// <param name="Destination">The name of the server; not this one's.</param>
/// <param name="Target">Path and query, what they hold percent-encoded: they are signed as they stand.</param>
public sealed record FederationRequest(string Destination, HttpMethod Method, string Target)
{
    public FederationLane Lane { get; init; }

    /// <summary>JSON; null for none.</summary>
    public ReadOnlyMemory<byte>? Content { get; init; }

    /// <summary>The most that the answer may have.</summary>
    public long MaxBytes { get; init; } = 1 << 20;

    /// <summary>How long the answer may take in all; null: as it is configured.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>
    /// Whether it is sent even while the server is left alone after failures: where a user waits for it, or where it is the server who was just heard from.
    /// </summary>
    public bool DespiteBackoff { get; init; }

    /// <summary>Whether the request says who makes it: false for keys, which are for everybody.</summary>
    public bool IsSigned { get; init; } = true;

    public static FederationRequest Get(string destination, string target) => new(destination, HttpMethod.Get, target);

    /// <param name="content">JSON.</param>
    public static FederationRequest Post(string destination, string target, ReadOnlyMemory<byte> content) =>
        new(destination, HttpMethod.Post, target) { Content = content };

    /// <param name="content">JSON.</param>
    public static FederationRequest Put(string destination, string target, ReadOnlyMemory<byte> content) =>
        new(destination, HttpMethod.Put, target) { Content = content };
}
