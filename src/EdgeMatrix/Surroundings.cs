using EdgeMatrix.Accounts.Passwords;
using EdgeMatrix.CommandLine;
using EdgeMatrix.Outbound.Names;
using EdgeMatrix.Protocol;
using Microsoft.AspNetCore.Hosting;

namespace EdgeMatrix;

/// <summary>What a homeserver takes from the world around it. A test brings its own, so that many servers live in one process.</summary>
public sealed record Surroundings
{
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public required RandomSource Random { get; init; }

    /// <summary>How many looks at the database there can be at once. With one, whoever opens a snapshot inside another waits for itself, and is found out.</summary>
    public int Readers { get; init; } = 4;

    /// <inheritdoc cref="Storage.DatabaseOptions.WritesInPool"/>
    public bool WritesInPool { get; init; }

    /// <summary>What passwords are hashed at.</summary>
    public PasswordCost PasswordCost { get; init; } = PasswordCost.Standard;

    /// <summary>What the upkeep of the memory watches and gives back.</summary>
    public ProcessMemory Memory { get; init; } = ProcessMemory.OfThisProcess();

    /// <summary>Takes the place of the sockets over which the server reaches others; null: real ones.</summary>
    public HttpMessageHandler? Outbound { get; init; }

    /// <summary>Takes the place of DNS where <see cref="Outbound"/> is no socket: the SRV records of a name.</summary>
    public Func<string, CancellationToken, Task<SrvAnswer>> Services { get; init; } = (_, _) => Task.FromResult(new SrvAnswer([], TimeSpan.FromDays(1)));

    /// <summary>The words that start this program anew, for work that is done in a process of its own.</summary>
    public IReadOnlyList<string> Program { get; init; } = ThumbnailCommand.Program();

    /// <summary>Takes the place of the listeners, as <c>UseTestServer</c> does; null: real sockets.</summary>
    public Action<IWebHostBuilder>? Transport { get; init; }
}
