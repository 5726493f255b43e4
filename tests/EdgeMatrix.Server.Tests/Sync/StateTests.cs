using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Sync;
using Xunit;
using static EdgeMatrix.Server.Tests.Sync.SyncFixture;

namespace EdgeMatrix.Server.Tests.Sync;

public class StateTests
{
    private const string TwoEvents = """{"room":{"timeline":{"limit":2}}}""";

    [Fact]
    public async Task State_is_what_changed_up_to_the_start_of_the_timeline()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        var first = await fixture.SyncAsync(Alice);
        var topic = await fixture.SetStateAsync(room, Alice, "m.room.topic", "", """{"topic":"in the gap"}""");
        await fixture.SetStateAsync(room, Alice, "m.room.name", "", """{"name":"one"}""");
        var inGap = await fixture.SetStateAsync(room, Alice, "m.room.name", "", """{"name":"two"}""");
        var shown = await fixture.SetStateAsync(room, Alice, "m.room.name", "", """{"name":"three"}""");
        var last = await fixture.SendAsync(room, Alice, "hello");

        var joined = (await fixture.SyncAsync(Alice, first.Next(), TwoEvents)).Joined(room);

        Assert.Equal([shown, last], joined.Timeline().Ids());
        Assert.Equal([topic, inGap], joined.State().Ids());
        Assert.False(joined!.Value.TryGetProperty("state_after", out _));
    }

    [Theory]
    [InlineData(StateProperty.StateAfter, "state_after")]
    [InlineData(StateProperty.UnstableStateAfter, "org.matrix.msc4222.state_after")]
    public async Task State_after_is_what_changed_up_to_the_end_of_the_timeline(StateProperty property, string name)
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        var first = await fixture.SyncAsync(Alice);
        var topic = await fixture.SetStateAsync(room, Alice, "m.room.topic", "", """{"topic":"in the gap"}""");
        await fixture.SetStateAsync(room, Alice, "m.room.name", "", """{"name":"one"}""");
        await fixture.SendAsync(room, Alice, "hello");
        var shown = await fixture.SetStateAsync(room, Alice, "m.room.name", "", """{"name":"two"}""");

        var joined = (await fixture.SyncAsync(Alice, first.Next(), TwoEvents, stateProperty: property)).Joined(room);

        Assert.Equal([topic, shown], joined.Events(name).Ids());
        Assert.False(joined!.Value.TryGetProperty("state", out _));
    }

    [Fact]
    public async Task State_after_is_there_even_when_empty()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        var first = await fixture.SyncAsync(Alice);
        await fixture.SendAsync(room, Alice, "hello");

        var joined = (await fixture.SyncAsync(Alice, first.Next(), stateProperty: StateProperty.StateAfter)).Joined(room);

        Assert.Empty(joined.Events("state_after"));
    }

    [Fact]
    public async Task A_state_reset_is_told_though_no_event_of_the_timeline_says_so()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, new CreateRoomRequest { Preset = "public_chat", Name = "first" });
        var renamed = await fixture.SetStateAsync(room, Alice, "m.room.name", "", """{"name":"second"}""");
        var first = await fixture.SyncAsync(Alice);
        await fixture.ResetStateAsync(room, renamed);

        var joined = (await fixture.SyncAsync(Alice, first.Next())).Joined(room);

        Assert.Empty(joined.Timeline());
        var state = Assert.Single(joined.State());
        Assert.Equal("first", state.GetProperty("content").GetProperty("name").GetString());
    }

    [Fact]
    public async Task State_that_the_timeline_filter_hides_is_in_the_state()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        var first = await fixture.SyncAsync(Alice);
        var before = await fixture.SendAsync(room, Alice, "one");
        var topic = await fixture.SetStateAsync(room, Alice, "m.room.topic", "", """{"topic":"hidden"}""");

        var joined = (await fixture.SyncAsync(Alice, first.Next(), """{"room":{"timeline":{"types":["m.room.message"]}}}""")).Joined(room);

        Assert.Equal([before], joined.Timeline().Ids());
        Assert.Equal([topic], joined.State().Ids());
    }

    [Fact]
    public async Task Full_state_brings_all_state_of_all_rooms_at_once()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        var quiet = await fixture.CreateAsync(Alice, new CreateRoomRequest { Preset = "private_chat" });
        var first = await fixture.SyncAsync(Alice);
        var id = await fixture.SendAsync(room, Alice, "news");

        var second = await fixture.SyncAsync(Alice, first.Next(), timeoutMs: 30_000, fullState: true);

        Assert.Equal([id], second.Joined(room).Timeline().Ids());
        Assert.Contains("m.room.create|", second.Joined(room).State().Keys());
        Assert.Empty(second.Joined(quiet).Timeline());
        Assert.Contains("m.room.create|", second.Joined(quiet).State().Keys());
    }
}
