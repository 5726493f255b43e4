using System.Net;
using System.Text.Json;
using EdgeMatrix.Testing;
using Microsoft.AspNetCore.Routing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Admin;

public sealed class UserAdminTests
{
    private const string V1 = "/_synapse/admin/v1";
    private const string Users = "/_synapse/admin/v2/users";
    private const string WhoAmI = "/_matrix/client/v3/account/whoami";

    [Fact]
    public async Task Nothing_of_it_is_for_others_than_administrators()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var endpoints = server.Part<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/_synapse/admin/", StringComparison.Ordinal)
                && !endpoint.RoutePattern.RawText.EndsWith("/register", StringComparison.Ordinal)
                && !endpoint.RoutePattern.RawText.EndsWith("/server_version", StringComparison.Ordinal))
            .ToList();

        Assert.True(endpoints.Count > 20);
        foreach (var endpoint in endpoints)
        {
            var method = new HttpMethod(endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0]);
            var path = endpoint.RoutePattern.RawText!.Replace("{userId}", "@nobody:test", StringComparison.Ordinal).Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal);
            Assert.Equal((path, (403, "M_FORBIDDEN")), (path, (await server.SendAsync(method, path, alice.Token, "{}")).Error));
            Assert.Equal((path, (401, "M_MISSING_TOKEN")), (path, (await server.SendAsync(method, path, null, "{}")).Error));
        }
    }

    [Fact]
    public async Task Users_are_made_listed_and_changed()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();

        var made = await root.PutAsync(Users + "/@alice:test", """{"password":"secret","displayname":"Alice","admin":false}""");
        Assert.Equal(HttpStatusCode.Created, made.Status);
        Assert.Equal("Alice", made["displayname"].GetString());
        var alice = await server.LogInAsync("alice");

        var list = await root.GetAsync(Users + "?from=0&limit=1&guests=false");
        Assert.Equal((2, "1"), (list["total"].GetInt32(), list["next_token"].GetString()));
        Assert.Equal("@alice:test", list["users"][0].GetProperty("name").GetString());
        Assert.Equal(1, (await root.GetAsync(Users + "?name=ali"))["total"].GetInt32());

        var changed = await root.PutAsync(Users + "/@alice:test", """{"displayname":"Al","locked":true}""");
        Assert.Equal((HttpStatusCode.OK, "Al", true), (changed.Status, changed["displayname"].GetString(), changed["locked"].GetBoolean()));
        Assert.Equal((401, "M_USER_LOCKED"), (await alice.GetAsync(WhoAmI)).Error);
        await root.PutAsync(Users + "/@alice:test", """{"locked":false,"password":"other"}""");
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await alice.GetAsync(WhoAmI)).Error);

        Assert.Equal((404, "M_NOT_FOUND"), (await root.GetAsync(Users + "/@nobody:test")).Error);
        Assert.Equal((400, "M_UNKNOWN"), (await root.GetAsync(Users + "/@alice:elsewhere")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await root.PutAsync(Users + "/@alice:test", """{"admin":"yes"}""")).Error);
        Assert.Equal((400, "M_UNKNOWN"), (await root.PutAsync(Users + "/@root:test", """{"admin":false}""")).Error);
    }

    [Fact]
    public async Task A_user_is_deactivated_and_comes_back_with_a_password()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");

        Assert.Equal("""{"id_server_unbind_result":"success"}""", (await root.PostAsync(V1 + "/deactivate/@alice:test", """{"erase":true}""")).Body);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await alice.GetAsync(WhoAmI)).Error);
        var row = await root.GetAsync(Users + "/@alice:test");
        Assert.True(row["deactivated"].GetBoolean() && row["erased"].GetBoolean());
        Assert.Equal(1, (await root.GetAsync(Users))["total"].GetInt32());
        Assert.Equal(2, (await root.GetAsync(Users + "?deactivated=true"))["total"].GetInt32());

        Assert.Equal((400, "M_UNKNOWN"), (await root.PutAsync(Users + "/@alice:test", """{"deactivated":false}""")).Error);
        Assert.Equal(HttpStatusCode.OK, (await root.PutAsync(Users + "/@alice:test", """{"deactivated":false,"password":"secret"}""")).Status);
        Assert.Equal(HttpStatusCode.OK, (await (await server.LogInAsync("alice")).GetAsync(WhoAmI)).Status);
    }

    [Fact]
    public async Task Passwords_sessions_and_devices_are_in_an_administrators_hands()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");

        var borrowed = await root.PostAsync(V1 + "/users/@alice:test/login", "{}");
        Assert.Equal("@alice:test", (await server.GetAsync(WhoAmI, borrowed["access_token"].GetString()))["user_id"].GetString());
        var until = server.Time.GetUtcNow().AddMinutes(5).ToUnixTimeMilliseconds();
        var brief = (await root.PostAsync(V1 + "/users/@alice:test/login", $$"""{"valid_until_ms":{{until}}}"""))["access_token"].GetString();
        server.Time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await server.GetAsync(WhoAmI, brief)).Error);

        Assert.Equal(3, (await root.GetAsync(Users + "/@alice:test/devices"))["total"].GetInt32());
        Assert.Equal("{}", (await root.PutAsync(Users + "/@alice:test/devices/PHONE", """{"display_name":"Phone"}""")).Body);
        Assert.Equal("Phone", (await root.GetAsync(Users + "/@alice:test/devices/PHONE"))["display_name"].GetString());
        Assert.Equal("{}", (await root.PostAsync(Users + "/@alice:test/delete_devices", """{"devices":["PHONE"]}""")).Body);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await alice.GetAsync(WhoAmI)).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.GetAsync(Users + "/@alice:test/devices/PHONE")).Error);

        Assert.Equal("{}", (await root.PostAsync(V1 + "/reset_password/@alice:test", """{"new_password":"other"}""")).Body);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await server.GetAsync(WhoAmI, borrowed["access_token"].GetString())).Error);
        Assert.Equal((400, "M_MISSING_PARAM"), (await root.PostAsync(V1 + "/reset_password/@alice:test", "{}")).Error);
    }

    [Fact]
    public async Task Administrators_are_made_and_unmade_by_others()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();

        Assert.Equal("""{"admin":false}""", (await root.GetAsync(V1 + "/users/@alice:test/admin")).Body);
        Assert.Equal("{}", (await root.PutAsync(V1 + "/users/@alice:test/admin", """{"admin":true}""")).Body);
        Assert.Equal("""{"admin":true}""", (await alice.GetAsync(V1 + "/users/@alice:test/admin")).Body);
        Assert.Equal((400, "M_UNKNOWN"), (await root.PutAsync(V1 + "/users/@root:test/admin", """{"admin":false}""")).Error);
        Assert.Equal((400, "M_MISSING_PARAM"), (await root.PutAsync(V1 + "/users/@alice:test/admin", "{}")).Error);
        Assert.Equal($$"""{"joined_rooms":["{{room}}"],"total":1}""", (await root.GetAsync(V1 + "/users/@alice:test/joined_rooms")).Body);
        Assert.Equal("""{"user_@alice:test_suspended":true}""", (await root.PutAsync(V1 + "/suspend/@alice:test", """{"suspend":true}""")).Body);
        Assert.Equal("@alice:test", (await root.GetAsync(V1 + "/whois/@alice:test"))["user_id"].GetString());
    }

    [Fact]
    public async Task Media_are_quarantined_given_back_and_deleted()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var uri = (await root.PostAsync("/_matrix/media/v3/upload", "picture"))["content_uri"].GetString()!;
        var id = uri[(uri.LastIndexOf('/') + 1)..];
        var download = $"/_matrix/client/v1/media/download/test/{id}";

        Assert.Equal("{}", (await root.PostAsync($"{V1}/media/quarantine/test/{id}", "")).Body);
        Assert.Equal(HttpStatusCode.NotFound, (await root.GetAsync(download)).Status);
        Assert.Equal("{}", (await root.PostAsync($"{V1}/media/unquarantine/test/{id}", "")).Body);
        Assert.Equal("picture", (await root.GetAsync(download)).Body);
        Assert.Equal($$"""{"deleted_media":["{{id}}"],"total":1}""", (await root.DeleteAsync($"{V1}/media/test/{id}")).Body);
        Assert.Equal(HttpStatusCode.NotFound, (await root.GetAsync(download)).Status);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.DeleteAsync($"{V1}/media/test/{id}")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.PostAsync($"{V1}/media/quarantine/elsewhere/{id}", "")).Error);
    }

    [Fact]
    public async Task The_version_is_told_to_whoever_asks()
    {
        await using var server = await TestHomeserver.StartAsync();

        Assert.StartsWith("EdgeMatrix ", (await server.GetAsync(V1 + "/server_version"))["server_version"].GetString(), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Object, (await server.GetAsync(V1 + "/server_version")).Json.ValueKind);
    }
}
