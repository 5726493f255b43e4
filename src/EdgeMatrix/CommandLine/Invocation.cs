using EdgeMatrix.Configuration;
using EdgeMatrix.Console.Inspection;

namespace EdgeMatrix.CommandLine;

/// <summary>What a command line asks for: a command with its own words, and the configuration it brings.</summary>
internal sealed record Invocation
{
    public Command Command { get; init; }

    /// <summary>NAME of the <c>user</c> commands that take one; else null.</summary>
    public string? UserName { get; init; }

    public bool PasswordFromStdin { get; init; }

    public bool Admin { get; init; }

    /// <summary><c>user admin</c>, <c>lock</c> and <c>suspend</c> are to undo what they else do.</summary>
    public bool Off { get; init; }

    /// <summary><c>user deactivate</c> is to erase the user as well.</summary>
    public bool Erase { get; init; }

    /// <summary>ROOM of the <c>room</c> commands: a room id or an alias of this server; null where a file holds the room.</summary>
    public string? Room { get; init; }

    /// <summary>EVENT of <c>room explain</c>; null: the newest.</summary>
    public string? EventId { get; init; }

    public ExportFormat Format { get; init; }

    /// <summary>The exported room that <c>room explain</c> reads; null: the one in the data folder.</summary>
    public string? RoomFile { get; init; }

    /// <summary>The room version of that file; null: as its create event says.</summary>
    public string? RoomVersion { get; init; }

    /// <summary><c>storage</c> as JSON.</summary>
    public bool Json { get; init; }

    /// <summary><c>storage</c> is to write the database anew without its free pages.</summary>
    public bool Vacuum { get; init; }

    /// <summary><c>IP:PORT</c> that <c>tardis</c> listens on; null: the one that TARDIS asks for.</summary>
    public string? TardisAddress { get; init; }

    /// <summary>FILE of <c>backup</c> and <c>restore</c>; <c>-</c>: a standard stream.</summary>
    public string? BackupFile { get; init; }

    public string? ConfigFile { get; init; }

    public IReadOnlyList<CommandLineSetting> Settings { get; init; } = [];
}

internal enum Command
{
    Serve,
    UserAdd,
    UserList,
    UserResetPassword,
    UserAdmin,
    UserLock,
    UserSuspend,
    UserLogOut,
    UserDeactivate,
    RoomExport,
    RoomExplain,
    Storage,
    AppServices,
    Doctor,
    Federation,
    RotateKey,
    Tardis,
    Backup,
    Restore,
    Config,
    Version,
    Help,
}
