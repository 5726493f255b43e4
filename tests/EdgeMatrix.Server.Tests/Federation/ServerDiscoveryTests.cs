using System.Net;
using EdgeMatrix.Federation.Discovery;
using EdgeMatrix.Outbound;
using EdgeMatrix.Outbound.Names;
using EdgeMatrix.Protocol;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

public sealed class ServerDiscoveryTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(1_790_000_000));
    private readonly Dictionary<string, SrvRecord[]> _services = [];
    private readonly Web _web = new();
    private readonly NameResolver _names;
    private readonly OutboundNetwork _network;
    private readonly WellKnownServer _wellKnown;
    private readonly ServerDiscovery _discovery;

    public ServerDiscoveryTests()
    {
        _names = new NameResolver(
            (_, _) => throw new System.Net.Sockets.SocketException(),
            (name, _) => Task.FromResult(new SrvAnswer(_services.GetValueOrDefault(name, []), TimeSpan.FromMinutes(5))),
            _time);
        _network = new OutboundNetwork(new AddressPolicy([]), _time, _web);
        _wellKnown = new WellKnownServer(_network);
        _discovery = new ServerDiscovery(
            new Dictionary<string, IPEndPoint> { ["pinned.org"] = IPEndPoint.Parse("[::1]:1234") }, _wellKnown, _names, new SeededRandom(1));
    }

    public void Dispose()
    {
        _wellKnown.Dispose();
        _network.Dispose();
        _names.Dispose();
        _web.Dispose();
    }

    [Theory]
    [InlineData("1.2.3.4", "1.2.3.4", "1.2.3.4:8448")]
    [InlineData("1.2.3.4:5", "1.2.3.4:5", "1.2.3.4:5")]
    [InlineData("[2001:db8::1]", "[2001:db8::1]", "[2001:db8::1]:8448")]
    [InlineData("[2001:db8::1]:5", "[2001:db8::1]:5", "[2001:db8::1]:5")]
    [InlineData("example.org:5", "example.org:5", "example.org:5")]
    [InlineData("pinned.org", "pinned.org", "[::1]:1234")]
    public async Task What_names_its_place_is_there_and_nobody_is_asked(string name, string host, string place)
    {
        await AssertAtAsync(name, host, place);
        Assert.Equal(0, _web.Requests);
    }

    [Theory]
    [InlineData("1.2.3.4", "1.2.3.4", "1.2.3.4:8448")]
    [InlineData("[2001:db8::1]:5", "[2001:db8::1]:5", "[2001:db8::1]:5")]
    [InlineData("m.example.org:443", "m.example.org:443", "m.example.org:443")]
    [InlineData("m.example.org", "m.example.org", "m.example.org:8448")]
    [InlineData("new.example.org", "new.example.org", "t.example.org:1")]
    [InlineData("old.example.org", "old.example.org", "t.example.org:2")]
    public async Task A_server_delegates(string to, string host, string place)
    {
        _services["_matrix-fed._tcp.new.example.org"] = [new SrvRecord(0, 0, 1, "t.example.org")];
        _services["_matrix._tcp.new.example.org"] = [new SrvRecord(0, 0, 3, "t.example.org")];
        _services["_matrix._tcp.old.example.org"] = [new SrvRecord(0, 0, 2, "t.example.org")];
        _services["_matrix-fed._tcp.example.org"] = [new SrvRecord(0, 0, 4, "wrong.example.org")];
        _web.Says($$"""{"m.server":"{{to}}"}""");

        await AssertAtAsync("example.org", host, place);
    }

    [Theory]
    [InlineData("_matrix-fed._tcp.example.org", "t.example.org:7")]
    [InlineData("_matrix._tcp.example.org", "t.example.org:7")]
    [InlineData("none", "example.org:8448")]
    public async Task Who_delegates_to_nobody_is_found_by_services_or_by_name(string service, string place)
    {
        _services[service] = [new SrvRecord(0, 0, 7, "t.example.org")];

        await AssertAtAsync("example.org", "example.org", place);
    }

    [Fact]
    public async Task Services_are_tried_by_their_priority_and_one_that_is_nowhere_is_nowhere()
    {
        _services["_matrix-fed._tcp.example.org"] =
            [new SrvRecord(2, 9, 2, "c.org"), new SrvRecord(1, 0, 1, "b.org"), new SrvRecord(0, 5, 0, "noport.org"), new SrvRecord(0, 5, 5, "a.org")];
        _services["_matrix-fed._tcp.gone.org"] = [new SrvRecord(0, 0, 0, "")];

        await AssertAtAsync("example.org", "example.org", "a.org:5", "b.org:1", "c.org:2");
        Assert.Null(await _discovery.FindAsync("gone.org", default));
    }

    [Theory]
    [InlineData("no name")]
    [InlineData("example.org:99999")]
    [InlineData("example.org:0")]
    [InlineData("")]
    public async Task What_is_no_name_is_nowhere(string name) => Assert.Null(await _discovery.FindAsync(name, default));

    [Theory]
    [InlineData("""{"m.server":5}""")]
    [InlineData("""{"m.server":"no name"}""")]
    [InlineData("""["m.server"]""")]
    [InlineData("<html>")]
    public async Task A_page_that_is_no_delegation_is_none(string page)
    {
        _web.Says(page);

        await AssertAtAsync("example.org", "example.org", "example.org:8448");
    }

    [Theory]
    [InlineData(null, 24 * 60)]
    [InlineData("max-age=3600", 60)]
    [InlineData("max-age=1", 5)]
    [InlineData("no-store", 5)]
    [InlineData("max-age=99999999", 48 * 60)]
    public async Task A_delegation_is_kept_as_long_as_it_says_within_bounds(string? cacheControl, int minutes)
    {
        _web.Says("""{"m.server":"m.example.org:1"}""", cacheControl);
        await _discovery.FindAsync("example.org", default);
        _web.Says("""{"m.server":"n.example.org:1"}""");

        _time.Advance(TimeSpan.FromMinutes(minutes) - TimeSpan.FromSeconds(1));
        await AssertAtAsync("example.org", "m.example.org:1", "m.example.org:1");
        Assert.Equal(1, _web.Requests);

        _time.Advance(TimeSpan.FromSeconds(1));
        await AssertAtAsync("example.org", "n.example.org:1", "n.example.org:1");
    }

    [Fact]
    public async Task Who_does_not_answer_is_asked_less_and_less_often_and_a_delegation_outlives_that_for_two_days()
    {
        _web.Says("""{"m.server":"m.example.org:1"}""", "max-age=3600");
        await _discovery.FindAsync("example.org", default);
        _web.Fails();

        _time.Advance(TimeSpan.FromHours(1));
        await AssertAtAsync("example.org", "m.example.org:1", "m.example.org:1");
        for (var hours = 0; hours < 48; hours++)
        {
            _time.Advance(TimeSpan.FromHours(1));
            await _discovery.FindAsync("example.org", default);
        }

        Assert.InRange(_web.Requests, 40, 60);
        await AssertAtAsync("example.org", "example.org", "example.org:8448");

        // Asked within the hour, it is left alone.
        var before = _web.Requests;
        _time.Advance(TimeSpan.FromMinutes(1));
        await _discovery.FindAsync("example.org", default);
        Assert.Equal(before, _web.Requests);
    }

    private async Task AssertAtAsync(string name, string host, params string[] places)
    {
        var route = await _discovery.FindAsync(name, default);

        Assert.Equal((host, string.Join(' ', places)), (route?.Host, string.Join(' ', route!.Addresses.Select(at => $"{at.Host}:{at.Port}"))));
    }

    private sealed class Web : HttpMessageHandler
    {
        private Func<HttpResponseMessage> _answer = () => new HttpResponseMessage(HttpStatusCode.NotFound);

        public int Requests { get; private set; }

        public void Says(string body, string? cacheControl = null) => _answer = () =>
        {
            var response = new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(body) };
            if (cacheControl is not null)
            {
                response.Headers.TryAddWithoutValidation("Cache-Control", cacheControl);
            }

            return response;
        };

        public void Fails() => _answer = () => throw new HttpRequestException("gone");

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests++;
            Assert.Equal("https://example.org/.well-known/matrix/server", request.RequestUri!.ToString().Replace("gone.org", "example.org", StringComparison.Ordinal));
            return Task.FromResult(_answer());
        }
    }
}
