using EdgeMatrix.Protocol.Patterns;

namespace EdgeMatrix.Accounts.AppServices;

/// <summary>What an application service and this server know of each other, as its registration file has it.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#registration</remarks>
public sealed class AppServiceRegistration
{
    public required string Id { get; init; }

    /// <summary>Where it listens; null: it is told nothing.</summary>
    public required Uri? Url { get; init; }

    /// <summary>The secret by which it is known here.</summary>
    public required string AsToken { get; init; }

    /// <summary>The secret by which this server is known there.</summary>
    public required string HsToken { get; init; }

    public required string SenderLocalpart { get; init; }

    public IReadOnlyList<AppServiceNamespace> Users { get; init; } = [];

    public IReadOnlyList<AppServiceNamespace> Aliases { get; init; } = [];

    public IReadOnlyList<AppServiceNamespace> Rooms { get; init; } = [];

    /// <summary>Whether its users may do things only so often; its sender is not limited in any case.</summary>
    public bool RateLimited { get; init; } = true;

    /// <summary>The networks that it leads to.</summary>
    public IReadOnlyList<string> Protocols { get; init; } = [];

    public bool ReceiveEphemeral { get; init; }

    /// <summary><see cref="ReceiveEphemeral"/> by its name of before the release (MSC2409): it is told by the names of that time.</summary>
    public bool PushEphemeral { get; init; }

    /// <summary>It is told of devices and their keys (MSC3202), and of messages to devices (MSC4203).</summary>
    public bool Encryption { get; init; }
}

/// <summary>User ids, aliases or room ids by their pattern.</summary>
/// <param name="Exclusive">Nobody else makes or deletes such.</param>
public sealed record AppServiceNamespace(Pattern Pattern, bool Exclusive);
