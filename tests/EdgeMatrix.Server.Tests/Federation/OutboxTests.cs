using System.Net;
using System.Text.Json;
using EdgeMatrix.Federation;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>What happens in a room reaches the other servers in it.</summary>
public sealed class OutboxTests : OutboxFixture
{
    private static readonly TimeSpan _step = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task Events_reach_each_server_in_the_room_once_and_in_their_order()
    {
        var (two, three) = (Peer("two"), Peer("three"));
        var (alice, room) = await RoomAsync("@bob:two", "@carol:three");
        await SendAsync(alice, room, 0, 5);
        await Outbox.IdleAsync();

        Assert.Equal(Texts(0, 5), two.Texts);
        Assert.Equal(Texts(0, 5), three.Texts);
        Assert.All(two.Received, transaction => Assert.Equal("one", transaction.Body.GetProperty("origin").GetString()));
        Assert.Equal(two.Received.Count, two.Received.DistinctBy(transaction => transaction.TxnId).Count());

        // Of its own users a server has heard before; and of what was before it came it is told nothing.
        Assert.Equal(["m.room.member", .. Enumerable.Repeat("m.room.message", 5)], two.Pdus.Select(RecordingPeer.Type));
        Assert.Equal(["@carol:three"], two.Pdus.Take(1).Select(pdu => pdu.GetProperty("state_key").GetString()));
        Assert.Equal(Enumerable.Repeat("m.room.message", 5), three.Pdus.Select(RecordingPeer.Type));
    }

    [Fact]
    public async Task An_event_is_one_row_for_all_servers_and_none_where_there_are_no_others()
    {
        var alice = await One.RegisterAsync("alice");
        var alone = await alice.CreateRoomAsync();
        await SendAsync(alice, alone, 0, 3);
        Assert.Equal(0, Count("outgoing_events"));

        var writes = One.Writes;
        await alice.SendTextAsync(alone, "alone", "alone");
        var ofOne = One.Writes - writes;
        var room = await alice.CreateRoomAsync();
        for (var n = 0; n < 5; n++)
        {
            Peer($"peer{n}");
            await JoinAsync(room, $"@bob:peer{n}");
        }

        await alice.SendTextAsync(room, "met", "met");
        await Outbox.IdleAsync();
        await One.WritesSettledAsync();
        var (rows, before) = (Count("outgoing_events"), One.Writes);
        await alice.SendTextAsync(room, "to five", "five");
        await UntilAsync(() => Enumerable.Range(0, 5).All(n => Peer($"peer{n}").Texts.Contains("to five")));

        // The write of the message; where five servers stand then is written later, for all of them at once.
        Assert.Equal(ofOne, One.Writes - before);
        await Outbox.IdleAsync();
        Assert.Equal(ofOne + 1, One.Writes - before);
        Assert.Equal(rows + 1, Count("outgoing_events"));
    }

    [Fact]
    public async Task A_server_that_was_away_gets_everything_in_order()
    {
        var two = Peer("two");
        var (alice, room) = await RoomAsync("@bob:two");
        Network.Link("one", "two").Cut();
        await SendAsync(alice, room, 0, 120);
        Network.Link("one", "two").Mend();
        await AdvanceUntilAsync(() => two.Texts.Count() >= 120, _step);
        await Outbox.IdleAsync();

        Assert.Equal(Texts(0, 120), two.Texts);
        Assert.All(two.Received, transaction => Assert.InRange(transaction.Body.GetProperty("pdus").GetArrayLength(), 1, 50));
        Assert.InRange(two.Received.Count, 3, 4);
    }

    [Fact]
    public async Task A_transaction_that_is_not_acknowledged_is_sent_again_as_it_was()
    {
        var two = Peer("two");
        var (alice, room) = await RoomAsync("@bob:two");
        var failures = new Queue<HttpStatusCode>([HttpStatusCode.InternalServerError, HttpStatusCode.BadGateway, HttpStatusCode.Forbidden, HttpStatusCode.NotFound]);
        two.Answer = _ => Task.FromResult(failures.TryDequeue(out var status) ? RecordingPeer.Fail(status) : null);
        await alice.SendTextAsync(room, "0", "0");
        await UntilAsync(() => two.Received.Count == 1);
        await SendAsync(alice, room, 1, 3);
        await AdvanceUntilAsync(() => two.Texts.Contains("2"), _step);
        await Outbox.IdleAsync();

        Assert.Equal(["0", "0", "0", "0", "0", "1", "2"], two.Texts);
        Assert.Single(two.Received.Take(5).Select(transaction => (transaction.TxnId, transaction.Body.GetRawText())).Distinct());
        Assert.NotEqual(two.Received[4].TxnId, two.Received[5].TxnId);
    }

