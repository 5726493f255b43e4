using System.Net;
using EdgeMatrix.Outbound.Names;
using EdgeMatrix.Protocol;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

public sealed class DnsClientTests : IDisposable
{
    private const string Asked = "_matrix-fed._tcp.example.org";

    private readonly NameServer _server = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task Services_are_found_where_the_answer_says()
    {
        _server.Answer = question =>
            [NameServer.Message(question, records: [NameServer.Srv(1, 2, 443, "m.example.org"), NameServer.Srv(0, 0, 8448, "n.example.org")])];

        var (records, ttl) = await AskAsync();

        Assert.Equal([new SrvRecord(1, 2, 443, "m.example.org"), new SrvRecord(0, 0, 8448, "n.example.org")], records);
        Assert.Equal(TimeSpan.FromMinutes(10), ttl);
    }

    [Fact]
    public async Task An_alias_is_followed_and_records_of_others_are_not_taken()
    {
        byte[] alias = NameServer.Name("alias.example.net");
        _server.Answer = question =>
        [
            NameServer.Message(question, records:
            [
                NameServer.Record(5, alias, ttl: 60),
                NameServer.Srv(0, 0, 1, "right.example.org", alias),
                NameServer.Srv(0, 0, 2, "wrong.example.org", NameServer.Name("other.example.net")),
            ]),
        ];

        var (records, ttl) = await AskAsync();

        Assert.Equal(["right.example.org"], records!.Select(record => record.Target));
        Assert.Equal(TimeSpan.FromMinutes(1), ttl);
    }

    [Fact]
    public async Task What_does_not_fit_is_asked_for_over_tcp()
    {
        _server.Answer = question => [NameServer.Message(question, truncated: true)];
        _server.AnswerOverTcp = question =>
            NameServer.Message(question, records: [.. Enumerable.Range(1, 60).Select(n => NameServer.Srv(n, 0, 8448, $"m{n}.example.org"))]);

        Assert.Equal(60, (await AskAsync()).Records!.Count);
    }

    [Fact]
    public async Task No_such_name_is_an_answer_and_a_refusal_is_none()
    {
        _server.Answer = question => [NameServer.Message(question, code: 3)];
        Assert.Equal([], (await AskAsync()).Records);

        _server.Answer = question => [NameServer.Message(question, code: 2)];
        Assert.Null((await AskAsync()).Records);
    }

    [Fact]
    public async Task Messages_that_answer_no_question_of_ours_are_passed_over()
    {
        _server.Answer = question =>
        [
            [],
            [.. question],
            NameServer.Message([(byte)~question[0], .. question[1..]], records: [NameServer.Srv(0, 0, 1, "forged.example.org")]),
            NameServer.Message([.. question[..13], (byte)'x', .. question[14..]], records: [NameServer.Srv(0, 0, 1, "forged.example.org")]),
            NameServer.Message(question, records: [NameServer.Srv(0, 0, 8448, "m.example.org")]),
        ];

        Assert.Equal(["m.example.org"], (await AskAsync()).Records!.Select(record => record.Target));
    }

    public static TheoryData<byte[]> Broken => new(
        NameServer.Record(33, [0, 0, 0, 0, 0, 1, 0xC0, 0xFF]),
        NameServer.Record(33, [0, 0, 0, 0, 0, 1]),
        NameServer.Record(33, [0, 0, 0, 0, 0, 1, 60, 1]),
        NameServer.Record(33, [0, 0, 0, 0, 0, 1, 3, (byte)'a', (byte)'/', (byte)'b', 0]),
        NameServer.Record(5, [0xC0, 12], [1, (byte)'a', 0xC0, 200]),
        [0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 0, 0xFF, 0xFF, 0],
        [0xC0]);

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task A_broken_record_spoils_its_message_and_nothing_else(byte[] record)
    {
        _server.Answer = question =>
            [NameServer.Message(question, records: [record]), NameServer.Message(question, records: [NameServer.Srv(0, 0, 1, "m.example.org")])];

        Assert.Equal(["m.example.org"], (await AskAsync()).Records!.Select(found => found.Target));
    }

    [Fact]
    public async Task A_name_that_points_at_itself_ends()
    {
        _server.Answer = question =>
        {
            // The target is a pointer to its own place.
            var at = question.Length + 12 + 6;
            return
            [
                NameServer.Message(question, records: [NameServer.Record(33, [0, 0, 0, 0, 0, 1, (byte)(0xC0 | (at >> 8)), (byte)at])]),
                NameServer.Message(question),
            ];
        };

        Assert.Equal([], (await AskAsync()).Records);
    }

    [Fact]
    public async Task The_next_server_is_asked_where_one_refuses()
    {
        using var refusing = new NameServer { Answer = question => [NameServer.Message(question, code: 5)] };
        _server.Answer = question => [NameServer.Message(question, records: [NameServer.Srv(0, 0, 1, "m.example.org")])];

        Assert.Single((await AskAsync(refusing.Endpoint, _server.Endpoint)).Records!);
    }

    [Fact]
    public async Task A_name_that_cannot_be_asked_for_is_not()
    {
        Assert.Null((await Client(_server.Endpoint).FindServicesAsync("_matrix-fed._tcp.a..b", default)).Records);
        Assert.Null((await Client(_server.Endpoint).FindServicesAsync("_matrix-fed._tcp." + string.Join('.', Enumerable.Repeat(new string('a', 63), 4)), default)).Records);
        Assert.Equal(0, _server.Questions);
    }

    [Fact]
    public async Task Many_who_ask_at_once_and_soon_after_ask_once()
    {
        using var names = new NameResolver(
            (_, _) => throw new System.Net.Sockets.SocketException(), Client(_server.Endpoint).FindServicesAsync, _time);

        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => names.ServicesAsync(Asked, default)));
        await names.ServicesAsync(Asked.ToUpperInvariant(), default);
        Assert.Equal(1, _server.Questions);

        _time.Advance(TimeSpan.FromHours(1));
        await names.ServicesAsync(Asked, default);
        Assert.Equal(2, _server.Questions);
    }

    [Fact]
    public async Task A_host_that_is_not_found_is_not_looked_up_again_for_a_minute()
    {
        var asked = 0;
        using var names = new NameResolver(
            (_, _) =>
            {
                Interlocked.Increment(ref asked);
                return Task.FromException<IPAddress[]>(new System.Net.Sockets.SocketException());
            },
            (_, _) => Task.FromResult(default(SrvAnswer)),
            _time);

        for (var i = 0; i < 10; i++)
        {
            await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => names.AddressesAsync("dead.example.org", default));
        }

        Assert.Equal(1, asked);
        _time.Advance(TimeSpan.FromMinutes(1));
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => names.AddressesAsync("dead.example.org", default));
        Assert.Equal(2, asked);
    }

    [Fact]
    public void The_servers_are_those_of_the_system()
    {
        Assert.Equal(
            [new IPEndPoint(IPAddress.Parse("10.0.0.1"), 53), new IPEndPoint(IPAddress.Parse("fe80::1"), 53)],
            NameServers.Read(["# none", "search example.org", "nameserver 10.0.0.1", "nameserver\tfe80::1 ", "nameserver x"]));
        Assert.Equal([new IPEndPoint(IPAddress.Loopback, 53)], NameServers.Read([]));
    }

    private Task<SrvAnswer> AskAsync(params IPEndPoint[] servers) =>
        Client(servers.Length > 0 ? servers : [_server.Endpoint]).FindServicesAsync(Asked, default);

    private DnsClient Client(params IPEndPoint[] servers) => new(() => servers, new SeededRandom(1), _time);
}
