using System.Net;
using System.Text.Json;
using EdgeMatrix.ClientApi;
using EdgeMatrix.ClientApi.Sync;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Sync.Filters;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;
using static EdgeMatrix.Server.Tests.Sync.SyncFixture;

namespace EdgeMatrix.Server.Tests.Sync;

public sealed class SyncEndpointTests : IAsyncLifetime
{
    private readonly SyncFixture _fixture = Start();
    private WebApplication _app = null!;
    private HttpClient _client = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var requester = new Requester(Alice, await _fixture.UserAsync(Alice), "DEVICE", 1, IsAdmin: false);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(_fixture.Sync);
        builder.Services.AddSingleton(new StoredFilters(_fixture.Database));
        _app = builder.Build();
        _app.Use((context, next) =>
        {
            context.Features.Set(requester);
            return next(context);
        });
        _app.MapSync();
        await _app.StartAsync(Cancelled);
        _client = _app.GetTestClient();
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
        await _fixture.DisposeAsync();
    }

    [Theory]
    [InlineData("since=garbage")]
    [InlineData("since=s999999999_0")]
    [InlineData("timeout=soon")]
    [InlineData("timeout=-1")]
    [InlineData("full_state=perhaps")]
    [InlineData("use_state_after=1")]
    [InlineData("set_presence=asleep")]
    [InlineData("filter=12345")]
    [InlineData("filter=nonsense")]
    [InlineData("filter={")]
    [InlineData("filter={\"room\":1}")]
    [InlineData("filter={\"room\":{\"rooms\":[\"\\ud800\"]}}")]
    public async Task A_parameter_that_makes_no_sense_is_refused(string query)
    {
        var (status, body) = await GetAsync(query);

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("M_INVALID_PARAM", body.GetProperty("errcode").GetString());
    }

    [Fact]
    public async Task A_filter_is_taken_as_it_is_or_by_its_id()
    {
        await _fixture.CreateAsync(Alice);
        const string Nothing = """{"room":{"rooms":[]}}""";
        var id = await _fixture.Database.WriteAsync(db => FilterTable.Insert(db, 1, Nothing));
        Assert.Equal(1, await _fixture.UserAsync(Alice));

        Assert.NotEmpty(Joined((await GetAsync("")).Body));
        Assert.Empty(Joined((await GetAsync("filter=" + Uri.EscapeDataString(Nothing))).Body));
        Assert.Empty(Joined((await GetAsync($"filter={id}")).Body));
        Assert.Empty(Joined((await GetAsync($"filter={id}")).Body));
    }

    [Theory]
    [InlineData("", "state")]
    [InlineData("use_state_after=false", "state")]
    [InlineData("use_state_after=true", "state_after")]
    [InlineData("org.matrix.msc4222.use_state_after=true", "org.matrix.msc4222.state_after")]
    public async Task The_state_is_named_as_the_client_asked_for_it(string query, string name)
    {
        var room = await _fixture.CreateAsync(Alice);

        var (status, body) = await GetAsync(query);

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(
            [name],
            body.GetProperty("rooms").GetProperty("join").GetProperty(room.Id).EnumerateObject().Select(p => p.Name).Where(p => p.Contains("state", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_large_answer_comes_whole()
    {
        var room = await _fixture.CreateAsync(Alice);
        for (var i = 0; i < 10; i++)
        {
            await _fixture.SendAsync(room, Alice, new string((char)('a' + i), 40_000));
        }

        var (_, body) = await GetAsync("");

        Assert.Equal(10, ((JsonElement?)body.GetProperty("rooms").GetProperty("join").GetProperty(room.Id)).Timeline().Count);
    }

    [Fact]
    public async Task The_end_of_the_server_answers_who_waits()
    {
        await _fixture.CreateAsync(Alice);
        var since = (await GetAsync("")).Body.Next();
        var waiting = GetAsync($"since={since}&timeout=600000");

        // A wait that began after the end would end at once as well.
        _app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        var (status, body) = await waiting;
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(since, body.Next());
    }

    private static List<string> Joined(JsonElement sync) =>
        sync.GetProperty("rooms").TryGetProperty("join", out var joined) ? [.. joined.EnumerateObject().Select(p => p.Name)] : [];

    private async Task<(HttpStatusCode Status, JsonElement Body)> GetAsync(string query)
    {
        using var response = await _client.GetAsync(new Uri("/_matrix/client/v3/sync?" + query, UriKind.Relative), Cancelled);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        return (response.StatusCode, JsonElement.Parse(await response.Content.ReadAsByteArrayAsync(Cancelled)));
    }
}
