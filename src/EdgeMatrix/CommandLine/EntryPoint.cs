using System.Collections;
using System.Reflection;
using EdgeMatrix.Configuration;
using EdgeMatrix.NativeLibraries;
using EdgeMatrix.Storage;

namespace EdgeMatrix.CommandLine;

/// <summary>From the command line to an exit code.</summary>
internal static class EntryPoint
{
    /// <param name="openAccounts">Opens the accounts in the data folder, for the <c>user</c> commands.</param>
    public static async Task<int> RunAsync(
        string[] arguments, Terminal terminal, Func<HomeserverOptions, UserActions> openAccounts, CancellationToken cancellation)
    {
        if (arguments is [ThumbnailCommand.Name, var size, var file])
        {
            return ThumbnailCommand.Run(size, file);
        }

        if (Arguments.Parse(arguments, out var problem) is not { } invocation)
        {
            terminal.Complain(problem!);
            terminal.Error.WriteLine("`edgematrix --help` shows what there is.");
            return ExitCode.WrongUsage;
        }

        switch (invocation.Command)
        {
            case Command.Help:
                terminal.Output.Write(Usage.Text);
                return ExitCode.Done;
            case Command.Version:
                terminal.Output.WriteLine($"edgematrix {Version}");
                return ExitCode.Done;
            case Command.Tardis:
                EmbeddedLibraries.Register();
                return await TardisCommand.RunAsync(invocation.TardisAddress, terminal, cancellation);
        }

        var sources = new ConfigSources
        {
            File = invocation.ConfigFile,
            Environment = [.. EnvironmentVariables()],
            CommandLine = invocation.Settings,
        };
        if (ConfigLoader.Load(sources, out var problems) is not { } config)
        {
            foreach (var line in problems)
            {
                terminal.Complain(line);
            }

            return ExitCode.WrongUsage;
        }

        if (invocation.Command == Command.Config)
        {
            terminal.Output.Write(config.ToToml());
            return ExitCode.Done;
        }

        EmbeddedLibraries.Register();
        try
        {
            return invocation.Command switch
            {
                Command.Serve => await ServeCommand.RunAsync(config.Options, terminal, cancellation),
                Command.RoomExport or Command.RoomExplain => new RoomCommands(config.Options, terminal).Run(invocation),
                Command.Backup or Command.Restore => await new BackupCommands(config.Options, terminal).RunAsync(invocation),
                Command.AppServices => new AppServicesCommand(config.Options, terminal).Run(),
                Command.Doctor => await new DoctorCommand(config.Options, terminal).RunAsync(cancellation),
                Command.Federation => new FederationCommand(config.Options, terminal, TimeProvider.System).Run(),
                Command.RotateKey => await RotateKeyCommand.RunAsync(config.Options, terminal),
                Command.Storage => new StorageCommand(config.Options, terminal, TimeProvider.System).Run(invocation),
                _ => await new UserCommands(openAccounts(config.Options), terminal).RunAsync(invocation, cancellation),
            };
        }
        catch (DatabaseException failure)
        {
            terminal.Complain(failure.Message);
            return ExitCode.WrongUsage;
        }
    }

    private static string Version => typeof(EntryPoint).Assembly.GetName().Version!.ToString(fieldCount: 3);

    private static IEnumerable<KeyValuePair<string, string>> EnvironmentVariables()
    {
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            yield return new((string)variable.Key, (string)variable.Value!);
        }
    }
}
