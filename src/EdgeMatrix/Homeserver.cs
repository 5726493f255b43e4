using EdgeMatrix.Configuration;
using EdgeMatrix.Console;
using EdgeMatrix.Console.Health;
using EdgeMatrix.Console.Measuring;
using EdgeMatrix.Serving;

namespace EdgeMatrix;

/// <summary>One whole server: the composition root, which builds every part by hand, in dependency order, and disposes it.</summary>
public sealed class Homeserver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly CancellationTokenSource _stopping;

    private Homeserver(WebApplication app, string serverName, CancellationTokenSource stopping)
    {
        _app = app;
        _stopping = stopping;
        ServerName = serverName;
    }

    /// <summary>What follows the colon of this server's user ids.</summary>
    public string ServerName { get; }

    /// <summary>Where it listens, as URLs with the real ports, once started; empty under a transport of a test's own.</summary>
    public IReadOnlyList<string> Addresses => [.. _app.Urls];

    public IServiceProvider Services => _app.Services;

    /// <param name="nameFromKey">Called where no name is configured: 64 lowercase hex digits of the server's Ed25519 public key.</param>
    /// <exception cref="IOException">The data folder cannot be used.</exception>
    public static Homeserver Build(HomeserverOptions options, Surroundings surroundings, Func<string> nameFromKey)
    {
        Directory.CreateDirectory(options.Server.Data);
        var serverName = options.Server.Name ?? nameFromKey();
        var stopping = new CancellationTokenSource();
        var readiness = new Readiness();
        var metrics = new Metrics();
        ProcessMetrics.Register(metrics, surroundings.Time);
        var requests = new RequestCounter(metrics);

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        WebServer.Configure(builder, options, serverName, surroundings.Time);
        surroundings.Transport?.Invoke(builder.WebHost);

        var app = builder.Build();
        app.Lifetime.ApplicationStarted.Register(readiness.Ready);
        app.Lifetime.ApplicationStopping.Register(readiness.Stopping);

        // Whoever waits for news, a long-polling /sync above all, is sent home at once; else the drain would wait for them.
        app.Lifetime.ApplicationStopping.Register(stopping.Cancel);
        app.Use(requests.Count);
        app.UseRouting();
        app.MapConsole(readiness, metrics, options.Admin.Token);
        return new Homeserver(app, serverName, stopping);
    }

    /// <summary>Returns when every listener answers.</summary>
    /// <exception cref="IOException">An address cannot be listened on.</exception>
    public Task StartAsync(CancellationToken cancellation) => _app.StartAsync(cancellation);

    /// <summary>Returns when the server was told to stop, by <see cref="StopAsync"/>, SIGTERM or SIGINT, and has drained.</summary>
    public Task WaitForShutdownAsync(CancellationToken cancellation) => _app.WaitForShutdownAsync(cancellation);

    /// <summary>Ends long polls, lets other requests finish, for 8 seconds at most.</summary>
    public Task StopAsync(CancellationToken cancellation) => _app.StopAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _stopping.Dispose();
    }
}
