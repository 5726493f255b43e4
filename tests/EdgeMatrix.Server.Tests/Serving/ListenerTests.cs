using System.Net;
using EdgeMatrix.Serving;
using Xunit;

namespace EdgeMatrix.Server.Tests.Serving;

public sealed class ListenerTests
{
    [Theory]
    [InlineData("http://0.0.0.0:8008", false, "0.0.0.0", 8008)]
    [InlineData("https://127.0.0.1:0/", true, "127.0.0.1", 0)]
    [InlineData("http://[::1]:443", false, "::1", 443)]
    [InlineData("http://localhost:1", false, "127.0.0.1", 1)]
    [InlineData("HTTP://*:80", false, "::", 80)]
    public void A_listener_is_a_URL_of_an_address_and_a_port(string url, bool tls, string address, int port)
    {
        Assert.True(Listener.TryParse(url, out var listener, out _));
        Assert.Equal(new Listener(tls, IPAddress.Parse(address), port), listener);
    }

    [Theory]
    [InlineData("127.0.0.1:80")]
    [InlineData("ftp://127.0.0.1:80")]
    [InlineData("http://127.0.0.1")]
    [InlineData("http://127.0.0.1:65536")]
    [InlineData("http://127.0.0.1:-1")]
    [InlineData("http://[::1]")]
    [InlineData("http://::1:80")]
    [InlineData("http://example.org:80")]
    [InlineData("http://127.0.0.1:80/path")]
    [InlineData("http://:80")]
    public void Anything_else_is_refused(string url)
    {
        Assert.False(Listener.TryParse(url, out _, out var problem));
        Assert.Contains(url, problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://0.0.0.0:8008", "192.0.2.7", "http://192.0.2.7:8008")]
    [InlineData("https://[::]:443", "192.0.2.7", "https://192.0.2.7")]
    [InlineData("http://0.0.0.0:8008", null, "http://localhost:8008")]
    [InlineData("http://127.0.0.1:8008", "192.0.2.7", "http://127.0.0.1:8008")]
    public void The_address_to_open_is_one_that_a_neighbour_can_open(string listener, string? lan, string open)
    {
        Assert.Equal(open, Greeting.AddressToOpen(listener, () => lan is null ? null : IPAddress.Parse(lan)));
    }
}
