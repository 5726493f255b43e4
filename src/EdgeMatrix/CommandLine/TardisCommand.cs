using EdgeMatrix.Console.Inspection.Tardis;
using EdgeMatrix.Serving;

namespace EdgeMatrix.CommandLine;

/// <summary><c>tardis</c>: resolves states for the TARDIS debugger until it is told to stop.</summary>
internal static class TardisCommand
{
    private const string DefaultAddress = "127.0.0.1:1234";
    private const int MaxConnections = 16;
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);

    /// <summary>Returns the exit code.</summary>
    /// <param name="address"><c>IP:PORT</c>; null: where TARDIS looks by itself.</param>
    public static async Task<int> RunAsync(string? address, Terminal terminal, CancellationToken cancellation)
    {
        if (!Listener.TryParse($"http://{address ?? DefaultAddress}", out var listener, out _))
        {
            terminal.Complain($"--listen {address}: tardis listens on IP:PORT, such as {DefaultAddress}");
            return ExitCode.WrongUsage;
        }

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = DrainTime);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.MaxConcurrentUpgradedConnections = MaxConnections;
            kestrel.Listen(listener.Address, listener.Port);
        });
        await using var app = builder.Build();
        app.UseTardis(TimeProvider.System);
        try
        {
            await app.StartAsync(cancellation);
        }
        catch (IOException failure)
        {
            terminal.Complain(failure.Message);
            return ExitCode.Failed;
        }

        terminal.Output.WriteLine("Load an exported room into TARDIS, and give it this as the address of its shim:");
        terminal.Output.WriteLine($"ready listen={app.Urls.First().Replace("http://", "ws://", StringComparison.Ordinal)}");
        terminal.Output.Flush();
        await app.WaitForShutdownAsync(cancellation);
        return ExitCode.Done;
    }
}
