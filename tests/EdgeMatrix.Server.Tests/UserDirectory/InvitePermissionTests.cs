using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.UserDirectory;

public sealed class InvitePermissionTests
{
    [Fact]
    public async Task Who_blocks_invites_is_not_invited_and_sees_none_until_they_are_wanted_again()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var (before, room) = (await alice.CreateRoomAsync(), await alice.CreateRoomAsync());
        var invite = $$"""{"user_id":"{{bob.UserId}}"}""";
        Assert.Equal(200, (int)(await alice.PostAsync($"/_matrix/client/v3/rooms/{before}/invite", invite)).Status);
        var config = $"/_matrix/client/v3/user/{bob.UserId}/account_data/m.invite_permission_config";
        await bob.PutAsync(config, """{"default_action":"block"}""");

        Assert.Equal((403, "M_INVITE_BLOCKED"), (await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/invite", invite)).Error);
        Assert.Equal((403, "M_INVITE_BLOCKED"), (await alice.PostAsync("/_matrix/client/v3/createRoom", $$"""{"invite":["{{bob.UserId}}"]}""")).Error);
        Assert.Equal(
            (403, "M_INVITE_BLOCKED"),
            (await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/state/m.room.member/{bob.UserId}", """{"membership":"invite"}""")).Error);
        Assert.DoesNotContain(before, (await bob.GetAsync("/_matrix/client/v3/sync")).Body, StringComparison.Ordinal);

        await bob.PutAsync(config, "{}");
        Assert.Contains(before, (await bob.GetAsync("/_matrix/client/v3/sync")).Body, StringComparison.Ordinal);
        Assert.Equal(200, (int)(await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/invite", invite)).Status);
    }
}
