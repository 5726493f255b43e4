using EdgeMatrix.Configuration;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Notifications;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Costs;

/// <summary>What it costs to notify users, and to tell them how much they have not read.</summary>
public sealed class NotificationCostTests(ITestOutputHelper output)
{
    private const string V3 = "/_matrix/client/v3";
    private const int LocalUsers = 50;
    private const int MaxPages = 12;
    private const int BytesOfPage = 4096 + 24;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_message_to_50_local_users_writes_at_most_12_pages(bool inThread)
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, room) = await FillAsync(server, LocalUsers - 1);
        var root = await alice.SendTextAsync(room, "root", "root");
        var content = inThread
            ? $$$"""{"msgtype":"m.text","body":"in it","m.relates_to":{"rel_type":"m.thread","event_id":"{{{root}}}"}}"""
            : """{"msgtype":"m.text","body":"to all of you"}""";
        var database = server.Part<Database>();
        var pages = new List<long>();
        for (var n = 0; n < 21; n++)
        {
            var before = database.WrittenBytes;
            await alice.PutAsync($"{V3}/rooms/{room}/send/m.room.message/t{n}", content);
            pages.Add((database.WrittenBytes - before) / BytesOfPage);
        }

        pages.Sort();
        output.WriteLine($"{pages[10]} pages; the least {pages[0]}, the most {pages[^1]}");
        Assert.InRange(pages[10], 1, MaxPages);
    }

    [Fact]
    public async Task A_message_reads_nothing_more_where_more_users_are_to_be_notified()
    {
        var (few, many) = (await SendAsync(5), await SendAsync(LocalUsers));
        output.WriteLine($"few: {few}, many: {many}");
        Assert.InRange(many.Steps, 1, few.Steps + 20);

        static async Task<DatabaseCost> SendAsync(int users)
        {
            await using var server = await TestHomeserver.StartAsync();
            var (alice, room) = await FillAsync(server, users - 1);
            await alice.SendTextAsync(room, "who is here is known from now on", "first");
            await server.WritesSettledAsync();
            var before = server.Part<Database>().Cost();
            await alice.SendTextAsync(room, "to all of you", "second");
            return server.Part<Database>().Cost() - before;
        }
    }

    [Fact]
    public async Task Unread_counts_cost_the_same_however_much_is_unread()
    {
        var (few, many) = (await CountAsync(10), await CountAsync(1_000));
        output.WriteLine($"few: {few}, many: {many}");
        Assert.Equal(few.Counts, many.Counts);
        Assert.InRange(many.Receipt.Steps, 1, few.Receipt.Steps + 100);
        Assert.InRange(many.Send.Steps, 1, few.Send.Steps + 200);

        // Where a receipt leaves something unread, that is counted again.
        Assert.InRange(many.ReceiptInTheMiddle.Steps, 1, 12 * 500);
    }

    /// <remarks>As many as nearly all are: with the rules that everybody begins with.</remarks>
    [Fact]
    public async Task Users_without_rules_of_their_own_take_little_memory()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, room) = await FillAsync(server, 5);
        var bob = await server.RegisterAsync("bob");
        await bob.PostAsync($"{V3}/join/{room}", "{}");
        await alice.SendTextAsync(room, "all have the same rules", "t1");
        Assert.InRange(Each(), 1, 256);

        await bob.PutAsync($"{V3}/pushrules/global/content/tea", """{"actions":["notify"],"pattern":"tea"}""");
        await alice.SendTextAsync(room, "bob has his own", "t2");
        Assert.InRange(Each(), 1_000, 100_000);

        long Each()
        {
            var use = server.Part<Database>().Memory.Shares.Single(share => share.Name == "push_rules").Use;
            return use.Bytes / use.Entries;
        }
    }

    /// <summary>What it takes to be told how much is unread, to read to the middle, to write, and to read to the end, where so much is unread.</summary>
    private static async Task<(DatabaseCost Counts, DatabaseCost ReceiptInTheMiddle, DatabaseCost Send, DatabaseCost Receipt)> CountAsync(int unread)
    {
        await using var server = await TestHomeserver.StartAsync(
            options => options with { Storage = options.Storage with { Durability = Durability.Relaxed } });
        var (alice, room) = await FillAsync(server, 0);
        var (bob, carol) = (await server.RegisterAsync("bob"), await server.RegisterAsync("carol"));
        await bob.PostAsync($"{V3}/join/{room}", "{}");
        await carol.PostAsync($"{V3}/join/{room}", "{}");
        var events = new List<string>();
        for (var n = 0; n < unread; n++)
        {
            events.Add(await alice.SendTextAsync(room, "one more", $"t{n}"));
        }

        var database = server.Part<Database>();
        var nid = server.Part<RoomEngine>().Find(room)!.Nid;
        var counts = await CostAsync(() =>
        {
            using var snapshot = database.OpenSnapshot();
            Assert.Equal(unread, UnreadTable.Of(snapshot, nid, UserTable.Find(snapshot, bob.UserId)!.Value).Notifications);
            return Task.CompletedTask;
        });
        var middle = await CostAsync(() => bob.PostAsync($"{V3}/rooms/{room}/receipt/m.read/{events[(unread / 2) - 1]}", "{}"));
        var send = await CostAsync(() => bob.SendTextAsync(room, "mine", "mine"));
        return (counts, middle, send, await CostAsync(() => carol.PostAsync($"{V3}/rooms/{room}/receipt/m.read/{events[^1]}", "{}")));

        async Task<DatabaseCost> CostAsync(Func<Task> work)
        {
            var before = database.Cost();
            await work();
            return database.Cost() - before;
        }
    }

    // Accounts without a password, as the hash of each takes longer than all else.
    private static async Task<(TestSession Alice, string Room)> FillAsync(TestHomeserver server, int others)
    {
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var engine = server.Part<RoomEngine>();
        for (var n = 0; n < others; n++)
        {
            var user = $"@other{n}:test";
            await engine.Database.WriteAsync(db => AccountTable.TryAdd(db, new AccountRow(UserTable.Intern(db, user), user, null, default, 0)));
            Assert.Null((await server.Part<RoomMembers>().JoinAsync(
                engine.Find(room)!, user, null, TestContext.Current.CancellationToken)).Refusal);
        }

        return (alice, room);
    }
}
