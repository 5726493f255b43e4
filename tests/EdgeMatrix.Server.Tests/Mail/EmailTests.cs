using System.Net;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.ClientApi;
using EdgeMatrix.Configuration;
using EdgeMatrix.Server.Tests.Admin;
using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Mail;

/// <summary>E-mail addresses of accounts, proved by mails that go over a real relay.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information</remarks>
public sealed class EmailTests : IAsyncLifetime
{
    private const string V3 = "/_matrix/client/v3";
    private const string Proof = """{"type":"m.login.email.identity","threepid_creds":{"sid":"SID","client_secret":"s3cret"}}""";

    private readonly TestMailServer _relay = new();
    private TestHomeserver _server = null!;

    public async ValueTask InitializeAsync() => _server = await StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _relay.DisposeAsync();
    }

    [Fact]
    public async Task An_address_is_added_once_the_mail_was_read_and_the_password_given()
    {
        var alice = await _server.RegisterAsync("alice");
        var sid = await BeginAsync("/account/3pid", "Alice@Example.org");

        Assert.Equal((403, "M_THREEPID_AUTH_FAILED"), (await alice.PostAsync($"{V3}/account/3pid/add", Credentials(sid))).Error);
        await FollowAsync(await _relay.NextAsync());
        var challenge = await alice.PostAsync($"{V3}/account/3pid/add", Credentials(sid));
        Assert.Equal(HttpStatusCode.Unauthorized, challenge.Status);
        Assert.Equal("{}", (await alice.PostAsync($"{V3}/account/3pid/add", Credentials(sid, Password("alice")))).Body);

        var now = _server.Time.GetUtcNow().ToUnixTimeMilliseconds();
        Assert.Equal(
            $$"""{"threepids":[{"medium":"email","address":"alice@example.org","validated_at":{{now}},"added_at":{{now}}}]}""",
            (await alice.GetAsync($"{V3}/account/3pid")).Body);

        // One proof is good for one address of one account.
        Assert.Equal((403, "M_THREEPID_AUTH_FAILED"), (await alice.PostAsync($"{V3}/account/3pid/add", Credentials(sid, Password("alice")))).Error);
    }

    [Fact]
    public async Task What_fails_here_is_tried_again_though_no_other_mail_is_to_be_sent()
    {
        var database = _server.Part<Database>();
        await database.WriteAsync(db => Run(db, "CREATE TRIGGER broken BEFORE DELETE ON mails BEGIN SELECT RAISE(ABORT, 'broken'); END"));
        await BeginAsync("/account/3pid", "alice@example.org");
        var first = await _relay.NextAsync();
        await Task.Delay(200);
        await _server.WritesSettledAsync();
        await Task.Delay(200);
        await database.WriteAsync(db => Run(db, "DROP TRIGGER broken"));

        _server.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(first.Header("Message-ID"), (await _relay.NextAsync()).Header("Message-ID"));
    }

    [Fact]
    public async Task An_address_of_another_alphabet_is_told_of_where_the_relay_takes_none()
    {
        var refused = await _server.PostAsync(
            $"{V3}/account/3pid/email/requestToken", """{"client_secret":"s3cret","email":"jösé@example.org","send_attempt":1}""");

        Assert.Equal((400, "M_INVALID_PARAM"), refused.Error);
        Assert.Equal(["QUIT"], _relay.Heard.Where(line => !line.StartsWith("EHLO", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_deprecated_way_asks_for_the_password_too()
    {
        var alice = await _server.RegisterAsync("alice");
        var sid = await BeginAsync("/account/3pid", "alice@example.org");
        await FollowAsync(await _relay.NextAsync());
        var body = $$"""{"three_pid_creds":{"sid":"{{sid}}","client_secret":"s3cret"}""";

        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.PostAsync($"{V3}/account/3pid", body + "}")).Status);
        Assert.Equal("{}", (await alice.PostAsync($"{V3}/account/3pid", $$"""{{body}},"auth":{{Password("alice")}}}""")).Body);
    }

    [Fact]
    public async Task Opening_the_link_proves_nothing_and_the_page_is_inert()
    {
        var sid = await BeginAsync("/account/3pid", "alice@example.org", """, "next_link":"https://app.example/\"<b>" """);
        var link = new Uri((await _relay.NextAsync()).Link);
        Assert.Equal("https://matrix.example", link.GetLeftPart(UriPartial.Authority));

        var page = await _server.GetAsync(link.PathAndQuery + "%22%3E%3Cscript%3E");

        Assert.Contains("<form method=\"post\"", page.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page.Body, StringComparison.Ordinal);
        Assert.StartsWith("default-src 'none'", page.Headers["Content-Security-Policy"], StringComparison.Ordinal);
        Assert.Equal(("no-referrer", "nosniff", "no-store"), (page.Headers["Referrer-Policy"], page.Headers["X-Content-Type-Options"], page.Headers["Cache-Control"]));
        var alice = await _server.RegisterAsync("alice");
        Assert.Equal((403, "M_THREEPID_AUTH_FAILED"), (await alice.PostAsync($"{V3}/account/3pid/add", Credentials(sid))).Error);

        var done = await SubmitAsync(link);
        Assert.Contains("href=\"https://app.example/%22%3Cb%3E\"", done.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("Refresh", done.Headers.Keys);
    }

    [Fact]
    public async Task A_token_is_good_for_its_session_and_its_secret_only()
    {
        var sid = await BeginAsync("/account/3pid", "alice@example.org");
        var token = TokenOf(await _relay.NextAsync());
        await BeginAsync("/account/3pid", "eve@example.org", secret: "other");
        var other = TokenOf(await _relay.NextAsync());

        Assert.Equal((400, "M_NO_VALID_SESSION"), (await SubmitJsonAsync(sid, "s3cret", other)).Error);
        Assert.Equal((400, "M_NO_VALID_SESSION"), (await SubmitJsonAsync(sid, "other", token)).Error);
        Assert.Equal((400, "M_NO_VALID_SESSION"), (await SubmitJsonAsync("none", "s3cret", token)).Error);
        Assert.Equal("""{"success":true}""", (await SubmitJsonAsync(sid, "s3cret", token)).Body);

        _server.Time.Advance(TimeSpan.FromHours(25));
        Assert.Equal((400, "M_NO_VALID_SESSION"), (await SubmitJsonAsync(sid, "s3cret", token)).Error);
    }

    [Fact]
    public async Task Another_mail_is_sent_for_a_later_attempt_only()
    {
        var sid = await BeginAsync("/account/3pid", "alice@example.org");
        var first = await _relay.NextAsync();
        Assert.Equal(sid, await BeginAsync("/account/3pid", "alice@example.org"));
        Assert.Equal(sid, await BeginAsync("/account/3pid", "alice@example.org", attempt: 2));
        var second = await _relay.NextAsync();

        Assert.Equal(HttpStatusCode.BadRequest, (await SubmitAsync(new Uri(first.Link))).Status);
        Assert.Equal(HttpStatusCode.OK, (await SubmitAsync(new Uri(second.Link))).Status);
        Assert.Equal(0, _relay.Waiting);
    }

    [Fact]
    public async Task Whoever_forgot_the_password_sets_another_and_logs_in_by_the_address()
    {
        var alice = await WithEmailAsync("alice", "alice@example.org");
        var sid = await BeginAsync("/account/password", "ALICE@example.org");
        var mail = await _relay.NextAsync();
        var body = $$"""{"new_password":"another","auth":{{Proof.Replace("SID", sid, StringComparison.Ordinal)}}}""";

        Assert.Equal((401, "M_UNAUTHORIZED"), (await _server.PostAsync($"{V3}/account/password", body)).Error);
        await FollowAsync(mail);
        Assert.Equal("{}", (await _server.PostAsync($"{V3}/account/password", body)).Body);

        // The devices are logged out, and the proof is used.
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await alice.GetAsync($"{V3}/account/whoami")).Error);
        Assert.Equal((401, "M_UNAUTHORIZED"), (await _server.PostAsync($"{V3}/account/password", body)).Error);
        Assert.Equal("@alice:test", (await LogInAsync("""{"type":"m.id.thirdparty","medium":"email","address":"Alice@example.org"}""", "another"))["user_id"].GetString());
        Assert.Equal((403, "M_FORBIDDEN"), (await LogInAsync("""{"type":"m.id.thirdparty","medium":"email","address":"bob@example.org"}""", "another")).Error);
    }

    [Fact]
    public async Task A_proof_for_one_purpose_is_none_for_another()
    {
        await WithEmailAsync("alice", "alice@example.org");
        var sid = await BeginAsync("/account/3pid", "bob@example.org");
        await FollowAsync(await _relay.NextAsync());
        var body = $$"""{"new_password":"another","auth":{{Proof.Replace("SID", sid, StringComparison.Ordinal)}}}""";

        Assert.Equal((401, "M_UNAUTHORIZED"), (await _server.PostAsync($"{V3}/account/password", body)).Error);
    }

    [Fact]
    public async Task Who_has_an_address_is_told_or_not_as_configured()
    {
        await WithEmailAsync("alice", "alice@example.org");
        Assert.Equal((400, "M_THREEPID_IN_USE"), (await RequestAsync("/account/3pid", "alice@example.org")).Error);
        Assert.Equal((400, "M_THREEPID_NOT_FOUND"), (await RequestAsync("/account/password", "bob@example.org")).Error);

        await using var hiding = await StartAsync(email => email with { HideAccounts = true });
        var asked = await hiding.PostAsync($"{V3}/account/password/email/requestToken", Request("bob@example.org"));
        Assert.Equal(HttpStatusCode.OK, asked.Status);
        var mail = await _relay.NextAsync();
        Assert.Equal("bob@example.org", mail.To);
        Assert.DoesNotContain("http", mail.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(EmailAtRegistration.Required, """[["m.login.email.identity"]]""")]
    [InlineData(EmailAtRegistration.Optional, """[["m.login.dummy"],["m.login.email.identity"]]""")]
    public async Task New_users_prove_an_address(EmailAtRegistration wanted, string flows)
    {
        await using var server = await StartAsync(wanted: wanted);
        var challenge = await server.PostAsync($"{V3}/register", """{"username":"bob","password":"secret"}""");
        Assert.Equal(flows, $"[{string.Join(",", challenge["flows"].EnumerateArray().Select(flow => flow.GetProperty("stages").GetRawText()))}]");

        var sid = (await server.PostAsync($"{V3}/register/email/requestToken", Request("bob@example.org")))["sid"].GetString()!;
        var body = $$$"""
            {"username":"bob","password":"secret","auth":{{{Proof.Replace("SID", sid, StringComparison.Ordinal)[..^1]}}},"session":"{{{challenge["session"].GetString()}}}"}}
            """;
        Assert.Equal((401, "M_UNAUTHORIZED"), (await server.PostAsync($"{V3}/register", body)).Error);
        await SubmitAsync(new Uri((await _relay.NextAsync()).Link), server);
        var made = await server.PostAsync($"{V3}/register", body);

        Assert.Equal("@bob:test", made["user_id"].GetString());
        var list = await server.GetAsync($"{V3}/account/3pid", made["access_token"].GetString());
        Assert.Equal("bob@example.org", list["threepids"][0].GetProperty("address").GetString());
    }

    [Fact]
    public async Task A_promised_mail_is_sent_when_the_relay_is_back_also_after_a_restart()
    {
        _relay.Answer = line => line.StartsWith("MAIL", StringComparison.Ordinal) ? "451 not now" : null;
        await BeginAsync("/account/3pid", "alice@example.org");
        await HeardAsync("MAIL");

        _server = await _server.RestartAsync();
        await HeardAsync("MAIL");
        _relay.Answer = _ => null;
        while (_relay.Waiting == 0)
        {
            _server.Time.Advance(TimeSpan.FromSeconds(10));
            await Task.Delay(20);
        }

        Assert.Equal("alice@example.org", (await _relay.NextAsync()).To);
    }

    [Fact]
    public async Task One_mailbox_that_is_full_holds_up_no_other()
    {
        _relay.Answer = line => line.StartsWith("RCPT TO:<full", StringComparison.Ordinal) ? "452 full" : null;
        await BeginAsync("/account/3pid", "full@example.org");
        await BeginAsync("/account/3pid", "alice@example.org");

        Assert.Equal("alice@example.org", (await _relay.NextAsync()).To);
        _relay.Answer = _ => null;
        await _server.WritesSettledAsync();
        while (_relay.Waiting == 0)
        {
            _server.Time.Advance(TimeSpan.FromMinutes(1));
            await Task.Delay(20);
        }

        Assert.Equal("full@example.org", (await _relay.NextAsync()).To);
    }

    [Fact]
    public async Task No_mailbox_is_filled()
    {
        await using var server = await StartAsync(limits: new RateLimits { Email = new Rate(TimeSpan.FromMinutes(5), 2) });
        Task<TestAnswer> Ask(string email, int attempt) => server.PostAsync(
            $"{V3}/account/3pid/email/requestToken", Request(email, attempt: attempt));

        Assert.Equal((200, null), (await Ask("alice@example.org", 1)).Error);
        Assert.Equal((200, null), (await Ask("alice@example.org", 2)).Error);
        Assert.Equal((429, "M_LIMIT_EXCEEDED"), (await Ask("alice@example.org", 3)).Error);
    }

    [Theory]
    [InlineData("""{"client_secret":"s","send_attempt":1}""", "M_MISSING_PARAM")]
    [InlineData("""{"email":"a@example.org","send_attempt":1}""", "M_MISSING_PARAM")]
    [InlineData("""{"client_secret":"s","email":"a@example.org"}""", "M_MISSING_PARAM")]
    [InlineData("""{"client_secret":"s p","email":"a@example.org","send_attempt":1}""", "M_INVALID_PARAM")]
    [InlineData("""{"client_secret":"s","email":"a@example.org\r\nRCPT TO:<eve@example.org>","send_attempt":1}""", "M_INVALID_PARAM")]
    [InlineData("""{"client_secret":"s","email":"a@example.org","send_attempt":1,"next_link":"javascript:alert(1)"}""", "M_INVALID_PARAM")]
    [InlineData("""{"client_secret":"s","email":"a@example.org","send_attempt":1,"next_link":"/here"}""", "M_INVALID_PARAM")]
    public async Task A_bad_request_sends_nothing(string body, string code)
    {
        Assert.Equal((400, code), (await _server.PostAsync($"{V3}/account/3pid/email/requestToken", body)).Error);
        Assert.Equal(0, _relay.Waiting);
    }

    [Fact]
    public async Task Users_are_sent_on_to_hosts_that_are_listed_only()
    {
        await using var server = await StartAsync(email => email with { NextLinks = ["app.example"] });
        Task<TestAnswer> Ask(string next) => server.PostAsync(
            $"{V3}/account/3pid/email/requestToken", Request("alice@example.org", $$""", "next_link":"{{next}}" """));

        Assert.Equal((400, "M_INVALID_PARAM"), (await Ask("https://app.example.evil.example/")).Error);
        Assert.Equal((200, null), (await Ask("https://app.example/#/done")).Error);
        var done = await SubmitAsync(new Uri((await _relay.NextAsync()).Link), server);
        Assert.Equal("0; url=https://app.example/#/done", done.Headers["Refresh"]);
    }

    [Fact]
    public async Task An_address_is_taken_away_by_its_user_and_goes_with_the_account()
    {
        var alice = await WithEmailAsync("alice", "alice@example.org");
        var bob = await WithEmailAsync("bob", "bob@example.org");

        Assert.Equal("""{"id_server_unbind_result":"no-support"}""", (await bob.PostAsync($"{V3}/account/3pid/delete", """{"medium":"email","address":"alice@example.org"}""")).Body);
        Assert.Equal(1, (await alice.GetAsync($"{V3}/account/3pid"))["threepids"].GetArrayLength());
        await alice.PostAsync($"{V3}/account/3pid/delete", """{"medium":"email","address":"Alice@example.org"}""");
        Assert.Equal(0, (await alice.GetAsync($"{V3}/account/3pid"))["threepids"].GetArrayLength());

        await bob.PostAsync($"{V3}/account/deactivate", $$"""{"auth":{{Password("bob")}}}""");
        Assert.Equal((400, "M_THREEPID_NOT_FOUND"), (await RequestAsync("/account/password", "bob@example.org")).Error);
        Assert.Equal((400, "M_MISSING_PARAM"), (await alice.PostAsync($"{V3}/account/3pid/bind", "{}")).Error);
        Assert.Equal("""{"id_server_unbind_result":"no-support"}""", (await alice.PostAsync($"{V3}/account/3pid/unbind", """{"medium":"email","address":"a@b"}""")).Body);
    }

    [Fact]
    public async Task Administrators_see_and_set_addresses()
    {
        var admin = await _server.RegisterAdminAsync();
        await _server.RegisterAsync("alice");
        await WithEmailAsync("bob", "bob@example.org");
        const string User = "/_synapse/admin/v2/users/@alice:test";

        var set = await admin.PutAsync(User, """{"threepids":[{"medium":"email","address":"Alice@Example.org"},{"medium":"msisdn","address":"447470274584"}]}""");
        Assert.Equal(["alice@example.org", "447470274584"], set["threepids"].EnumerateArray().Select(one => one.GetProperty("address").GetString()));
        Assert.Equal("""{"user_id":"@alice:test"}""", (await admin.GetAsync("/_synapse/admin/v1/threepid/email/users/ALICE@example.org")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await admin.GetAsync("/_synapse/admin/v1/threepid/email/users/nobody@example.org")).Error);
        Assert.Equal((400, "M_THREEPID_IN_USE"), (await admin.PutAsync(User, """{"threepids":[{"medium":"email","address":"bob@example.org"}]}""")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await admin.PutAsync(User, """{"threepids":[{"medium":"email","address":"nonsense"}]}""")).Error);
        Assert.Equal(2, (await admin.GetAsync(User))["threepids"].GetArrayLength());
        Assert.Equal(0, (await admin.PutAsync(User, """{"threepids":[]}"""))["threepids"].GetArrayLength());
    }

    [Fact]
    public async Task Clients_are_told_that_addresses_may_be_changed()
    {
        var alice = await _server.RegisterAsync("alice");

        Assert.True((await alice.GetAsync($"{V3}/capabilities"))["capabilities"].GetProperty("m.3pid_changes").GetProperty("enabled").GetBoolean());
    }

    private Task<TestHomeserver> StartAsync(
        Func<EmailSettings, EmailSettings>? change = null, EmailAtRegistration wanted = EmailAtRegistration.Off, RateLimits? limits = null) =>
        TestHomeserver.StartAsync(options => options with
        {
            Server = options.Server with { PublicBaseUrl = "https://matrix.example/" },
            Email = (change ?? (email => email))(new EmailSettings { Smtp = $"127.0.0.1:{_relay.Port}", From = "Test <noreply@example.org>" }),
            Registration = options.Registration with { Email = wanted, SharedSecret = "secret" },
            Limits = limits ?? options.Limits,
        });

    private async Task<TestSession> WithEmailAsync(string localpart, string address)
    {
        var session = await _server.RegisterAsync(localpart);
        var sid = await BeginAsync("/account/3pid", address);
        await FollowAsync(await _relay.NextAsync());
        Assert.Equal("{}", (await session.PostAsync($"{V3}/account/3pid/add", Credentials(sid, Password(localpart)))).Body);
        return session;
    }

    private async Task<string> BeginAsync(string purpose, string email, string more = "", int attempt = 1, string secret = "s3cret") =>
        (await _server.PostAsync($"{V3}{purpose}/email/requestToken", Request(email, more, attempt, secret)))["sid"].GetString()!;

    private Task<TestAnswer> RequestAsync(string purpose, string email) =>
        _server.PostAsync($"{V3}{purpose}/email/requestToken", Request(email));

    private static string Request(string email, string more = "", int attempt = 1, string secret = "s3cret") =>
        $$"""{"client_secret":"{{secret}}","email":"{{email}}","send_attempt":{{attempt}}{{more}}}""";

    private async Task FollowAsync(TestMail mail) => Assert.Equal(HttpStatusCode.OK, (await SubmitAsync(new Uri(mail.Link))).Status);

    /// <summary>Presses the button of the page that a link leads to.</summary>
    private async Task<TestAnswer> SubmitAsync(Uri link, TestHomeserver? server = null)
    {
        using var form = new StringContent(link.Query.TrimStart('?'), null, "application/x-www-form-urlencoded");
        using var response = await (server ?? _server).Http.PostAsync(new Uri(link.AbsolutePath, UriKind.Relative), form);
        return new TestAnswer(
            response.StatusCode,
            await response.Content.ReadAsStringAsync(),
            response.Headers.ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase));
    }

    private Task<TestAnswer> SubmitJsonAsync(string sid, string secret, string token) => _server.PostAsync(
        "/_matrix/client/unstable/org.edgematrix/email/submit_token", $$"""{"sid":"{{sid}}","client_secret":"{{secret}}","token":"{{token}}"}""");

    private async Task HeardAsync(string command)
    {
        for (var i = 0; i < 1_500; i++)
        {
            while (_relay.Heard.TryDequeue(out var line))
            {
                if (line.StartsWith(command, StringComparison.Ordinal))
                {
                    return;
                }
            }

            await Task.Delay(20);
        }

        throw new TimeoutException($"the relay never heard {command}");
    }

    private Task<TestAnswer> LogInAsync(string identifier, string password) => _server.PostAsync(
        $"{V3}/login", $$"""{"type":"m.login.password","identifier":{{identifier}},"password":"{{password}}"}""");

    private static string TokenOf(TestMail mail) => mail.Link[(mail.Link.LastIndexOf('=') + 1)..];

    private static string Credentials(string sid, string? auth = null) =>
        $$"""{"sid":"{{sid}}","client_secret":"s3cret"{{(auth is null ? "" : $",\"auth\":{auth}")}}}""";

    private static string Password(string user) =>
        $$"""{"type":"m.login.password","identifier":{"type":"m.id.user","user":"{{user}}"},"password":"secret"}""";

    private static void Run(WriteTransaction db, string sql)
    {
        using var statement = db.Prepare(sql);
        statement.Run();
    }
}
