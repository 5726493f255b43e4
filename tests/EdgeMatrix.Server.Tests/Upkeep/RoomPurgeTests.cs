using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Purging;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Upkeep;

public class RoomPurgeTests
{
    private static readonly TimeSpan _week = TimeSpan.FromDays(7);

    private static readonly string[] _tablesOfRooms =
        ["rooms", "purged_rooms", "events", "redactions", "state_nodes", "state_chunks", "auth_chains", "memberships", "room_aliases", "receipts", "transactions_even", "transactions_odd", "event_frames"];

    [Fact]
    public async Task A_room_that_everybody_left_and_forgot_is_deleted_with_all_that_was_in_it()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, room) = await LivedInAsync(server);
        await LeaveAsync(alice, room);
        await LeaveAsync(bob, room);
        await ForgetAsync(alice, room);
        await server.UpkeepAsync(_week);
        Assert.True(Count(server, "events") > 0);

        await ForgetAsync(bob, room);
        await server.UpkeepAsync(_week - TimeSpan.FromHours(1));
        Assert.True(Count(server, "events") > 0);

        await server.UpkeepAsync(TimeSpan.FromHours(2));
        Assert.Equal(0, Count(server, "events"));

        // Nodes that nothing reads any more are collected within another hour.
        await server.UpkeepAsync(TimeSpan.FromHours(2));
        Assert.All(_tablesOfRooms, table => Assert.Equal((table, 0), (table, Count(server, table))));
        Assert.Empty(Findings(server));
        Assert.Equal((403, "M_FORBIDDEN"), (await alice.GetAsync($"/_matrix/client/v3/rooms/{room}/messages?dir=b")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync("/_matrix/client/v3/directory/room/%23den:test")).Error);
        Assert.Equal(404, (int)(await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/join", "{}")).Status);
        Assert.False((await alice.GetAsync("/_matrix/client/v3/sync")).Json.TryGetProperty("rooms", out var rooms) && rooms.ToString().Contains(room, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Whoever_is_invited_again_in_time_finds_the_room_as_it_was()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, room) = await LivedInAsync(server);
        await LeaveAsync(alice, room);
        await ForgetAsync(alice, room);
        await LeaveAsync(bob, room);
        await ForgetAsync(bob, room);
        Assert.Equal(200, (int)(await bob.PostAsync($"/_matrix/client/v3/rooms/{room}/join", "{}")).Status);
        await server.UpkeepAsync(_week * 2);
        Assert.NotEmpty((await bob.GetAsync($"/_matrix/client/v3/rooms/{room}/messages?dir=b"))["chunk"].EnumerateArray());

        await LeaveAsync(bob, room);
        await ForgetAsync(bob, room);
        await server.UpkeepAsync(_week * 2);
        Assert.Equal(0, Count(server, "events"));
    }

    [Fact]
    public async Task With_forget_on_leave_the_last_to_leave_is_enough()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with { Rooms = options.Rooms with { ForgetOnLeave = true } });
        var (alice, bob, room) = await LivedInAsync(server);
        var since = (await bob.GetAsync("/_matrix/client/v3/sync"))["next_batch"].GetString();
        await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/kick", $$"""{"user_id":"{{bob.UserId}}"}""");
        await LeaveAsync(alice, room);

        // A device that was away is told all the same.
        var sync = await bob.GetAsync($"/_matrix/client/v3/sync?since={since}");
        Assert.True(sync["rooms"].GetProperty("leave").TryGetProperty(room, out _));

        await server.UpkeepAsync(_week + TimeSpan.FromHours(1));
        Assert.Equal(0, Count(server, "events"));
    }

    [Fact]
    public async Task A_room_half_deleted_shows_nowhere_is_whole_to_the_check_and_goes_on_after_a_restart()
    {
        var server = await TestHomeserver.StartAsync();
        try
        {
            var (alice, bob, room) = await LivedInAsync(server);
            var other = await alice.CreateRoomAsync();
            await server.Part<RoomPurge>().DeleteAsync(server.Part<RoomEngine>().Find(room)!, atOnce: true, default);
            for (var slice = 0; slice < 3; slice++)
            {
                // A few rows at a time, where upkeep takes hundreds.
                await server.Part<Database>().WriteAsync(db => PurgedRoomTable.DeleteSlice(db, PurgedRoomTable.First(db)!.Value, 3));
                Assert.Empty(Findings(server));
                Assert.Equal((403, "M_FORBIDDEN"), (await bob.GetAsync($"/_matrix/client/v3/rooms/{room}/state")).Error);
                Assert.Equal((403, "M_FORBIDDEN"), (await bob.PutAsync($"/_matrix/client/v3/rooms/{room}/send/m.x/late{slice}", "{}")).Error);
                Assert.DoesNotContain(room, (await bob.GetAsync("/_matrix/client/v3/joined_rooms")).Body, StringComparison.Ordinal);
                Assert.DoesNotContain(room, (await bob.GetAsync("/_matrix/client/v3/sync")).Body, StringComparison.Ordinal);
                Assert.DoesNotContain(room, (await bob.GetAsync("/_matrix/client/v3/publicRooms")).Body, StringComparison.Ordinal);
            }

            var after = await alice.CreateRoomAsync();
            server = await server.RestartAsync();
            await server.UpkeepAsync(TimeSpan.FromHours(1));
            Assert.Equal(0, Count(server, "purged_rooms"));
            Assert.Equal(2, Count(server, "rooms"));
            Assert.Empty(Findings(server));
            Assert.Equal(200, (int)(await server.GetAsync($"/_matrix/client/v3/rooms/{other}/state", alice.Token)).Status);
            Assert.Equal(200, (int)(await server.GetAsync($"/_matrix/client/v3/rooms/{after}/state", alice.Token)).Status);
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_room_that_the_administrator_deletes_is_left_by_everyone_first()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (_, bob, room) = await LivedInAsync(server);
        var since = (await bob.GetAsync("/_matrix/client/v3/sync"))["next_batch"].GetString();
        await server.Part<RoomPurge>().DeleteAsync(server.Part<RoomEngine>().Find(room)!, atOnce: false, default);
        var sync = await bob.GetAsync($"/_matrix/client/v3/sync?since={since}");
        Assert.True(sync["rooms"].GetProperty("leave").TryGetProperty(room, out _));
        await server.UpkeepAsync(_week + TimeSpan.FromHours(1));
        Assert.Equal(0, Count(server, "events"));
    }

    [Fact]
    public async Task No_room_gets_the_number_of_one_that_was_deleted()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var first = server.Part<RoomEngine>().Find(await alice.CreateRoomAsync())!;
        await server.Part<RoomPurge>().DeleteAsync(first, atOnce: true, default);
        await server.UpkeepAsync(TimeSpan.FromHours(1));
        var second = server.Part<RoomEngine>().Find(await alice.CreateRoomAsync())!;
        Assert.True(second.Nid > first.Nid);
    }

    [Fact]
    public async Task The_space_of_a_deleted_room_goes_back_to_the_file_system_while_others_talk()
    {
        await using var server = await TestHomeserver.StartAsync();
        var empty = FileLength();
        var alice = await server.RegisterAsync("alice");
        var (room, other) = (await alice.CreateRoomAsync(), await alice.CreateRoomAsync());
        var random = new Random(1);
        await Parallel.ForEachAsync(Enumerable.Range(0, 600).Select(n => (n, Noise(random))).ToList(), async (message, _) =>
            await alice.SendTextAsync(room, message.Item2, $"t{message.n}"));
        await server.Part<RoomPurge>().DeleteAsync(server.Part<RoomEngine>().Find(room)!, atOnce: true, default);
        var full = FileLength();

        var upkeep = server.UpkeepAsync(TimeSpan.FromHours(2));
        var sent = 0;
        do
        {
            Assert.StartsWith("$", await alice.SendTextAsync(other, "still here", $"o{sent++}"), StringComparison.Ordinal);
        }
        while (!upkeep.IsCompleted && sent < 800);

        await upkeep;

        // Who read just then held the end of the file up until the next time.
        await server.UpkeepAsync(TimeSpan.FromHours(2));

        // Of what the room took a twenty-fifth, for the other room and the user, and what was sent meanwhile.
        Assert.InRange(FileLength(), empty, empty + ((full - empty) / 25) + (sent * 600L));
        Assert.Empty(Findings(server));
        Assert.Equal(sent, (await alice.GetAsync($"/_matrix/client/v3/rooms/{other}/messages?dir=b&limit=1000"))["chunk"].EnumerateArray()
            .Count(e => e.GetProperty("type").GetString() == "m.room.message"));

        long FileLength() => new FileInfo(Path.Combine(server.DataFolder, "edgematrix.db")).Length;
    }

    private static string Noise(Random random)
    {
        var bytes = new byte[4_000];
        random.NextBytes(bytes);
        return Convert.ToBase64String(bytes);
    }

    private static async Task<(TestSession Alice, TestSession Bob, string Room)> LivedInAsync(TestHomeserver server)
    {
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var room = await alice.CreateRoomAsync("""{"preset":"public_chat","room_alias_name":"den","visibility":"public"}""");
        await bob.PostAsync($"/_matrix/client/v3/rooms/{room}/join", "{}");
        var sent = await alice.SendTextAsync(room, "one", "t1");
        await bob.SendTextAsync(room, "two", "t2");
        await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/redact/{sent}/t3", "{}");
        await bob.PostAsync($"/_matrix/client/v3/rooms/{room}/receipt/m.read/{sent}", "{}");
        await bob.PutAsync($"/_matrix/client/v3/user/{bob.UserId}/rooms/{room}/tags/m.favourite", "{}");
        return (alice, bob, room);
    }

    private static Task<TestAnswer> LeaveAsync(TestSession who, string room) => who.PostAsync($"/_matrix/client/v3/rooms/{room}/leave", "{}");

    private static Task<TestAnswer> ForgetAsync(TestSession who, string room) => who.PostAsync($"/_matrix/client/v3/rooms/{room}/forget", "{}");

    private static int Count(TestHomeserver server, string table)
    {
        using var snapshot = server.Part<Database>().OpenSnapshot();
        using var query = snapshot.Prepare($"SELECT count(*) FROM {table}");
        return query.Step() ? query.Int32(0) : 0;
    }

    private static List<string> Findings(TestHomeserver server)
    {
        using var snapshot = server.Part<Database>().OpenSnapshot();
        return [.. DatabaseCheck.Findings(snapshot)];
    }
}
