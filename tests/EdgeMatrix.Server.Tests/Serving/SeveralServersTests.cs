using System.Net;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Serving;

/// <summary>Several servers in one process, and the network between them.</summary>
public sealed class SeveralServersTests : IAsyncLifetime
{
    private const string WhoAmI = "/_matrix/client/v3/account/whoami";
    private static readonly Uri VersionsOfTwo = new("https://two/_matrix/client/versions");

    private readonly TestNetwork _network = new();
    private TestHomeserver _one = null!;
    private TestHomeserver _two = null!;
    private HttpClient _fromOne = null!;

    public async ValueTask InitializeAsync()
    {
        _one = await TestHomeserver.StartAsync(name: "one", seed: 1, network: _network);
        _two = await TestHomeserver.StartAsync(name: "two", seed: 2, network: _network);
        _fromOne = new HttpClient(_network.HandlerOf("one", _one.Time));
    }

    public async ValueTask DisposeAsync()
    {
        _fromOne.Dispose();
        await _one.DisposeAsync();
        await _two.DisposeAsync();
    }

    [Fact]
    public async Task Each_has_its_own_name_data_and_time()
    {
        var one = await _one.RegisterAsync("alice");
        var two = await _two.RegisterAsync("alice");
        Assert.Equal(("@alice:one", "@alice:two"), (one.UserId, two.UserId));
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await _two.GetAsync(WhoAmI, one.Token)).Error);

        _one.Time.Advance(TimeSpan.FromHours(1));
        await one.SendTextAsync(await one.CreateRoomAsync(), "later", "t");

        Assert.Equal(TimeSpan.FromHours(1), _one.Time.GetUtcNow() - _two.Time.GetUtcNow());
        Assert.Equal(HttpStatusCode.OK, (await two.GetAsync(WhoAmI)).Status);
    }

    [Fact]
    public async Task They_reach_each_other_by_name_while_they_run()
    {
        Assert.Equal(HttpStatusCode.OK, await AskTwoAsync());

        await _two.DisposeAsync();
        await Assert.ThrowsAsync<HttpRequestException>(AskTwoAsync);
    }

    [Fact]
    public async Task A_cut_link_fails_requests_until_it_is_mended_and_leaves_the_others_whole()
    {
        await using var three = await TestHomeserver.StartAsync(name: "three", seed: 3, network: _network);
        using var fromThree = new HttpClient(_network.HandlerOf("three", three.Time));

        _network.Link("one", "two").Cut();
        await Assert.ThrowsAsync<HttpRequestException>(AskTwoAsync);
        using (var around = await fromThree.GetAsync(VersionsOfTwo))
        {
            Assert.Equal(HttpStatusCode.OK, around.StatusCode);
        }

        _network.Link("two", "one").Mend();
        Assert.Equal(HttpStatusCode.OK, await AskTwoAsync());
    }

    [Fact]
    public async Task A_slow_link_is_slow_on_virtual_time()
    {
        _network.Link("one", "two").Delay(TimeSpan.FromMinutes(1));
        var answer = AskTwoAsync();
        _one.Time.Advance(TimeSpan.FromSeconds(59));
        Assert.False(answer.IsCompleted);

        _one.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, await answer);
    }

    [Fact]
    public async Task A_lost_request_does_nothing_and_a_lost_answer_hides_what_was_done()
    {
        _network.Link("one", "two").LoseRequests(1);
        await RegisterAtTwoAndGiveUpAsync("alice");
        Assert.Equal((404, "M_NOT_FOUND"), (await _two.GetAsync("/_matrix/client/v3/profile/@alice:two")).Error);

        _network.Link("one", "two").LoseAnswers(1);
        await RegisterAtTwoAndGiveUpAsync("bob");
        Assert.Equal("""{"displayname":"bob"}""", (await _two.GetAsync("/_matrix/client/v3/profile/@bob:two")).Body);
        Assert.Equal(HttpStatusCode.OK, await AskTwoAsync());
    }

    private async Task<HttpStatusCode> AskTwoAsync()
    {
        using var answer = await _fromOne.GetAsync(VersionsOfTwo);
        return answer.StatusCode;
    }

    private async Task RegisterAtTwoAndGiveUpAsync(string name)
    {
        using var body = new StringContent($$$"""{"username":"{{{name}}}","password":"secret","auth":{"type":"m.login.dummy"}}""");
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1), _one.Time);
        var sending = _fromOne.PostAsync(new Uri("https://two/_matrix/client/v3/register"), body, patience.Token);
        await _network.Link("one", "two").Lost;
        _one.Time.Advance(TimeSpan.FromMinutes(1));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
    }
}
