using System.Net;
using EdgeMatrix.Server.Tests.Media;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Rooms;

/// <summary>Small things that clients rely on, and that no test of a module holds.</summary>
public sealed class WhatClientsRelyOnTests : IAsyncLifetime
{
    private const string V3 = "/_matrix/client/v3";

    private TestHomeserver _server = null!;
    private TestSession _alice = null!;
    private TestSession _bob = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestHomeserver.StartAsync();
        _alice = await _server.RegisterAsync("alice");
        _bob = await _server.RegisterAsync("bob");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Media_are_uploaded_under_the_old_prefix()
    {
        using var response = await _alice.SendBytesAsync(HttpMethod.Post, "/_matrix/media/r0/upload", [1, 2, 3], "image/png");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal((200, null), (await _alice.GetAsync("/_matrix/media/r0/config")).Error);
    }

    [Theory]
    [InlineData("pushrules")]
    [InlineData("pushrules/")]
    [InlineData("pushrules/global")]
    [InlineData("pushrules/global/")]
    public async Task Push_rules_are_read_with_and_without_a_slash_at_the_end(string path) =>
        Assert.Equal((200, null), (await _alice.GetAsync($"{V3}/{path}")).Error);

    [Fact]
    public async Task An_older_receipt_takes_nothing_back()
    {
        var room = await JoinedAsync();
        var (first, second) = (await _alice.SendTextAsync(room, "1", "1"), await _alice.SendTextAsync(room, "2", "2"));
        await _bob.PostAsync($"{V3}/rooms/{room}/receipt/m.read/{second}", "{}");

        await _bob.PostAsync($"{V3}/rooms/{room}/receipt/m.read/{first}", "{}");

        var joined = (await _bob.GetAsync($"{V3}/sync"))["rooms"].GetProperty("join").GetProperty(room);
        Assert.Equal(0, joined.GetProperty("unread_notifications").GetProperty("notification_count").GetInt32());
        var receipts = joined.GetProperty("ephemeral").GetProperty("events")[0].GetProperty("content");
        Assert.Equal([second], receipts.EnumerateObject().Select(receipt => receipt.Name));
    }

    [Fact]
    public async Task A_knock_is_taken_back_by_leaving()
    {
        var room = await _alice.CreateRoomAsync("""{"initial_state":[{"type":"m.room.join_rules","state_key":"","content":{"join_rule":"knock"}}]}""");
        await _bob.PostAsync($"{V3}/knock/{room}", """{"reason":"please"}""");
        Assert.True((await _bob.GetAsync($"{V3}/sync"))["rooms"].GetProperty("knock").TryGetProperty(room, out _));

        Assert.Equal("{}", (await _bob.PostAsync($"{V3}/rooms/{room}/leave", "{}")).Body);

        Assert.Empty((await _bob.GetAsync($"{V3}/sync"))["rooms"].GetProperty("knock").EnumerateObject());
        Assert.Equal("leave", (await _alice.GetAsync($"{V3}/rooms/{room}/state/m.room.member/@bob:test"))["membership"].GetString());
    }

    [Theory]
    [InlineData("?server_name=test&server_name=elsewhere")]
    [InlineData("?via=test&via=elsewhere")]
    public async Task Servers_to_join_by_are_named_in_either_way(string query)
    {
        var room = await _alice.CreateRoomAsync();
        Assert.Equal($$"""{"room_id":"{{room}}"}""", (await _bob.PostAsync($"{V3}/join/{room}{query}", "{}")).Body);
    }

    [Fact]
    public async Task Rooms_are_marked_unread_and_image_packs_are_kept_as_they_are()
    {
        var room = await JoinedAsync();
        await _alice.PutAsync($"{V3}/user/@alice:test/rooms/{room}/account_data/m.marked_unread", """{"unread":true}""");
        const string Pack = """{"images":{"not a shortcode!":{"url":"mxc://test/a"}},"pack":{"usage":["emoticon"]}}""";
        Assert.Equal((200, null), (await _alice.PutAsync($"{V3}/rooms/{room}/state/m.room.image_pack/cats", Pack)).Error);

        Assert.Equal(
            """{"unread":true}""", (await _alice.GetAsync($"{V3}/user/@alice:test/rooms/{room}/account_data/m.marked_unread")).Body);
        Assert.Equal(Pack, (await _bob.GetAsync($"{V3}/rooms/{room}/state/m.room.image_pack/cats")).Body);
    }

    [Fact]
    public async Task A_redaction_through_send_redacts_and_one_that_may_not_does_not()
    {
        var room = await JoinedAsync();
        var said = await _alice.SendTextAsync(room, "secret", "1");
        var body = $$"""{"redacts":"{{said}}"}""";

        Assert.Equal((403, "M_FORBIDDEN"), (await _bob.PutAsync($"{V3}/rooms/{room}/send/m.room.redaction/1", body)).Error);
        Assert.Equal((200, null), (await _alice.PutAsync($"{V3}/rooms/{room}/send/m.room.redaction/2", body)).Error);

        Assert.Equal("{}", (await _bob.GetAsync($"{V3}/rooms/{room}/event/{said}"))["content"].GetRawText());
    }

    [Fact]
    public async Task Rules_for_names_that_are_written_out_are_predefined_no_longer()
    {
        var rules = (await _alice.GetAsync($"{V3}/pushrules/")).Body;

        Assert.Contains(".m.rule.is_user_mention", rules, StringComparison.Ordinal);
        Assert.DoesNotContain(".m.rule.contains_", rules, StringComparison.Ordinal);
        Assert.DoesNotContain(".m.rule.roomnotif", rules, StringComparison.Ordinal);
    }

    private async Task<string> JoinedAsync()
    {
        var room = await _alice.CreateRoomAsync();
        await _bob.PostAsync($"{V3}/join/{room}", "{}");
        return room;
    }
}