    [Fact]
    public async Task An_answer_that_is_lost_ends_in_the_same_transaction_again()
    {
        var two = Peer("two");
        var (alice, room) = await RoomAsync("@bob:two");
        await alice.SendTextAsync(room, "0", "0");
        await Outbox.IdleAsync();
        Network.Link("one", "two").LoseAnswers(1);
        await alice.SendTextAsync(room, "1", "1");
        await Network.Link("one", "two").Lost;
        await AdvanceUntilAsync(() => two.Received.Count == 3, TimeSpan.FromSeconds(20));
        await Outbox.IdleAsync();

        Assert.Equal(two.Received[1].TxnId, two.Received[2].TxnId);
        Assert.Equal(["0", "1", "1"], two.Texts);
    }

    [Fact]
    public async Task A_server_that_asks_for_patience_gets_it()
    {
        var two = Peer("two");
        var (alice, room) = await RoomAsync("@bob:two");
        var asked = false;
        two.Answer = _ => Task.FromResult(asked ? null : RecordingPeer.Fail(HttpStatusCode.TooManyRequests, retryAfterSeconds: 90));
        await alice.SendTextAsync(room, "0", "0");
        await UntilAsync(() => One.Part<Destinations>().Wait("two") is not null);
        asked = true;
        var before = One.Time.GetUtcNow();
        await AdvanceUntilAsync(() => two.Received.Count == 2, _step);

        Assert.InRange((One.Time.GetUtcNow() - before).TotalSeconds, 90, 100);
    }

    [Fact]
    public async Task A_server_that_is_heard_from_is_told_at_once()
    {
        var two = Peer("two");
        var (alice, room) = await RoomAsync("@bob:two");
        Network.Link("one", "two").Cut();
        await alice.SendTextAsync(room, "0", "0");
        await UntilAsync(() => One.Part<Destinations>().Wait("two") is not null);
        Network.Link("one", "two").Mend();
        Assert.Empty(two.Texts);

        One.Part<Destinations>().HeardFrom("two");
        await Outbox.IdleAsync();
        Assert.Equal(["0"], two.Texts);
    }

    [Fact]
    public async Task What_was_not_delivered_is_delivered_after_a_restart_and_nothing_twice()
    {
        var two = Peer("two");
        var (alice, room) = await RoomAsync("@bob:two");
        await SendAsync(alice, room, 0, 3);
        await Outbox.IdleAsync();
        Network.Link("one", "two").Cut();
        await SendAsync(alice, room, 3, 70);
        await RestartAsync();
        Network.Link("one", "two").Mend();
        await SendAsync(alice with { Server = One }, room, 70, 72);
        await AdvanceUntilAsync(() => two.Texts.Count() >= 72, _step);
        await Outbox.IdleAsync();

        Assert.Equal(Texts(0, 72), two.Texts);
        Assert.Equal(two.Received.Count, two.Received.DistinctBy(transaction => transaction.TxnId).Count());
    }

    [Fact]
    public async Task After_a_start_servers_are_not_told_all_at_once()
    {
        const int count = 40;
        var alice = await One.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        for (var n = 0; n < count; n++)
        {
            Network.Link("one", $"peer{n:00}").Cut();
            Peer($"peer{n:00}");
            await JoinAsync(room, $"@bob:peer{n:00}");
        }

        await alice.SendTextAsync(room, "hello", "0");
        await RestartAsync();
        for (var n = 0; n < count; n++)
        {
            Network.Link("one", $"peer{n:00}").Mend();
        }

        await AdvanceUntilAsync(() => Enumerable.Range(0, count).All(n => Peer($"peer{n:00}").Texts.Any()), TimeSpan.FromMilliseconds(100));
        await Outbox.IdleAsync();
        Assert.All(Enumerable.Range(0, count), n => Assert.Equal(["hello"], Peer($"peer{n:00}").Texts));
    }

    [Fact]
    public async Task So_many_are_told_at_once_and_who_is_slow_holds_up_nobody_for_good()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var (underWay, most) = (0, 0);
        var alice = await One.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        for (var n = 0; n < 40; n++)
        {
            Peer($"peer{n}").Answer = async _ =>
            {
                lock (alice)
                {
                    most = Math.Max(most, ++underWay);
                }

                await gate.Task;
                lock (alice)
                {
                    underWay--;
                }

                return null;
            };
            await JoinAsync(room, $"@bob:peer{n}");
        }

