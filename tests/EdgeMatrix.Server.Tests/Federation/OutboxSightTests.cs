using System.Text.RegularExpressions;
using EdgeMatrix.CommandLine;
using EdgeMatrix.Configuration;
using EdgeMatrix.Federation;
using EdgeMatrix.Federation.Sending;
using EdgeMatrix.Server.Tests.Admin;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>What operators see of other servers: <c>two</c> takes what it is told, <c>three</c> took something, and does not answer any more.</summary>
public sealed class OutboxSightTests : OutboxFixture
{
    private const string List = "/_synapse/admin/v1/federation/destinations";

    protected override HomeserverOptions Change(HomeserverOptions options) =>
        options with { Admin = options.Admin with { Token = "secret" } };

    [Fact]
    public async Task Administrators_see_how_it_stands_and_try_again()
    {
        var room = await MeetAsync();
        var root = await One.RegisterAdminAsync();

        var all = await root.GetAsync(List);
        Assert.Equal(2, all["total"].GetInt32());
        Assert.Equal(["three", "two"], all["destinations"].EnumerateArray().Select(one => one.GetProperty("destination").GetString()));
        var page = await root.GetAsync(List + "?dir=b&limit=1&order_by=destination");
        Assert.Equal(["two"], page["destinations"].EnumerateArray().Select(one => one.GetProperty("destination").GetString()));
        Assert.Equal("1", page["next_token"].GetString());
        Assert.Equal(1, (await root.GetAsync(List + "?destination=wo"))["total"].GetInt32());
        Assert.Equal((400, "M_INVALID_PARAM"), (await root.GetAsync(List + "?order_by=size")).Error);

        var two = await root.GetAsync(List + "/two");
        Assert.Equal(0, two["retry_interval"].GetInt64());
        Assert.Equal("null", two["failure_ts"].GetRawText());
        Assert.True(two["last_successful_stream_ordering"].GetInt64() > 0);
        var three = await root.GetAsync(List + "/three");
        Assert.Equal(10_000, three["retry_interval"].GetInt64());
        var now = One.Time.GetUtcNow().ToUnixTimeMilliseconds();
        Assert.InRange(three["failure_ts"].GetInt64(), now - 10_000, now);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.GetAsync(List + "/four")).Error);

        var rooms = await root.GetAsync(List + "/three/rooms");
        Assert.Equal([room], rooms["rooms"].EnumerateArray().Select(one => one.GetProperty("room_id").GetString()));
        Assert.Equal(1, rooms["total"].GetInt32());

        Assert.Equal((400, "M_UNKNOWN"), (await root.PostAsync(List + "/two/reset_connection", "{}")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.PostAsync(List + "/four/reset_connection", "{}")).Error);
        Network.Link("one", "three").Mend();
        Assert.Equal("{}", (await root.PostAsync(List + "/three/reset_connection", "{}")).Body);
        await Outbox.IdleAsync();
        Assert.Contains("unheard", Peer("three").Texts);
        Assert.Equal((403, "M_FORBIDDEN"), (await (await One.RegisterAsync("alice2")).GetAsync(List)).Error);
    }

    [Fact]
    public async Task The_command_tells_who_is_behind_beside_the_running_server()
    {
        await MeetAsync();
        using var output = new StringWriter();
        var options = new HomeserverOptions { Server = new ServerOptions { Data = One.DataFolder } };
        Assert.Equal(ExitCode.Done, new FederationCommand(options, new Terminal(() => null, output, TextWriter.Null), One.Time).Run());

        Assert.Matches(
            """
            ^three
              waiting        1
              last success   2026-09-21 \d\d:\d\d:\d\dZ
              failing since  2026-09-21 \d\d:\d\d:\d\dZ, 1 times in a row
              next try       2026-09-21 \d\d:\d\d:\d\dZ
            2 other servers are known; 1 of them have everything
            $
            """.Replace("\r", "", StringComparison.Ordinal),
            output.ToString());
    }

    [Fact]
    public async Task Metrics_tell_who_is_behind()
    {
        await MeetAsync();
        var metrics = (await One.GetAsync("/metrics", "secret")).Body;

        Assert.Contains("\nedgematrix_federation_destinations_behind 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nedgematrix_federation_destination_backlog{server=\"three\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nedgematrix_federation_destination_failures{server=\"three\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("server=\"two\"", metrics, StringComparison.Ordinal);
        Assert.Matches(new Regex("\nedgematrix_federation_pdus_sent_total [1-9]"), metrics);
    }

    private async Task<string> MeetAsync()
    {
        Peer("two");
        Peer("three");
        var alice = await One.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        await JoinAsync(room, "@bob:two");
        await JoinAsync(room, "@carol:three");
        await alice.SendTextAsync(room, "heard", "1");
        await Outbox.IdleAsync();
        Network.Link("one", "three").Cut();
        await alice.SendTextAsync(room, "unheard", "2");
        await UntilAsync(() => One.Part<Destinations>().Wait("three") is not null && Peer("two").Texts.Contains("unheard") && Outbox.Behind == 1);
        await One.WritesSettledAsync();

        // What was acknowledged is on the disk a second later.
        await AdvanceUntilAsync(() => Count("outgoing_cursors WHERE server = 'two' AND position >= (SELECT max(position) FROM outgoing_events)") == 1, TimeSpan.FromMilliseconds(200));
        return room;
    }
}
