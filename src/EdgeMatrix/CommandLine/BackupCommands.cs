using EdgeMatrix.Configuration;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Backups;

namespace EdgeMatrix.CommandLine;

/// <summary><c>backup</c>, whether or not a server runs on the data folder, and <c>restore</c> into one that is empty.</summary>
internal sealed class BackupCommands(HomeserverOptions options, Terminal terminal)
{
    private const string Pipe = "-";

    /// <summary>Returns the exit code.</summary>
    public async Task<int> RunAsync(Invocation invocation)
    {
        try
        {
            return invocation.Command == Command.Backup
                ? BackUp(invocation.BackupFile!, invocation.ConfigFile)
                : await RestoreAsync(invocation.BackupFile!);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            terminal.Complain(failure.Message);
            return ExitCode.Failed;
        }
        catch (DatabaseException failure) when (failure.IsDiskFull)
        {
            terminal.Complain(failure.Message);
            return ExitCode.Failed;
        }
        catch (BackupException refusal)
        {
            terminal.Complain(refusal.Message);
            return ExitCode.WrongUsage;
        }
    }

    private int BackUp(string file, string? configuration)
    {
        if (file == Pipe)
        {
            if (terminal.IsScreen)
            {
                terminal.Complain("a backup is nothing for a screen: give it a file, or a program after a |");
                return ExitCode.WrongUsage;
            }

            using var output = terminal.OpenOutput();
            return Write(output, configuration);
        }

        // Beside its place until it is whole: what stands there is the last good backup.
        file = Path.GetFullPath(file);
        RequireReplaceable(file, BackupWriter.IsBackup);
        var unfinished = file + ".unfinished";
        RequireReplaceable(unfinished, BackupWriter.IsRemnant);

        // Nobody else writes a backup to this place meanwhile.
        using (var output = new FileStream(unfinished, OwnerOnly()))
        {
            try
            {
                output.SetLength(0);
                Write(output, configuration);
                output.Flush(flushToDisk: true);
                File.Move(unfinished, file, overwrite: true);
                DataFolder.Flush(Path.GetDirectoryName(file));
            }
            catch
            {
                File.Delete(unfinished);
                throw;
            }
        }

        terminal.Output.WriteLine($"backed up {options.Server.Data} to {file}");
        return ExitCode.Done;
    }

    private int Write(Stream output, string? configuration)
    {
        foreach (var name in BackupWriter.Write(HomeserverParts.DatabaseOf(options), options.Server.Data, configuration, output))
        {
            terminal.Complain($"{name} is damaged, in the data folder and so in the backup: its bytes are not those that were uploaded");
        }

        return ExitCode.Done;
    }

    private async Task<int> RestoreAsync(string file)
    {
        try
        {
            await using var input = file == Pipe ? terminal.OpenInput() : new FileStream(file, FileMode.Open, FileAccess.Read);
            await using var buffered = new BufferedStream(input, 64 * 1024);
            await Restore.RunAsync(buffered, HomeserverParts.DatabaseOf(options));
        }
        catch (BackupException refusal)
        {
            throw new BackupException($"{file} was not restored: {refusal.Message}", refusal);
        }

        terminal.Output.WriteLine($"restored {options.Server.Data}");
        var configuration = Path.Combine(options.Server.Data, "edgematrix.toml");
        if (File.Exists(configuration))
        {
            terminal.Output.WriteLine($"the configuration of that server is in {configuration}; look into it, then give it by --config");
        }

        return ExitCode.Done;
    }

    /// <summary>A file that is there is overwritten if it is a backup, so that a name in the wrong place does no harm.</summary>
    private static void RequireReplaceable(string file, Func<Stream, bool> isOurs)
    {
        if (File.Exists(file))
        {
            using var there = File.OpenRead(file);
            if (!isOurs(there))
            {
                throw new BackupException($"{file} is there, and is no backup: it was left as it is");
            }
        }
    }

    private static FileStreamOptions OwnerOnly()
    {
        var create = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return create;
    }
}
