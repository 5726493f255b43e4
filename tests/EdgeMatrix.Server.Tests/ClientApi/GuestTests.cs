using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

/// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#guest-access</summary>
public sealed class GuestTests
{
    private const string V3 = "/_matrix/client/v3";
    private const string Register = V3 + "/register";
    private const string OpenToGuests =
        """{"preset":"public_chat","initial_state":[{"type":"m.room.guest_access","state_key":"","content":{"guest_access":"can_join"}}]}""";

    [Fact]
    public async Task Guests_are_let_in_only_where_the_configuration_says_so()
    {
        await using var server = await TestHomeserver.StartAsync();

        Assert.Equal((403, "M_GUEST_ACCESS_FORBIDDEN"), (await server.PostAsync(Register + "?kind=guest", "{}")).Error);
    }

    [Fact]
    public async Task Of_what_a_guest_says_of_itself_only_the_name_of_the_device_counts()
    {
        await using var server = await StartAsync();
        var answer = await server.PostAsync(
            Register + "?kind=guest", """{"username":"boss","password":"x","device_id":"MINE","initial_device_display_name":"Browser","inhibit_login":true}""");
        var guest = Session(server, answer);

        Assert.NotEqual("@boss:test", guest.UserId);
        Assert.NotEqual("MINE", guest.DeviceId);
        Assert.Equal("Browser", (await guest.GetAsync(V3 + "/devices"))["devices"][0].GetProperty("display_name").GetString());
        Assert.True((await guest.GetAsync(V3 + "/account/whoami"))["is_guest"].GetBoolean());
        Assert.Equal((400, "M_BAD_JSON"), (await server.PostAsync(Register + "?kind=guest", """{"initial_device_display_name":7}""")).Error);
    }

    [Fact]
    public async Task A_guest_may_call_only_what_guests_may()
    {
        await using var server = await StartAsync();
        var guest = await GuestAsync(server);

        Assert.Equal((403, "M_GUEST_ACCESS_FORBIDDEN"), (await guest.PostAsync(V3 + "/createRoom", "{}")).Error);
        Assert.Equal((403, "M_GUEST_ACCESS_FORBIDDEN"), (await guest.PostAsync("/_matrix/media/v3/upload", "x")).Error);
        Assert.Equal((200, null), (await guest.GetAsync(V3 + "/sync")).Error);
    }

    [Fact]
    public async Task Of_its_profile_a_guest_may_change_the_display_name_only()
    {
        await using var server = await StartAsync();
        var guest = await GuestAsync(server);
        var profile = $"{V3}/profile/{guest.UserId}";

        Assert.Equal((200, null), (await guest.PutAsync(profile + "/displayname", """{"displayname":"Visitor"}""")).Error);
        Assert.Equal((403, "M_GUEST_ACCESS_FORBIDDEN"), (await guest.PutAsync(profile + "/avatar_url", """{"avatar_url":"mxc://test/a"}""")).Error);
        Assert.Equal((403, "M_GUEST_ACCESS_FORBIDDEN"), (await guest.DeleteAsync(profile + "/m.tz")).Error);
        Assert.Equal((200, null), (await guest.DeleteAsync(profile + "/displayname")).Error);
    }

