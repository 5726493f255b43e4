using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using EdgeMatrix.Configuration;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

/// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#fallback and #login-fallback</summary>
public sealed partial class FallbackPageTests
{
    private const string V3 = "/_matrix/client/v3";
    private const string Terms = "privacy 1.2 en https://example.org/<privacy> <b>Privacy</b> policy";

    [Fact]
    public async Task Terms_are_accepted_on_a_page_and_the_registration_goes_on()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with
        {
            Registration = options.Registration with { Terms = [Terms] },
        });
        var session = (await server.PostAsync(V3 + "/register", """{"username":"alice","password":"x"}"""))["session"].GetString();
        var page = $"{V3}/auth/m.login.terms/fallback/web?session={session}";

        var asked = await server.GetAsync(page);
        Assert.Equal((HttpStatusCode.OK, "text/html; charset=utf-8"), (asked.Status, asked.Headers["Content-Type"]));
        Assert.Contains("""<a href="https://example.org/&lt;privacy&gt;" """, asked.Body, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;Privacy&lt;/b&gt; policy", asked.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", asked.Body, StringComparison.Ordinal);
        Assert.Contains("script-src 'none'", asked.Headers["Content-Security-Policy"], StringComparison.Ordinal);

        var done = await server.PostAsync(page, "");
        Assert.Contains("onAuthDone", done.Body, StringComparison.Ordinal);
        AssertInert(done);
        var registered = await server.PostAsync(V3 + "/register", $$$"""{"username":"alice","password":"x","auth":{"session":"{{{session}}}"}}""");
        Assert.Equal("@alice:test", registered["user_id"].GetString());
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync(page)).Status);
    }

    [Fact]
    public async Task A_registration_token_is_given_on_a_page()
    {
        await using var open = await TestHomeserver.StartAsync();
        await open.Part<EdgeMatrix.Accounts.Registration.RegistrationTokens>().AddAsync(new("let.me-in", 1, 0, null));
        await using var server = await open.RestartAsync(options => options with { Registration = new RegistrationOptions { Tokens = true } });
        var session = (await server.PostAsync(V3 + "/register", """{"username":"alice","password":"x"}"""))["session"].GetString();
        var page = $"{V3}/auth/m.login.registration_token/fallback/web?session={session}";

        Assert.Equal(HttpStatusCode.Unauthorized, (await server.PostAsync(page, "token=guess")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await server.PostAsync(page.Replace(session!, "none", StringComparison.Ordinal), "token=let.me-in")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await server.PostAsync($"{V3}/auth/m.login.terms/fallback/web?session={session}", "")).Status);
        Assert.Equal(HttpStatusCode.OK, (await server.PostAsync(page, "token=let%2Eme-in")).Status);
        var registered = await server.PostAsync(V3 + "/register", $$$"""{"username":"alice","password":"x","auth":{"session":"{{{session}}}"}}""");
        Assert.Equal("@alice:test", registered["user_id"].GetString());
    }

    [Fact]
    public async Task A_password_is_given_on_a_page_by_its_owner_only()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        await server.RegisterAsync("bob");
        var session = (await alice.DeleteAsync(V3 + "/devices/PHONE", "{}"))["session"].GetString();
        var page = $"{V3}/auth/m.login.password/fallback/web?session={session}";

        Assert.Equal(HttpStatusCode.Unauthorized, (await server.PostAsync(page, "user=alice&password=wrong")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.PostAsync(page, "user=bob&password=secret")).Status);
        Assert.Equal(HttpStatusCode.OK, (await server.PostAsync(page, "user=alice&password=secret")).Status);
        Assert.Equal("{}", (await alice.DeleteAsync(V3 + "/devices/PHONE", $$$"""{"auth":{"session":"{{{session}}}"}}""")).Body);
    }

    [Fact]
    public async Task Other_stages_have_no_page()
    {
        await using var server = await TestHomeserver.StartAsync();

        Assert.Equal((404, "M_UNRECOGNIZED"), (await server.GetAsync(V3 + "/auth/m.login.recaptcha/fallback/web?session=a")).Error);
    }

    [Fact]
    public async Task There_is_a_page_to_log_in_on()
    {
        await using var server = await TestHomeserver.StartAsync();

        var page = await server.GetAsync("/_matrix/static/client/login/?device_id=PHONE");

        Assert.Contains("window.matrixLogin.onLogin", page.Body, StringComparison.Ordinal);
        AssertInert(page);
    }

    // The one script of the page is the one that its policy lets run.
    private static void AssertInert(TestAnswer page)
    {
        var script = Assert.Single(Script().Matches(page.Body)).Groups[1].Value;
        var hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)));
        var policy = page.Headers["Content-Security-Policy"];
        Assert.StartsWith("default-src 'none';", policy, StringComparison.Ordinal);
        Assert.Contains($"script-src 'sha256-{hash}';", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
    }

    [GeneratedRegex("<script>(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Script();
}
