using System.Net;
using System.Text.Json;
using EdgeMatrix.Server.Tests.Admin;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class RegistrationTokenTests
{
    private const string Register = "/_matrix/client/v3/register";
    private const string Validity = "/_matrix/client/v1/register/m.login.registration_token/validity?token=";
    private const string Tokens = "/_synapse/admin/v1/registration_tokens";

    [Fact]
    public async Task A_token_makes_as_many_accounts_as_it_may()
    {
        await using var open = await TestHomeserver.StartAsync();
        var root = await open.RegisterAdminAsync();
        await root.PostAsync(Tokens + "/new", """{"token":"once","uses_allowed":1}""");
        await using var server = await OnAsync(open);

        var challenge = await server.PostAsync(Register, """{"username":"alice","password":"x"}""");
        Assert.Equal("""[{"stages":["m.login.registration_token"]}]""", challenge["flows"].GetRawText());
        Assert.Equal("""{"valid":true}""", (await server.GetAsync(Validity + "once")).Body);
        Assert.Equal("""{"valid":false}""", (await server.GetAsync(Validity + "twice")).Body);

        string Body(string name, string token) =>
            $$$"""{"username":"{{{name}}}","password":"x","auth":{"type":"m.login.registration_token","token":"{{{token}}}"}}""";
        Assert.Equal((401, "M_UNAUTHORIZED"), (await server.PostAsync(Register, Body("alice", "twice"))).Error);
        Assert.Equal((401, "M_UNRECOGNIZED"), (await server.PostAsync(Register, """{"username":"alice","password":"x","auth":{"type":"m.login.dummy"}}""")).Error);
        Assert.Equal(HttpStatusCode.OK, (await server.PostAsync(Register, Body("alice", "once"))).Status);
        Assert.Equal((401, "M_UNAUTHORIZED"), (await server.PostAsync(Register, Body("bob", "once"))).Error);
        Assert.Equal("""{"valid":false}""", (await server.GetAsync(Validity + "once")).Body);
        var row = await (root with { Server = server }).GetAsync(Tokens + "/once");
        Assert.Equal("""{"token":"once","uses_allowed":1,"pending":0,"completed":1,"expiry_time":null}""", row.Body);
    }

    [Fact]
    public async Task A_registration_under_way_is_a_pending_use()
    {
        await using var open = await TestHomeserver.StartAsync();
        var root = await open.RegisterAdminAsync();
        await root.PostAsync(Tokens + "/new", """{"token":"once","uses_allowed":1}""");
        await using var server = await open.RestartAsync(options => options with
        {
            Registration = options.Registration with { Open = false, Tokens = true, Terms = ["privacy 1 en https://example.org/ Privacy"] },
        });
        root = root with { Server = server };

        var passed = await server.PostAsync(
            Register, """{"username":"alice","password":"x","auth":{"token":"once","type":"m.login.registration_token"} }""");
        Assert.Equal(1, (await root.GetAsync(Tokens + "/once"))["pending"].GetInt64());
        var session = passed["session"].GetString();
        await server.PostAsync(Register, $$$"""{"username":"alice","password":"x","auth":{"session":"{{{session}}}","type":"m.login.terms"} }""");

        var row = await root.GetAsync(Tokens + "/once");
        Assert.Equal((0, 1), (row["pending"].GetInt64(), row["completed"].GetInt64()));
    }

    [Fact]
    public async Task Tokens_are_made_listed_changed_and_deleted_by_administrators()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");

        var made = await root.PostAsync(Tokens + "/new", """{"length":8}""");
        var token = made["token"].GetString()!;
        Assert.Equal(8, token.Length);
        Assert.Equal((400, "M_INVALID_PARAM"), (await root.PostAsync(Tokens + "/new", $$"""{"token":"{{token}}"}""")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await root.PostAsync(Tokens + "/new", """{"token":"a b"}""")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await root.PostAsync(Tokens + "/new", """{"uses_allowed":-1}""")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await root.PostAsync(Tokens + "/new", """{"expiry_time":1}""")).Error);
        var expiry = server.Time.GetUtcNow().AddHours(1).ToUnixTimeMilliseconds();
        Assert.Equal(expiry, (await root.PutAsync($"{Tokens}/{token}", $$"""{"expiry_time":{{expiry}}}"""))["expiry_time"].GetInt64());
        Assert.Single((await root.GetAsync(Tokens + "?valid=true"))["registration_tokens"].EnumerateArray());
        server.Time.Advance(TimeSpan.FromHours(2));
        Assert.Empty((await root.GetAsync(Tokens + "?valid=true"))["registration_tokens"].EnumerateArray());
        Assert.Equal(JsonValueKind.Null, (await root.PutAsync($"{Tokens}/{token}", """{"expiry_time":null}"""))["expiry_time"].ValueKind);
        Assert.Equal("{}", (await root.DeleteAsync($"{Tokens}/{token}")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.GetAsync($"{Tokens}/{token}")).Error);

        Assert.Equal((403, "M_FORBIDDEN"), (await alice.GetAsync(Tokens)).Error);
        Assert.Equal((401, "M_MISSING_TOKEN"), (await server.GetAsync(Tokens)).Error);
    }

    [Fact]
    public async Task Where_nobody_may_register_no_token_is_good()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with { Registration = new() });

        Assert.Equal((403, "M_FORBIDDEN"), (await server.GetAsync(Validity + "x")).Error);
    }

    [Fact]
    public async Task New_users_accept_the_terms()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with
        {
            Registration = options.Registration with { Terms = ["privacy 1.2 en https://example.org/en Privacy policy", "privacy 1.2 fr https://example.org/fr Vie"] },
        });

        var challenge = await server.PostAsync(Register, """{"username":"alice","password":"x"}""");
        Assert.Equal("""[{"stages":["m.login.terms"]}]""", challenge["flows"].GetRawText());
        Assert.Equal(
            """{"m.login.terms":{"policies":{"privacy":{"version":"1.2","en":{"name":"Privacy policy","url":"https://example.org/en"},"fr":{"name":"Vie","url":"https://example.org/fr"}}}}}""",
            challenge["params"].GetRawText());
        var accepted = $$$"""{"username":"alice","password":"x","auth":{"type":"m.login.terms","session":"{{{challenge["session"].GetString()}}}"}}""";
        Assert.Equal(HttpStatusCode.OK, (await server.PostAsync(Register, accepted)).Status);
    }

    // The same data, where registration needs a token.
    private static async Task<TestHomeserver> OnAsync(TestHomeserver open) => await open.RestartAsync(
        options => options with { Registration = new() { Tokens = true } });
}
