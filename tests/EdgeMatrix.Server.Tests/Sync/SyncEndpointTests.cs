using System.Text.Json;
using EdgeMatrix.Testing;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace EdgeMatrix.Server.Tests.Sync;

public sealed class SyncEndpointTests : IAsyncLifetime
{
    private TestHomeserver _server = null!;
    private TestSession _alice = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestHomeserver.StartAsync();
        _alice = await _server.RegisterAsync("alice");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

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
        Assert.Equal((400, "M_INVALID_PARAM"), (await GetAsync(query)).Error);
    }

    [Fact]
    public async Task A_filter_is_taken_as_it_is_or_by_its_id()
    {
        await _alice.CreateRoomAsync();
        const string Nothing = """{"room":{"rooms":[]}}""";
        var id = (await _alice.PostAsync("/_matrix/client/v3/user/@alice:test/filter", Nothing))["filter_id"].GetString();

        Assert.NotEmpty(Joined(await GetAsync("")));
        Assert.Empty(Joined(await GetAsync("filter=" + Uri.EscapeDataString(Nothing))));
        Assert.Empty(Joined(await GetAsync($"filter={id}")));
        Assert.Empty(Joined(await GetAsync($"filter={id}")));
    }

    [Theory]
    [InlineData("", "state")]
    [InlineData("use_state_after=false", "state")]
    [InlineData("use_state_after=true", "state_after")]
    [InlineData("org.matrix.msc4222.use_state_after=true", "org.matrix.msc4222.state_after")]
    public async Task The_state_is_named_as_the_client_asked_for_it(string query, string name)
    {
        var room = await _alice.CreateRoomAsync();

        var answer = await GetAsync(query);

        Assert.Equal(
            [name],
            answer["rooms"].GetProperty("join").GetProperty(room).EnumerateObject().Select(p => p.Name).Where(p => p.Contains("state", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_large_answer_comes_whole()
    {
        var room = await _alice.CreateRoomAsync();
        for (var i = 0; i < 10; i++)
        {
            await _alice.SendTextAsync(room, new string((char)('a' + i), 40_000), $"t{i}");
        }

        var answer = await GetAsync("");

        Assert.Equal(10, ((JsonElement?)answer["rooms"].GetProperty("join").GetProperty(room)).Timeline().Count);
    }

    [Fact]
    public async Task The_end_of_the_server_answers_who_waits()
    {
        var since = (await GetAsync("")).Json.Next();
        var waiting = GetAsync($"since={since}&timeout=600000");

        // A wait that began after the end would end at once as well.
        _server.Part<IHostApplicationLifetime>().StopApplication();

        Assert.Equal(since, (await waiting).Json.Next());
    }

    private static List<string> Joined(TestAnswer sync) =>
        sync["rooms"].TryGetProperty("join", out var joined) ? [.. joined.EnumerateObject().Select(p => p.Name)] : [];

    private async Task<TestAnswer> GetAsync(string query)
    {
        var answer = await _alice.GetAsync("/_matrix/client/v3/sync?" + query);
        Assert.Equal("application/json", answer.Headers["Content-Type"]);
        return answer;
    }
}
