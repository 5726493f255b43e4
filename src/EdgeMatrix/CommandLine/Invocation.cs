using EdgeMatrix.Configuration;

namespace EdgeMatrix.CommandLine;

/// <summary>What a command line asks for: a command with its own words, and the configuration it brings.</summary>
internal sealed record Invocation
{
    public Command Command { get; init; }

    /// <summary>NAME of the <c>user</c> commands that take one; else null.</summary>
    public string? UserName { get; init; }

    public bool PasswordFromStdin { get; init; }

    public bool Admin { get; init; }

    public string? ConfigFile { get; init; }

    public IReadOnlyList<CommandLineSetting> Settings { get; init; } = [];
}

internal enum Command
{
    Serve,
    UserAdd,
    UserList,
    UserResetPassword,
    Config,
    Version,
    Help,
}