        await alice.SendTextAsync(room, "hello", "0");
        await UntilAsync(() => underWay == 16);
        gate.SetResult();
        await UntilAsync(() => Enumerable.Range(0, 40).All(n => Peer($"peer{n}").Texts.Any()));
        Assert.Equal(16, most);
    }

    [Fact]
    public async Task A_server_that_leaves_hears_of_that_and_of_nothing_after_it()
    {
        var (two, three) = (Peer("two"), Peer("three"));
        var (alice, room) = await RoomAsync("@bob:two", "@carol:three");
        await SendAsync(alice, room, 0, 1);
        await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/kick", """{"user_id":"@bob:two"}""");
        await LeaveAsync(room, "@carol:three");
        await SendAsync(alice, room, 1, 2);
        await Outbox.IdleAsync();

        Assert.Equal(["0"], two.Texts);
        Assert.Equal("@bob:two", two.Pdus.Last().GetProperty("state_key").GetString());
        Assert.Equal("leave", two.Pdus.Last().GetProperty("content").GetProperty("membership").GetString());

        // What its own user did it knows; that another left before, it hears.
        Assert.Equal(["0"], three.Texts);
        Assert.Equal("@bob:two", three.Pdus.Last().GetProperty("state_key").GetString());

        await JoinAsync(room, "@bob:two");
        await SendAsync(alice, room, 2, 3);
        await Outbox.IdleAsync();
        Assert.Equal(["0", "2"], two.Texts);
    }

    [Fact]
    public async Task A_server_that_was_only_invited_hears_that_the_invite_is_taken_back()
    {
        var (two, three) = (Peer("two"), Peer("three"));
        var (alice, room) = await RoomAsync("@carol:three");

        // The peer signs no invites, and is not asked to.
        var engine = One.Part<RoomEngine>();
        var invite = await new RoomMembers(engine, new RestrictedJoins(engine)).InviteAsync(Room(room), alice.UserId, "@bob:two", null, Cancelled);
        Assert.Null(invite.Refusal);
        await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/kick", """{"user_id":"@bob:two"}""");
        await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/ban", """{"user_id":"@nobody:two"}""");
        await Outbox.IdleAsync();

        Assert.Equal(["leave"], two.Pdus.Select(pdu => pdu.GetProperty("content").GetProperty("membership").GetString()));
        Assert.Equal(["invite", "leave", "ban"], three.Pdus.Select(pdu => pdu.GetProperty("content").GetProperty("membership").GetString()));
        Assert.Equal(0, Count("outgoing_strangers"));
    }

    [Fact]
    public async Task Who_lacks_a_great_deal_of_a_room_gets_the_newest_of_it()
    {
        var two = Peer("two");
        var (alice, room) = await RoomAsync("@bob:two");
        var other = await alice.CreateRoomAsync();
        await JoinAsync(other, "@bob:two");
        Network.Link("one", "two").Cut();
        await SendAsync(alice, other, 0, 2);

        // These were sent in vain, and come with the same transaction whenever it does.
        await UntilAsync(() => One.Part<Destinations>().Wait("two") is not null);
        await SendAsync(alice, room, 100, 601);
        await SendAsync(alice, other, 2, 3);
        Network.Link("one", "two").Mend();
        await AdvanceUntilAsync(() => two.Texts.Contains("2"), TimeSpan.FromMinutes(1));
        await Outbox.IdleAsync();

        Assert.Equal(["0", "1", "600", "2"], two.Texts);
    }

    [Fact]
    public async Task Rows_go_once_all_have_the_events_or_lack_too_many()
    {
        var two = Peer("two");
        var (alice, room) = await RoomAsync("@bob:two");
        await SendAsync(alice, room, 0, 3);
        await Outbox.IdleAsync();
        await One.UpkeepAsync(TimeSpan.FromHours(2));
        Assert.Equal(0, Count("outgoing_events"));

        Network.Link("one", "two").Cut();
        await SendAsync(alice, room, 3, 610);
        await One.UpkeepAsync(TimeSpan.FromHours(2));
        Assert.Equal(501, Count("outgoing_events"));
        Network.Link("one", "two").Mend();
        await AdvanceUntilAsync(() => two.Texts.Contains("609"), TimeSpan.FromMinutes(1));
        Assert.Equal(["0", "1", "2", "609"], two.Texts);
    }

    [Fact]
    public async Task What_a_server_would_not_have_is_counted_and_not_sent_again()
    {
        var two = Peer("two");
        var (alice, room) = await RoomAsync("@bob:two");
        two.Answer = _ => Task.FromResult<HttpResponseMessage?>(new HttpResponseMessage { Content = new StringContent("""{"pdus":{"$a":{"error":"no"},"$b":{}}}""") });
        await SendAsync(alice, room, 0, 2);
        await Outbox.IdleAsync();

        Assert.Equal(["0", "1"], two.Texts);
        Assert.Equal(two.Received.Count, Outbox.PdusRefused);
    }

    [Fact]
    public async Task With_what_happened_in_a_room_servers_that_are_in_it_are_told_where_it_ends()
    {
        var two = Peer("two");
        var (alice, room) = await RoomAsync("@bob:two");
        var said = await alice.SendTextAsync(room, "hello", "m1");
        await Outbox.IdleAsync();
        Assert.Equal([said], Ends(two.Received[^1].Body, room));

        // In a transaction without events, too.
        await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/receipt/m.read/{said}", "{}");
        await UntilAsync(() => two.Edus("m.receipt").Count == 1);
        Assert.Equal([said], Ends(two.Received[^1].Body, room));

        // Where nothing happened in a room, and where it is the server's no longer, there is nothing to tell.
        await alice.PutAsync("/_matrix/client/v3/sendToDevice/org.edgematrix.test/1", """{"messages":{"@bob:two":{"*":{}}}}""");
        await UntilAsync(() => two.Edus("m.direct_to_device").Count == 1);
        Assert.Empty(Ends(two.Received[^1].Body, room));
        await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/kick", """{"user_id":"@bob:two"}""");
        await UntilAsync(() => two.Pdus.Any(pdu => RecordingPeer.Type(pdu) == "m.room.member"));
        Assert.Empty(Ends(two.Received[^1].Body, room));
    }

    [Fact]
    public async Task A_server_that_came_into_a_room_by_way_of_another_is_told_of_what_is_beside_its_join()
    {
        var (two, _) = (Peer("two"), Peer("three"));
        var (alice, room) = await RoomAsync("@carol:three");
        var engine = One.Part<RoomEngine>();
        var draft = new EventDraft("m.room.member", "@bob:two", "@bob:two", JsonContent.Of("membership", "join"));
        var (links, refusal) = await engine.LinksAsync(Room(room), draft, Cancelled);
        Assert.Null(refusal);
        using var key = SigningKey.FromSeed("1", new byte[SigningKey.SeedBytes]);
        var join = EventBuilder.Build(draft, Room(room).Version, room, links!, One.Time.GetUtcNow().ToUnixTimeMilliseconds(), key, "two").Event!;
        var said = await alice.SendTextAsync(room, "meanwhile", "m1");

        Assert.Equal(ReceiptOutcome.Accepted, Assert.Single(await engine.ReceiveAsync(Room(room), [join], Cancelled)).Outcome);
        await UntilAsync(() => two.Received.Count > 0);
        Assert.Equal(new[] { said, join.EventId }.Order(), Ends(two.Received[0].Body, room).Order());
        Assert.Equal(0, two.Received[0].Body.GetProperty("pdus").GetArrayLength());

        // Where its join comes last there is nothing that it does not know.
        Peer("four");
        await JoinAsync(room, "@dora:four");
        await Outbox.IdleAsync();
        Assert.Empty(Peer("four").Received);
    }

    private static List<string?> Ends(JsonElement transaction, string room) =>
        transaction.TryGetProperty("forward_extremities", out var rooms) && rooms.TryGetProperty(room, out var ofRoom)
            ? [.. ofRoom.GetProperty("timeline").EnumerateArray().Select(id => id.GetString())]
            : [];

    /// <summary>A room of Alice, which the users have joined.</summary>
    private async Task<(TestSession Alice, string Room)> RoomAsync(params string[] others)
    {
        var alice = await One.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        foreach (var other in others)
        {
            await JoinAsync(room, other);
        }

        return (alice, room);
    }

    private static async Task SendAsync(TestSession alice, string room, int from, int to)
    {
        for (var n = from; n < to; n++)
        {
            await alice.SendTextAsync(room, $"{n}", $"{room}{n}");
        }
    }

    private static IEnumerable<string> Texts(int from, int to) => Enumerable.Range(from, to - from).Select(n => $"{n}");
}