    [Fact]
    public async Task A_guest_joins_rooms_that_let_guests_in_and_no_others()
    {
        await using var server = await StartAsync();
        var alice = await server.RegisterAsync("alice");
        var guest = await GuestAsync(server);
        var open = await alice.CreateRoomAsync(OpenToGuests);
        var closed = await alice.CreateRoomAsync();

        Assert.Equal((403, "M_GUEST_ACCESS_FORBIDDEN"), (await guest.PostAsync($"{V3}/rooms/{closed}/join", "{}")).Error);
        Assert.Equal(
            (403, "M_GUEST_ACCESS_FORBIDDEN"),
            (await guest.PutAsync($"{V3}/rooms/{closed}/state/m.room.member/{guest.UserId}", """{"membership":"join"}""")).Error);
        Assert.Equal((200, null), (await guest.PostAsync($"{V3}/rooms/{open}/join", "{}")).Error);
        Assert.StartsWith("$", await guest.SendTextAsync(open, "hello", "1"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"guest_access":"forbidden"}""")]
    [InlineData("{}")]
    public async Task A_room_that_lets_guests_in_no_longer_is_left_by_them(string access)
    {
        await using var server = await StartAsync();
        var (alice, bob, guest) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"), await GuestAsync(server));
        var room = await alice.CreateRoomAsync(OpenToGuests);
        await bob.PostAsync($"{V3}/rooms/{room}/join", "{}");
        await guest.PostAsync($"{V3}/rooms/{room}/join", "{}");

        await alice.PutAsync($"{V3}/rooms/{room}/state/m.room.guest_access", access);

        Assert.Equal("leave", await MembershipAsync(alice, room, guest));
        Assert.Equal("join", await MembershipAsync(alice, room, bob));
    }

    [Fact]
    public async Task So_is_one_in_which_the_permission_is_redacted()
    {
        await using var server = await StartAsync();
        var (alice, guest) = (await server.RegisterAsync("alice"), await GuestAsync(server));
        var room = await alice.CreateRoomAsync(OpenToGuests);
        await guest.PostAsync($"{V3}/rooms/{room}/join", "{}");
        var permission = (await alice.GetAsync($"{V3}/rooms/{room}/state/m.room.guest_access/?format=event"))["event_id"].GetString();

        await alice.PutAsync($"{V3}/rooms/{room}/redact/{permission}/1", "{}");

        Assert.Equal("leave", await MembershipAsync(alice, room, guest));
    }

    [Fact]
    public async Task A_guest_becomes_a_user_and_keeps_its_rooms()
    {
        await using var server = await StartAsync();
        var (alice, guest) = (await server.RegisterAsync("alice"), await GuestAsync(server));
        var room = await alice.CreateRoomAsync(OpenToGuests);
        await guest.PostAsync($"{V3}/rooms/{room}/join", "{}");
        var name = guest.UserId[1..guest.UserId.IndexOf(':', StringComparison.Ordinal)];

        Assert.Equal((403, "M_FORBIDDEN"), (await server.PostAsync(Register, Upgrade("another", guest.Token))).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await server.PostAsync(Register, Upgrade("alice", alice.Token))).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await server.PostAsync(Register, Upgrade(name, "guessed"))).Error);
        var user = Session(server, await server.PostAsync(Register, Upgrade(name, guest.Token)));

        Assert.Equal(guest.UserId, user.UserId);
        Assert.False((await user.GetAsync(V3 + "/account/whoami"))["is_guest"].GetBoolean());
        Assert.Equal((200, null), (await user.PostAsync(V3 + "/createRoom", "{}")).Error);
        Assert.Equal(guest.UserId, (await server.LogInAsync(name)).UserId);
        await alice.PutAsync($"{V3}/rooms/{room}/state/m.room.guest_access", "{}");
        Assert.Equal("join", await MembershipAsync(alice, room, user));
        Assert.Equal((403, "M_FORBIDDEN"), (await server.PostAsync(Register, Upgrade(name, guest.Token))).Error);
    }

    [Fact]
    public async Task A_guest_who_is_away_for_long_is_given_up()
    {
        await using var server = await StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync(OpenToGuests);
        var (gone, there) = (await GuestAsync(server), await GuestAsync(server));
        await gone.PostAsync($"{V3}/rooms/{room}/join", "{}");
        await there.PostAsync($"{V3}/rooms/{room}/join", "{}");

        await server.UpkeepAsync(TimeSpan.FromDays(20));
        await there.GetAsync(V3 + "/account/whoami");
        await server.WritesSettledAsync();
        await server.UpkeepAsync(TimeSpan.FromDays(11));

        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await gone.GetAsync(V3 + "/account/whoami")).Error);
        Assert.Equal("leave", await MembershipAsync(alice, room, gone));
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync($"{V3}/profile/{gone.UserId}/displayname")).Error);
        Assert.Equal((200, null), (await there.GetAsync(V3 + "/account/whoami")).Error);
        Assert.Equal("join", await MembershipAsync(alice, room, there));
    }

    private static Task<TestHomeserver> StartAsync() => TestHomeserver.StartAsync(options => options with
    {
        Registration = options.Registration with { Guests = true },
    });

    private static async Task<TestSession> GuestAsync(TestHomeserver server) => Session(server, await server.PostAsync(Register + "?kind=guest", "{}"));

    private static TestSession Session(TestHomeserver server, TestAnswer answer) =>
        new(server, answer["user_id"].GetString()!, answer["device_id"].GetString()!, answer["access_token"].GetString()!);

    private static string Upgrade(string name, string token) =>
        $$"""{"username":"{{name}}","password":"secret","auth":{"type":"m.login.dummy"},"guest_access_token":"{{token}}"}""";

    private static async Task<string?> MembershipAsync(TestSession asking, string room, TestSession user) =>
        (await asking.GetAsync($"{V3}/rooms/{room}/state/m.room.member/{user.UserId}"))["membership"].GetString();
}
