using System.Net;
using EdgeMatrix.Configuration;
using EdgeMatrix.Protocol;
using Xunit;

namespace EdgeMatrix.Server.Tests.Serving;

/// <summary>The real server on a free port of the loopback, over a data folder that dies with it.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private readonly Homeserver _homeserver;
    private readonly string _data;

    private RunningServer(Homeserver homeserver, string data)
    {
        _homeserver = homeserver;
        _data = data;
        Client = new HttpClient { BaseAddress = new Uri(homeserver.Addresses[0]) };
    }

    public HttpClient Client { get; }

    public IReadOnlyList<string> Addresses => _homeserver.Addresses;

    public static async Task<RunningServer> StartAsync(Func<HomeserverOptions, HomeserverOptions>? change = null)
    {
        var data = Directory.CreateTempSubdirectory("edgematrix-test-").FullName;
        var options = new HomeserverOptions { Server = new ServerOptions { Name = "test", Listen = ["http://127.0.0.1:0"], Data = data } };
        var homeserver = await Homeserver.BuildAsync(change?.Invoke(options) ?? options, new Surroundings { Random = new SeededRandom(1) });
        await homeserver.StartAsync(TestContext.Current.CancellationToken);
        return new RunningServer(homeserver, data);
    }

    public async Task<(HttpStatusCode Status, string Text)> GetAsync(string path)
    {
        using var answer = await Client.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _homeserver.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }
}
