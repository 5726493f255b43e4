using System.Net;
using EdgeMatrix.Configuration;
using EdgeMatrix.Server.Tests.Admin;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Mail;

/// <summary>Mails that tell of unread messages.</summary>
public sealed class EmailPusherTests : IAsyncLifetime
{
    private const string V3 = "/_matrix/client/v3";

    private readonly TestMailServer _relay = new();
    private TestHomeserver _server = null!;
    private TestSession _alice = null!;
    private TestSession _bob = null!;
    private string _room = null!;
    private int _transactions;

    public async ValueTask InitializeAsync()
    {
        _server = await TestHomeserver.StartAsync(options => options with
        {
            Server = options.Server with { PublicBaseUrl = "https://matrix.example" },
            Email = new EmailSettings { Smtp = $"127.0.0.1:{_relay.Port}", From = "noreply@example.org" },
        });
        _alice = await _server.RegisterAsync("alice");
        _bob = await _server.RegisterAsync("bob");
        var admin = await _server.RegisterAdminAsync();
        await admin.PutAsync("/_synapse/admin/v2/users/@bob:test", """{"threepids":[{"medium":"email","address":"bob@example.org"}]}""");
        _room = await _alice.CreateRoomAsync("""{"preset":"public_chat","name":"Den <&>"}""");
        await _bob.PostAsync($"{V3}/join/{_room}", "{}");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _relay.DisposeAsync();
    }

    [Fact]
    public async Task Some_time_later_one_mail_tells_of_all_that_is_unread()
    {
        Assert.Equal("{}", (await SetAsync()).Body);
        await SayAsync("""{"msgtype":"m.text","body":"tea & <b>cake</b>"}""");
        await SayAsync("""{"msgtype":"m.text","body":"and\r\n.\r\nmore"}""");
        await SayAsync("""{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"secret"}""", "m.room.encrypted");
        Assert.Equal(0, _relay.Waiting);

        var mail = await MailAsync();

        Assert.Equal("bob@example.org", mail.To);
        Assert.Equal("3 unread messages at test", mail.Header("Subject"));
        Assert.StartsWith("Den <&>\n  alice: tea & <b>cake</b>\n  alice: and  .  more\n  alice: an encrypted message\n", mail.Text, StringComparison.Ordinal);
        Assert.Contains("<h3>Den &lt;&amp;&gt;</h3>", mail.Html, StringComparison.Ordinal);
        Assert.Contains("tea &amp; &lt;b&gt;cake&lt;/b&gt;", mail.Html, StringComparison.Ordinal);
        Assert.DoesNotContain("ciphertext", mail.Data, StringComparison.Ordinal);
        Assert.Equal("<" + mail.Link + ">", mail.Header("List-Unsubscribe"));
        Assert.Equal("List-Unsubscribe=One-Click", mail.Header("List-Unsubscribe-Post"));
        Assert.Equal(0, _relay.Waiting);
    }

    [Fact]
    public async Task Whoever_wants_ids_only_is_told_how_many()
    {
        await SetAsync(""" "format":"event_id_only" """);
        await SayAsync("""{"msgtype":"m.text","body":"tea"}""");

        var mail = await MailAsync();

        Assert.Equal("An unread message at test", mail.Header("Subject"));
        Assert.DoesNotContain("tea", mail.Text + mail.Html, StringComparison.Ordinal);
        Assert.DoesNotContain("Den", mail.Text + mail.Html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_read_in_time_is_not_told_of()
    {
        await SetAsync();
        var read = await SayAsync("""{"msgtype":"m.text","body":"seen"}""");
        await _bob.PostAsync($"{V3}/rooms/{_room}/receipt/m.read/{read}", "{}");
        await SayAsync("""{"msgtype":"m.text","body":"unseen"}""");

        var mail = await MailAsync();

        Assert.Equal("An unread message at test", mail.Header("Subject"));
        Assert.DoesNotContain("  alice: seen", mail.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_next_mail_waits_for_an_hour_and_the_one_after_for_two()
    {
        await SetAsync();
        await SayAsync("""{"msgtype":"m.text","body":"one"}""");
        await MailAsync();
        await SayAsync("""{"msgtype":"m.text","body":"two"}""");
        Assert.InRange((await WaitAsync()).TotalMinutes, 30, 1_000);
        await SayAsync("""{"msgtype":"m.text","body":"three"}""");
        Assert.InRange((await WaitAsync()).TotalMinutes, 90, 1_000);
    }

    [Fact]
    public async Task The_link_ends_it_once_the_button_is_pressed()
    {
        await SetAsync();
        await SayAsync("""{"msgtype":"m.text","body":"one"}""");
        var link = new Uri((await MailAsync()).Link).PathAndQuery;

        Assert.Equal(HttpStatusCode.OK, (await _server.GetAsync(link)).Status);
        Assert.Equal(1, (await _bob.GetAsync($"{V3}/pushers"))["pushers"].GetArrayLength());
        Assert.Equal(HttpStatusCode.BadRequest, (await _server.PostAsync(link[..^4] + "AAAA", "List-Unsubscribe=One-Click")).Status);
        Assert.Equal(1, (await _bob.GetAsync($"{V3}/pushers"))["pushers"].GetArrayLength());
        Assert.Equal(HttpStatusCode.OK, (await _server.PostAsync(link, "List-Unsubscribe=One-Click")).Status);
        Assert.Equal(0, (await _bob.GetAsync($"{V3}/pushers"))["pushers"].GetArrayLength());
    }

    [Fact]
    public async Task Mails_go_to_ones_own_address_only_and_end_with_it()
    {
        Assert.Equal((400, "M_THREEPID_NOT_FOUND"), (await SetAsync(address: "alice@example.org")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await SetAsync(app: "app")).Error);
        Assert.Equal("{}", (await SetAsync(address: "BOB@example.org")).Body);
        Assert.Equal("bob@example.org", (await _bob.GetAsync($"{V3}/pushers"))["pushers"][0].GetProperty("pushkey").GetString());

        await _bob.PostAsync($"{V3}/account/3pid/delete", """{"medium":"email","address":"bob@example.org"}""");
        Assert.Equal(0, (await _bob.GetAsync($"{V3}/pushers"))["pushers"].GetArrayLength());
    }

    private Task<TestAnswer> SetAsync(string data = "", string address = "bob@example.org", string app = "m.email") => _bob.PostAsync(
        $"{V3}/pushers/set",
        $$"""{"kind":"email","app_id":"{{app}}","pushkey":"{{address}}","app_display_name":"Mail","device_display_name":"Mail","lang":"en","data":{ {{data}} } }""");

    private async Task<string> SayAsync(string content, string type = "m.room.message") =>
        (await _alice.PutAsync($"{V3}/rooms/{_room}/send/{type}/{++_transactions}", content))["event_id"].GetString()!;

    private async Task<TestMail> MailAsync()
    {
        await WaitAsync();
        return _last!;
    }

    private TestMail? _last;

    /// <summary>Lets time pass until a mail comes.</summary>
    /// <returns>How much did.</returns>
    private async Task<TimeSpan> WaitAsync()
    {
        var passed = TimeSpan.Zero;
        await _server.WritesSettledAsync();
        await Task.Delay(200);
        while (_relay.Waiting == 0 && passed < TimeSpan.FromHours(30))
        {
            _server.Time.Advance(TimeSpan.FromMinutes(1));
            passed += TimeSpan.FromMinutes(1);
            await Task.Delay(20);
        }

        _last = await _relay.NextAsync();
        return passed;
    }
}
