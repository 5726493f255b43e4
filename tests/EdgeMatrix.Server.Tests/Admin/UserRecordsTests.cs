using EdgeMatrix.Api.Limits;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Admin;

/// <summary>What is stored of a user, and how often they may send.</summary>
public sealed class UserRecordsTests
{
    private const string V1 = "/_synapse/admin/v1";
    private const string V3 = "/_matrix/client/v3";

    [Fact]
    public async Task Memberships_account_data_and_pushers_are_shown()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");
        var (stayed, left) = (await alice.CreateRoomAsync(), await alice.CreateRoomAsync());
        await alice.PostAsync($"{V3}/rooms/{left}/leave", "{}");
        await alice.PutAsync($"{V3}/user/@alice:test/account_data/org.example", """{"a":1}""");
        await alice.PutAsync($"{V3}/user/@alice:test/rooms/{stayed}/account_data/org.example", """{"b":2}""");
        await alice.PostAsync(
            $"{V3}/pushers/set",
            """{"kind":"http","app_id":"app","pushkey":"key","app_display_name":"App","device_display_name":"Phone","lang":"en","data":{"url":"https://push.example/_matrix/push/v1/notify"}}""");

        var memberships = (await root.GetAsync($"{V1}/users/@alice:test/memberships"))["memberships"];
        Assert.Equal(("join", "leave"), (memberships.GetProperty(stayed).GetString(), memberships.GetProperty(left).GetString()));
        var data = (await root.GetAsync($"{V1}/users/@alice:test/accountdata"))["account_data"];
        Assert.Equal("""{"a":1}""", data.GetProperty("global").GetProperty("org.example").GetRawText());
        Assert.Equal("""{"b":2}""", data.GetProperty("rooms").GetProperty(stayed).GetProperty("org.example").GetRawText());
        var pushers = await root.GetAsync($"{V1}/users/@alice:test/pushers");
        Assert.Equal((1, "key"), (pushers["total"].GetInt32(), pushers["pushers"][0].GetProperty("pushkey").GetString()));

        foreach (var what in new[] { "memberships", "accountdata", "pushers", "override_ratelimit" })
        {
            Assert.Equal((404, "M_NOT_FOUND"), (await root.GetAsync($"{V1}/users/@nobody:test/{what}")).Error);
            Assert.Equal((403, "M_FORBIDDEN"), (await alice.GetAsync($"{V1}/users/@root:test/{what}")).Error);
        }
    }

    [Fact]
    public async Task A_name_is_free_or_taken_or_no_name()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        Assert.Equal("""{"available":true}""", (await root.GetAsync($"{V1}/username_available?username=carol")).Body);
        Assert.Equal((400, "M_USER_IN_USE"), (await root.GetAsync($"{V1}/username_available?username=root")).Error);
        Assert.Equal((400, "M_INVALID_USERNAME"), (await root.GetAsync($"{V1}/username_available?username=!")).Error);
        Assert.Equal((400, "M_MISSING_PARAM"), (await root.GetAsync($"{V1}/username_available")).Error);
    }

    [Fact]
    public async Task A_device_is_made_for_a_user()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        await server.RegisterAsync("alice");
        const string Devices = "/_synapse/admin/v2/users/@alice:test/devices";
        Assert.Equal(201, (int)(await root.PostAsync(Devices, """{"device_id":"NEW"}""")).Status);
        Assert.Equal(201, (int)(await root.PostAsync(Devices, """{"device_id":"NEW"}""")).Status);
        Assert.Equal(2, (await root.GetAsync(Devices))["total"].GetInt32());
        Assert.Equal((400, "M_MISSING_PARAM"), (await root.PostAsync(Devices, "{}")).Error);
    }

    [Fact]
    public async Task A_user_sends_as_often_as_an_administrator_says()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with
        {
            Limits = new RateLimits { Message = new Rate(TimeSpan.FromSeconds(10), 2), Join = new Rate(TimeSpan.FromHours(1), 1) },
        });
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var sent = 0;
        Assert.Equal(2, await SendAsync());

        Assert.Equal("{}", (await root.GetAsync($"{V1}/users/@alice:test/override_ratelimit")).Body);
        Assert.Equal(
            """{"messages_per_second":1,"burst_count":5}""",
            (await root.PostAsync($"{V1}/users/@alice:test/override_ratelimit", """{"messages_per_second":1,"burst_count":5}""")).Body);
        Assert.Equal(5, await SendAsync());
        server.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, await SendAsync());
        await alice.CreateRoomAsync();
        Assert.Equal((429, "M_LIMIT_EXCEEDED"), (await alice.PostAsync($"{V3}/createRoom", "{}")).Error);

        await root.PostAsync($"{V1}/users/@alice:test/override_ratelimit", """{"messages_per_second":0,"burst_count":0}""");
        Assert.Equal(20, await SendAsync());
        Assert.Equal((200, null), (await alice.PostAsync($"{V3}/createRoom", "{}")).Error);

        Assert.Equal("{}", (await root.DeleteAsync($"{V1}/users/@alice:test/override_ratelimit")).Body);
        Assert.Equal(2, await SendAsync());
        Assert.Equal((400, "M_INVALID_PARAM"), (await root.PostAsync($"{V1}/users/@alice:test/override_ratelimit", """{"burst_count":-1}""")).Error);

        async Task<int> SendAsync()
        {
            var let = 0;
            while (let < 20)
            {
                var answer = await alice.PutAsync($"{V3}/rooms/{room}/send/m.room.message/{++sent}", """{"msgtype":"m.text","body":"x"}""");
                if ((int)answer.Status == 429)
                {
                    break;
                }

                let++;
            }

            return let;
        }
    }

    [Fact]
    public async Task Users_are_listed_by_what_they_show_of_themselves()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");
        await server.RegisterAsync("bob");
        await alice.PutAsync($"{V3}/profile/@alice:test/displayname", """{"displayname":"Zoe"}""");
        await root.PutAsync("/_synapse/admin/v1/suspend/@bob:test", """{"suspend":true}""");

        Assert.Equal("@bob:test @root:test @alice:test", await ListAsync("order_by=displayname&dir=b", reverse: true));
        Assert.Equal("@alice:test", await ListAsync("name=zo"));
        Assert.Equal("@alice:test", await ListAsync("name=ALI"));
        Assert.Equal("", await ListAsync("name=test"));
        Assert.Equal("@alice:test @bob:test @root:test", await ListAsync("user_id=test"));
        Assert.Equal("@bob:test", await ListAsync("suspended=true"));
        Assert.Equal("@alice:test @bob:test @root:test", await ListAsync("order_by=user_type"));

        async Task<string> ListAsync(string query, bool reverse = false)
        {
            var names = (await root.GetAsync($"/_synapse/admin/v3/users?{query}"))["users"].EnumerateArray().Select(user => user.GetProperty("name").GetString());
            return string.Join(' ', reverse ? names.Reverse() : names);
        }
    }
}
