using System.Net;
using EdgeMatrix.Outbound;
using EdgeMatrix.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Outbound;

public sealed class OutboundClientTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new();
    private Peer _peer = null!;

    public async ValueTask InitializeAsync() => _peer = await Peer.StartAsync();

    public ValueTask DisposeAsync() => _peer.DisposeAsync();

    [Fact]
    public async Task What_may_be_reached_answers()
    {
        using var network = Network(["127.0.0.1"]);
        using var client = new OutboundClient(network, 1);

        var (status, body) = await client.SendAsync(
            new OutboundRequest(HttpMethod.Post, Url("/here")) { Body = "{\"a\":1}"u8.ToArray(), Authorization = "Bearer t" }, default);

        Assert.Equal((HttpStatusCode.OK, "{}"), (status, System.Text.Encoding.UTF8.GetString(body)));
        Assert.Equal(new PeerRequest("POST", "/here", "Bearer t", "{\"a\":1}"), await _peer.NextAsync());
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("2130706433")]
    [InlineData("0x7f.1")]
    public async Task The_server_itself_is_not_reached_however_it_is_written(string host)
    {
        using var network = Network([]);
        using var client = new OutboundClient(network, 1);

        var url = new UriBuilder(Url("/")) { Host = host }.Uri;

        Assert.Equal(OutboundFailure.Refused, await FailureAsync(client, new OutboundRequest(HttpMethod.Get, url)));
        Assert.Equal(0, _peer.Waiting);
    }

    [Fact]
    public async Task A_name_that_leads_inside_is_refused_and_the_operator_may_use_it()
    {
        using var network = Network([], (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback]));
        using var client = new OutboundClient(network, 1);
        var request = new OutboundRequest(HttpMethod.Get, new UriBuilder(Url("/")) { Host = "harmless.example" }.Uri);

        Assert.Equal(OutboundFailure.Refused, await FailureAsync(client, request));
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(request with { NamedByOperator = true }, default)).Status);
    }

    [Fact]
    public async Task A_redirect_is_followed_as_far_as_was_asked_and_checked_anew()
    {
        using var network = Network(["127.0.0.1"], (host, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse(host == "inside.example" ? "10.0.0.1" : "127.0.0.1")]));
        using var client = new OutboundClient(network, 1);
        _peer.Answer = (request, response) =>
        {
            response.StatusCode = 302;
            response.Headers.Location = request.Path == "/in" ? "http://inside.example/" : "/on";
            return request.Path == "/on" ? Ok(response) : Task.CompletedTask;
        };
        var get = new OutboundRequest(HttpMethod.Get, Url("/")) { MaxRedirects = 1 };

        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(get, default)).Status);
        Assert.Equal(HttpStatusCode.Found, (await client.SendAsync(get with { MaxRedirects = 0 }, default)).Status);
        Assert.Equal(OutboundFailure.Refused, await FailureAsync(client, get with { Url = Url("/in") }));
    }

    [Fact]
    public async Task A_long_answer_is_taken_up_to_the_bound()
    {
        using var network = Network(["127.0.0.1"]);
        using var client = new OutboundClient(network, 1);
        _peer.Answer = (_, response) => response.WriteAsync(new string('x', 1_001));

        Assert.Equal(OutboundFailure.TooLarge, await FailureAsync(client, new OutboundRequest(HttpMethod.Get, Url("/")) { MaxBytes = 1_000 }));
        Assert.Equal(1_001, (await client.SendAsync(new OutboundRequest(HttpMethod.Get, Url("/")) { MaxBytes = 1_001 }, default)).Body.Length);
    }

    [Fact]
    public async Task Who_answers_late_is_given_up_and_makes_room_for_the_next()
    {
        using var network = Network(["127.0.0.1"]);
        using var client = new OutboundClient(network, 1);
        var never = new TaskCompletionSource();
        _peer.Answer = (_, _) => never.Task;

        var late = FailureAsync(client, new OutboundRequest(HttpMethod.Get, Url("/")) { Timeout = TimeSpan.FromSeconds(5) });
        await _peer.NextAsync();
        _peer.Answer = (_, response) => response.WriteAsync("{}");
        var next = client.SendAsync(new OutboundRequest(HttpMethod.Get, Url("/next")) { Timeout = TimeSpan.FromMinutes(5) }, default);
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(OutboundFailure.TimedOut, await late);
        Assert.Equal(HttpStatusCode.OK, (await next).Status);
        never.SetResult();
    }

    [Fact]
    public async Task A_server_goes_out_over_the_network_of_its_test()
    {
        var network = new TestNetwork();
        await using var one = await TestHomeserver.StartAsync(name: "one", network: network);
        await using var two = await TestHomeserver.StartAsync(name: "two", network: network);
        using var client = new OutboundClient(one.Part<OutboundNetwork>(), 1);
        var request = new OutboundRequest(HttpMethod.Get, new Uri("https://two/_matrix/client/versions"));

        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(request, default)).Status);

        network.Link("one", "two").Cut();
        Assert.Equal(OutboundFailure.Unreachable, await FailureAsync(client, request));
    }

    private static async Task Ok(HttpResponse response)
    {
        response.StatusCode = 200;
        await response.WriteAsync("{}");
    }

    private static async Task<OutboundFailure> FailureAsync(OutboundClient client, OutboundRequest request) =>
        (await Assert.ThrowsAsync<OutboundException>(() => client.SendAsync(request, default))).Failure;

    private OutboundNetwork Network(string[] allow, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null) =>
        new(new AddressPolicy(allow), _time, null, resolve);

    private Uri Url(string path) => new(_peer.Url + path);
}
