using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

/// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information</summary>
public sealed class ThreePidTests
{
    private const string V3 = "/_matrix/client/v3";

    [Fact]
    public async Task Nobody_has_any()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        Assert.Equal("""{"threepids":[]}""", (await alice.GetAsync($"{V3}/account/3pid")).Body);
        Assert.Equal((401, "M_MISSING_TOKEN"), (await server.GetAsync($"{V3}/account/3pid")).Error);
    }

    [Theory]
    [InlineData("/register/email")]
    [InlineData("/register/msisdn")]
    [InlineData("/account/password/email")]
    [InlineData("/account/password/msisdn")]
    [InlineData("/account/3pid/email")]
    [InlineData("/account/3pid/msisdn")]
    public async Task No_token_is_sent_to_prove_one(string purpose)
    {
        await using var server = await TestHomeserver.StartAsync();
        const string Body = """{"client_secret":"s","email":"a@example.org","send_attempt":1}""";

        Assert.Equal((403, "M_THREEPID_DENIED"), (await server.PostAsync($"{V3}{purpose}/requestToken", Body)).Error);
    }

    [Theory]
    [InlineData("/account/3pid")]
    [InlineData("/account/3pid/add")]
    public async Task None_is_added_that_was_not_proved(string path)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        Assert.Equal((403, "M_THREEPID_AUTH_FAILED"), (await alice.PostAsync(V3 + path, """{"client_secret":"s","sid":"1","three_pid_creds":{"client_secret":"s","sid":"1"}}""")).Error);
    }
}
