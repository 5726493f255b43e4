using EdgeMatrix.ClientApi;
using EdgeMatrix.Configuration;
using EdgeMatrix.Console;
using EdgeMatrix.Console.Health;
using EdgeMatrix.Console.Measuring;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Delivery.Push;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Federation.Sending;
using EdgeMatrix.ServerApi;
using EdgeMatrix.Serving;
using EdgeMatrix.Upkeep;

namespace EdgeMatrix;

/// <summary>One whole server: the composition root, which builds every part by hand, in dependency order, and disposes it.</summary>
public sealed class Homeserver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HomeserverParts _parts;
    private readonly UpkeepWorker _upkeep;

    private Homeserver(WebApplication app, HomeserverParts parts, UpkeepWorker upkeep)
    {
        _app = app;
        _parts = parts;
        _upkeep = upkeep;
    }

    /// <summary>What follows the colon of this server's user ids.</summary>
    public string ServerName => _parts.Server.Name;

    /// <summary>Where it listens, as URLs with the real ports, once started; empty under a transport of a test's own.</summary>
    public IReadOnlyList<string> Addresses => [.. _app.Urls];

    public IServiceProvider Services => _app.Services;

    /// <summary>What the server does for itself in the background.</summary>
    public UpkeepWorker Upkeep => _upkeep;

    /// <exception cref="IOException">The data folder cannot be used.</exception>
    /// <exception cref="Storage.DatabaseException">The data folder is in use, damaged, or another server's.</exception>
    public static async Task<Homeserver> BuildAsync(HomeserverOptions options, Surroundings surroundings)
    {
        var parts = await HomeserverParts.OpenAsync(options, surroundings);
        var readiness = new Readiness();
        var metrics = new Metrics();
        ProcessMetrics.Register(metrics, surroundings.Time);
        DatabaseMetrics.Register(metrics, parts.Database);
        MemoryMetrics.Register(metrics, parts.Database.Memory);
        AppServiceMetrics.Register(metrics, parts.AppServiceDelivery);
        FederationMetrics.Register(metrics, parts.ReceivedCounts, parts.Database);
        FederationMetrics.Register(metrics, parts.IncomingEdus);
        FederationMetrics.Register(metrics, parts.Outbox);
        var requests = new RequestCounter(metrics);

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        WebServer.Configure(builder, options, parts.Database.Memory.Limit, parts.Server.Name, surroundings.Time);
        parts.AddTo(builder.Services);
        surroundings.Transport?.Invoke(builder.WebHost);

        var app = builder.Build();
        app.Lifetime.ApplicationStarted.Register(readiness.Ready);
        app.Lifetime.ApplicationStopping.Register(readiness.Stopping);
        var upkeep = new UpkeepWorker(parts.UpkeepJobs, surroundings.Time, app.Services.GetRequiredService<ILogger<UpkeepWorker>>());
        app.Lifetime.ApplicationStopping.Register(upkeep.Stop);
        app.Lifetime.ApplicationStopping.Register(parts.Completion.Stop);
        app.Lifetime.ApplicationStopping.Register(parts.Extremities.Stop);
        app.Lifetime.ApplicationStopping.Register(parts.Healing.Stop);
        app.Lifetime.ApplicationStopping.Register(parts.Push.Stop);
        app.Lifetime.ApplicationStopping.Register(parts.AppServiceDelivery.Stop);
        app.Lifetime.ApplicationStopping.Register(parts.Outbox.Stop);
        app.Lifetime.ApplicationStopping.Register(parts.Mails.Stop);
        app.Use(requests.Count);
        app.UseClientApi();
        app.UseServerApi();
        app.MapClientApi();
        app.MapServerApi();
        app.MapConsole(readiness, parts.Database, metrics, options.Admin.Token);
        return new Homeserver(app, parts, upkeep);
    }

    /// <summary>Returns when every listener answers.</summary>
    /// <exception cref="IOException">An address cannot be listened on.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await _parts.PrepareAppServicesAsync(cancellation);
        _parts.Transactions.Start(_app.Services.GetRequiredService<ILogger<IncomingTransactions>>());
        await _app.StartAsync(cancellation);
        _parts.Engine.SelfDestruction.Start();
        _parts.Healing.Start(_app.Services.GetRequiredService<ILogger<RoomHealing>>());
        _parts.Completion.Start(_app.Services.GetRequiredService<ILogger<RoomCompletion>>());
        _parts.Extremities.Start(_app.Services.GetRequiredService<ILogger<ExtremityExchange>>());
        _parts.AppServiceDelivery.Start(_app.Services.GetRequiredService<ILogger<AppServiceDelivery>>());
        _parts.Outbox.Start(_app.Services.GetRequiredService<ILogger<Outbox>>());
        _parts.Push.Start(_app.Services.GetRequiredService<ILogger<PushDelivery>>());
        _parts.Mails.Start(_app.Services.GetRequiredService<ILogger<MailQueue>>());
    }

    /// <summary>Returns when the server was told to stop, by <see cref="StopAsync"/>, SIGTERM or SIGINT, and has drained.</summary>
    public Task WaitForShutdownAsync(CancellationToken cancellation) => _app.WaitForShutdownAsync(cancellation);

    /// <summary>Ends long polls, lets other requests finish, for 8 seconds at most.</summary>
    public Task StopAsync(CancellationToken cancellation) => _app.StopAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        await _upkeep.DisposeAsync();
        await _parts.DisposeAsync();
    }
}
