using System.Net;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Joins that the common state of two branches of a room does not have.</summary>
public sealed class LostMembershipTests
{
    private const string V3 = "/_matrix/client/v3";

    [Fact]
    public async Task Who_joined_while_elsewhere_the_room_was_closed_is_told_that_they_are_out_of_it()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var (alice, carol) = (shared.UserOf("one"), await shared["two"].RegisterAsync("carol"));
        var closed = (await alice.PutAsync($"{V3}/rooms/{shared.Id}/state/m.room.join_rules", """{"join_rule":"invite"}"""))["event_id"].GetString()!;
        Assert.Equal(HttpStatusCode.OK, (await carol.PostAsync($"{V3}/rooms/{shared.Id}/join", "{}")).Status);
        var first = await carol.GetAsync($"{V3}/sync");
        Assert.True(first["rooms"].GetProperty("join").TryGetProperty(shared.Id, out _));

        await shared.TellAsync("one", "two", closed);
        var second = await carol.GetAsync($"{V3}/sync?since={first["next_batch"].GetString()}");
        Assert.False(second["rooms"].GetProperty("join").TryGetProperty(shared.Id, out _));
        var left = second["rooms"].GetProperty("leave").GetProperty(shared.Id).GetProperty("timeline");
        Assert.Equal(0, left.GetProperty("events").GetArrayLength());
        Assert.False(left.GetProperty("limited").GetBoolean());
        Assert.Equal(403, (int)(await carol.GetAsync($"{V3}/rooms/{shared.Id}/messages?dir=b")).Status);

        // Once, and no more when the room is theirs again.
        var third = await carol.GetAsync($"{V3}/sync?since={second["next_batch"].GetString()}");
        Assert.False(third["rooms"].TryGetProperty("leave", out var leave) && leave.TryGetProperty(shared.Id, out _));
        var opened = (await alice.PutAsync($"{V3}/rooms/{shared.Id}/state/m.room.join_rules", """{"join_rule":"public"}"""))["event_id"].GetString()!;
        await shared.TellAsync("one", "two", opened);
        Assert.Equal(HttpStatusCode.OK, (await carol.PostAsync($"{V3}/rooms/{shared.Id}/join", "{}")).Status);
        var late = await carol.GetAsync($"{V3}/sync?since={first["next_batch"].GetString()}");
        Assert.True(late["rooms"].GetProperty("join").TryGetProperty(shared.Id, out _));
        Assert.False(late["rooms"].GetProperty("leave").TryGetProperty(shared.Id, out _));
        shared.AssertSound();
    }
}
