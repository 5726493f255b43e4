using System.Net;
using EdgeMatrix.Accounts;
using EdgeMatrix.Configuration;
using EdgeMatrix.Server.Tests.Accounts;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class SharedSecretTests
{
    private const string Path = "/_synapse/admin/v1/register";
    private const string Secret = "shared secret";

    [Fact]
    public async Task Who_knows_the_secret_registers_an_administrator_on_a_closed_server()
    {
        await using var server = await StartAsync();

        var nonce = (await server.GetAsync(Path))["nonce"].GetString()!;
        var answer = await server.PostAsync(Path, Request(nonce, "root", SharedSecretMac.Of(Secret, nonce, "root", "pw", "admin")));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("@root:test", answer["user_id"].GetString());
        Assert.NotEmpty(answer["access_token"].GetString()!);
        Assert.True(server.Part<UserAccounts>().Find("root")!.Admin);
    }

    [Fact]
    public async Task A_nonce_is_good_once_and_for_a_minute()
    {
        await using var server = await StartAsync();
        var used = (await server.GetAsync(Path))["nonce"].GetString()!;
        var late = (await server.GetAsync(Path))["nonce"].GetString()!;

        Assert.Equal((403, "M_FORBIDDEN"), (await server.PostAsync(Path, Request(used, "root", new string('0', 40)))).Error);
        var again = await server.PostAsync(Path, Request(used, "root", SharedSecretMac.Of(Secret, used, "root", "pw", "admin")));
        Assert.Equal((400, "M_UNKNOWN"), again.Error);

        server.Time.Advance(TimeSpan.FromSeconds(61));
        var tooLate = await server.PostAsync(Path, Request(late, "root", SharedSecretMac.Of(Secret, late, "root", "pw", "admin")));
        Assert.Equal((400, "M_UNKNOWN"), tooLate.Error);
    }

    [Fact]
    public async Task Without_a_secret_there_is_no_such_registration()
    {
        await using var server = await TestHomeserver.StartAsync();

        Assert.Equal((400, "M_UNKNOWN"), (await server.GetAsync(Path)).Error);
    }

    private static Task<TestHomeserver> StartAsync() =>
        TestHomeserver.StartAsync(options => options with { Registration = new RegistrationOptions { SharedSecret = Secret } });

    private static string Request(string nonce, string username, string mac) =>
        $$"""{"nonce":"{{nonce}}","username":"{{username}}","password":"pw","admin":true,"mac":"{{mac}}"}""";
}
