using System.Text;
using System.Text.Json;
using EdgeMatrix.Configuration;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Two servers, <c>one</c> and <c>two</c>, that find each other by their names.</summary>
public abstract class TwoServers : IAsyncLifetime
{
    protected TestNetwork Network { get; } = new();

    protected TestHomeserver One { get; private set; } = null!;

    protected TestHomeserver Two { get; private set; } = null!;

    protected FederationClient Client => One.Part<FederationClient>();

    public async ValueTask InitializeAsync()
    {
        One = await TestHomeserver.StartAsync(ChangeOne, name: "one", seed: 1, network: Network);
        Two = await TestHomeserver.StartAsync(ChangeTwo, name: "two", seed: 2, network: Network);
    }

    public async ValueTask DisposeAsync()
    {
        await One.DisposeAsync();
        await Two.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected virtual HomeserverOptions ChangeOne(HomeserverOptions options) => options;

    protected virtual HomeserverOptions ChangeTwo(HomeserverOptions options) => options;

    protected async Task RestartOneAsync(Func<HomeserverOptions, Task>? meanwhile = null) => One = await One.RestartAsync(meanwhile: meanwhile);

    protected async Task RestartTwoAsync() => Two = await Two.RestartAsync();

    /// <summary>Asserts that what both have on the disk holds together.</summary>
    protected async Task AssertSoundAsync()
    {
        foreach (var server in (TestHomeserver[])[One, Two])
        {
            await server.WritesSettledAsync();
            using var snapshot = server.Part<Database>().OpenSnapshot();
            Assert.Equal([], DatabaseCheck.Findings(snapshot));
        }
    }

    /// <summary>Has one ask two.</summary>
    protected Task<FederationAnswer> AskAsync(string target) => Client.SendAsync(FederationRequest.Get("two", target), default);

    protected Task<FederationAnswer> AskAsync(string target, string content) =>
        Client.SendAsync(FederationRequest.Post("two", target, Encoding.UTF8.GetBytes(content)), default);

    /// <summary>What one would say of a request to a server.</summary>
    protected string Authorize(string target, string destination = "two", string method = "GET", string? content = null, SigningKey? key = null) =>
        RequestAuthorization.Sign(
            "one", destination, method, target, content is null ? null : JsonElement.Parse(content), key ?? One.Part<LocalServer>().Key);

    /// <summary>Sends a request to two that somebody wrote by hand.</summary>
    protected async Task<(int Status, string? Code)> SendByHandAsync(string target, string? authorization, string method = "GET", string? content = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), target);
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        request.Content = content is null ? null : new ByteArrayContent(Encoding.UTF8.GetBytes(content));
        using var response = await Two.Http.SendAsync(request);
        return new TestAnswer(response.StatusCode, await response.Content.ReadAsStringAsync(), new Dictionary<string, string>()).Error;
    }
}
