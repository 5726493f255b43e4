using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync.Filters;
using Xunit;
using static EdgeMatrix.Server.Tests.Sync.SyncFixture;

namespace EdgeMatrix.Server.Tests.Sync;

public class SyncFilterTests
{
    [Theory]
    [InlineData("""{"types":["m.room.message"]}""", "plain,file")]
    [InlineData("""{"types":["m.room.*"],"not_types":["*.message"]}""", "m.room.topic")]
    [InlineData("""{"types":["*e*t"]}""", "test.event")]
    [InlineData("""{"senders":["@bob:test"]}""", "file")]
    [InlineData("""{"not_senders":["@bob:test"],"senders":["@bob:test"]}""", "")]
    [InlineData("""{"contains_url":true}""", "file")]
    [InlineData("""{"contains_url":false,"not_types":["m.room.topic"]}""", "plain,test.event")]
    [InlineData("""{"types":[]}""", "")]
    [InlineData("""{"not_rooms":["ROOM"]}""", "")]
    [InlineData("""{"rooms":["ROOM"],"types":["m.room.topic"]}""", "m.room.topic")]
    public async Task A_timeline_filter_lets_pass_what_it_says(string filter, string expected)
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var first = await fixture.SyncAsync(Alice);
        await fixture.SendAsync(room, Alice, "plain");
        await fixture.SendAsync(room, new EventDraft("m.room.message", null, Bob, JsonElement.Parse("""{"body":"file","url":"mxc://a/b"}""")));
        await fixture.SetStateAsync(room, Alice, "m.room.topic", "", """{"topic":"t"}""");
        await fixture.SendAsync(room, new EventDraft("test.event", null, Alice, JsonElement.Parse("{}")));

        var sync = await fixture.SyncAsync(Alice, first.Next(), """{"room":{"timeline":FILTER}}""".Replace("FILTER", filter.Replace("ROOM", room.Id, StringComparison.Ordinal), StringComparison.Ordinal));

        Assert.Equal(expected, string.Join(',', sync.Joined(room) is { } joined ? ((JsonElement?)joined).Timeline().Bodies() : []));
    }

    [Fact]
    public async Task Rooms_can_be_left_out_altogether()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);

        Assert.Null((await fixture.SyncAsync(Alice, filter: $$$"""{"room":{"not_rooms":["{{{room.Id}}}"]}}""")).Joined(room));
        Assert.Null((await fixture.SyncAsync(Alice, filter: """{"room":{"rooms":["!other"]}}""")).Joined(room));
        Assert.NotNull((await fixture.SyncAsync(Alice, filter: $$$"""{"room":{"rooms":["{{{room.Id}}}"]}}""")).Joined(room));
    }

    [Theory]
    [InlineData("""{"room":{"rooms":["nowhere"]}}""")]
    [InlineData("""{"room":{"timeline":{"not_rooms":["nowhere"]}}}""")]
    [InlineData("""{"room":{"state":{"senders":["nobody"]}}}""")]
    [InlineData("""{"presence":{"not_senders":["nobody"]}}""")]
    public void What_is_no_id_of_a_room_or_a_user_is_told(string filter)
    {
        SyncFilter.Parse(filter, out var problem);

        Assert.Contains("no id", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_display_name_is_no_news_to_whoever_wants_no_member_events()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        const string Filter = """{"room":{"timeline":{"not_types":["*"]},"state":{"types":["m.room.topic"]}}}""";
        var first = await fixture.SyncAsync(Alice, filter: Filter);

        await fixture.SetStateAsync(room, Bob, "m.room.member", Bob, """{"membership":"join","displayname":"Robert"}""");
        Assert.Null((await fixture.SyncAsync(Alice, first.Next(), Filter)).Joined(room));

        await fixture.SetStateAsync(room, Bob, "m.room.member", Bob, """{"membership":"leave"}""");
        Assert.NotNull((await fixture.SyncAsync(Alice, first.Next(), Filter)).Joined(room));
    }

    [Fact]
    public async Task State_ephemeral_and_account_data_have_filters_of_their_own()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        var message = await fixture.SendAsync(room, Alice, "hello");
        await fixture.Receipts.SetAsync(room, await fixture.UserAsync(Alice), ReceiptType.Read, "", message);
        await fixture.SetAccountDataAsync(Alice, null, "m.direct", "{}");
        await fixture.SetAccountDataAsync(Alice, room, "m.tag", "{}");

        var sync = await fixture.SyncAsync(
            Alice,
            filter: """
            {"account_data":{"not_types":["m.*"]},"room":{"timeline":{"limit":1},"state":{"types":["m.room.create"]},
             "ephemeral":{"types":["m.typing"]},"account_data":{"types":["m.other"]}}}
            """);

        Assert.Empty(sync.GetProperty("account_data").GetProperty("events").EnumerateArray());
        Assert.Equal(["m.room.create|"], sync.Joined(room).State().Keys());
        Assert.Empty(sync.Joined(room).Events("ephemeral"));
        Assert.Empty(sync.Joined(room).Events("account_data"));
    }

    [Fact]
    public async Task Only_the_wanted_fields_of_events_are_sent()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        await fixture.SendAsync(room, new EventDraft(
            "m.room.message", null, Alice, JsonElement.Parse("""{"body":"b","m.relates_to":{"rel_type":"x"},"other":1}""")));

        var sync = await fixture.SyncAsync(
            Alice, filter: """{"event_fields":["type","content.body","content.m\\.relates_to.rel_type"],"room":{"timeline":{"limit":1}}}""");

        Assert.Equal(
            """{"content":{"body":"b","m.relates_to":{"rel_type":"x"}},"type":"m.room.message"}""",
            sync.Joined(room).Timeline()[0].GetRawText());
    }

    [Fact]
    public async Task The_federation_format_is_the_event_as_servers_exchange_it()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        await fixture.SendAsync(room, Alice, "hello");

        var last = (await fixture.SyncAsync(Alice, filter: """{"event_format":"federation"}""")).Joined(room).Timeline()[^1];

        Assert.True(last.TryGetProperty("signatures", out _));
        Assert.True(last.TryGetProperty("prev_events", out _));
    }

    [Theory]
    [InlineData("""[]""")]
    [InlineData("""{"event_format":"xml"}""")]
    [InlineData("""{"event_fields":"type"}""")]
    [InlineData("""{"room":[]}""")]
    [InlineData("""{"room":{"rooms":[1]}}""")]
    [InlineData("""{"room":{"include_leave":"yes"}}""")]
    [InlineData("""{"room":{"timeline":{"limit":-1}}}""")]
    [InlineData("""{"room":{"timeline":{"limit":"10"}}}""")]
    [InlineData("""{"room":{"state":{"lazy_load_members":1}}}""")]
    [InlineData("""{"presence":{"types":"m.presence"}}""")]
    public void A_filter_of_the_wrong_shape_is_refused(string filter)
    {
        SyncFilter.Parse(JsonElement.Parse(filter), out var problem);

        Assert.NotNull(problem);
    }
}
