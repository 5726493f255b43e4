using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Sync;
using Xunit;
using static EdgeMatrix.Server.Tests.Sync.SyncFixture;

namespace EdgeMatrix.Server.Tests.Sync;

public class LazyLoadingTests
{
    private const string Lazy = """{"room":{"state":{"lazy_load_members":true},"timeline":{"limit":1}}}""";
    private const string Redundant = """{"room":{"state":{"lazy_load_members":true,"include_redundant_members":true},"timeline":{"limit":1}}}""";

    private static readonly CreateRoomRequest _named = new() { Preset = "public_chat", Name = "Named" };

    [Fact]
    public async Task An_initial_sync_brings_the_senders_of_the_timeline_and_the_user()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, _named, Bob, Carol);
        await fixture.SendAsync(room, Bob, "hello");

        var joined = (await fixture.SyncAsync(Alice, filter: Lazy)).Joined(room);

        Assert.Equal([Alice, Bob], joined.State().MemberNames());
        Assert.Contains("m.room.create|", joined.State().Keys());
    }

    [Fact]
    public async Task A_member_is_sent_once_to_each_device()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, _named, Bob, Carol);
        await fixture.SendAsync(room, Bob, "hello");
        var first = await fixture.SyncAsync(Alice, filter: Lazy);
        await fixture.SendAsync(room, Carol, "hi");
        var second = await fixture.SyncAsync(Alice, first.Next(), Lazy);
        await fixture.SendAsync(room, Carol, "again");

        var third = await fixture.SyncAsync(Alice, second.Next(), Lazy);
        var otherDevice = await fixture.SyncAsync(Alice, second.Next(), Lazy, device: 2);

        Assert.Equal([Carol], second.Joined(room).State().MemberNames());
        Assert.Empty(third.Joined(room).State());
        Assert.Equal([Carol], otherDevice.Joined(room).State().MemberNames());
    }

    [Fact]
    public async Task An_answer_that_was_lost_brings_its_members_again()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, _named, Bob, Carol);
        await fixture.SendAsync(room, Alice, "hello");
        var first = await fixture.SyncAsync(Alice, filter: Lazy);
        await fixture.SendAsync(room, Carol, "hi");

        var lost = await fixture.SyncAsync(Alice, first.Next(), Lazy);
        var again = await fixture.SyncAsync(Alice, first.Next(), Lazy);

        Assert.Equal([Carol], lost.Joined(room).State().MemberNames());
        Assert.Equal([Carol], again.Joined(room).State().MemberNames());
    }

    [Fact]
    public async Task Redundant_members_are_sent_to_who_asks_for_them()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, _named, Bob);
        await fixture.SendAsync(room, Bob, "hello");
        var first = await fixture.SyncAsync(Alice, filter: Redundant);
        await fixture.SendAsync(room, Bob, "again");

        Assert.Equal([Bob], (await fixture.SyncAsync(Alice, first.Next(), Redundant)).Joined(room).State().MemberNames());
    }

    [Fact]
    public async Task Members_who_changed_in_a_gap_are_told_whether_they_spoke_or_not()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, _named);
        var first = await fixture.SyncAsync(Alice, filter: Lazy);
        await fixture.JoinAsync(room, Bob);
        await fixture.SendAsync(room, Alice, "one");
        await fixture.SendAsync(room, Alice, "two");

        var joined = (await fixture.SyncAsync(Alice, first.Next(), Lazy)).Joined(room);

        // Alice's own was sent before, and is as it was.
        Assert.True(joined.Limited());
        Assert.Equal([Bob], joined.State().MemberNames());
    }

    [Fact]
    public async Task The_heroes_of_a_nameless_room_come_with_their_member_events()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob, Carol);
        await fixture.SendAsync(room, Alice, "hello");

        var joined = (await fixture.SyncAsync(Alice, filter: Lazy)).Joined(room);

        var summary = joined!.Value.GetProperty("summary");
        Assert.Equal([Bob, Carol], summary.GetProperty("m.heroes").EnumerateArray().Select(h => h.GetString()));
        Assert.Equal([Alice, Bob, Carol], joined.State().MemberNames());
    }

    [Fact]
    public async Task With_state_after_the_senders_come_as_they_are_at_the_end()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, _named, Bob);
        await fixture.SendAsync(room, Alice, "hello");
        var first = await fixture.SyncAsync(Alice, filter: Lazy, stateProperty: StateProperty.StateAfter);
        await fixture.SendAsync(room, Bob, "hi");

        var joined = (await fixture.SyncAsync(Alice, first.Next(), Lazy, stateProperty: StateProperty.StateAfter)).Joined(room);

        Assert.Equal([Bob], joined.Events("state_after").MemberNames());
    }

    [Fact]
    public void Devices_longest_unheard_of_are_forgotten_first()
    {
        var members = new LazyLoadedMembers(wanted: Bytes(1, 60) + Bytes(1, 40));
        for (var key = 1; key <= 60; key++)
        {
            members.Remember(device: 1, room: 1, key, key, position: 1);
        }

        for (var key = 1; key <= 41; key++)
        {
            members.Remember(device: 2, room: 1, key, key, position: 1);
        }

        Assert.Equal(41, members.Count);
        Assert.Equal(Bytes(1, 41), members.Use.Bytes);
        Assert.False(members.IsKnown(1, 1, 1, 1, since: 1));
        Assert.True(members.IsKnown(2, 1, 1, 1, since: 1));
    }

    private static long Bytes(int rooms, int each) =>
        LazyLoadedMembers.DeviceBytes + (rooms * (LazyLoadedMembers.RoomBytes + ((long)each * LazyLoadedMembers.EntryBytes)));
}
