using EdgeMatrix.Configuration;
using EdgeMatrix.Federation;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

public sealed class SignedRequestTests : TwoServers
{
    private const string Profile = "/_matrix/federation/v1/query/profile?user_id=%40bob%3Atwo";
    private const string KeysQuery = "/_matrix/federation/v1/user/keys/query";

    [Fact]
    public async Task A_server_is_known_by_its_signature()
    {
        await Two.RegisterAsync("bob");

        Assert.Equal("""{"displayname":"bob"}""", (await AskAsync(Profile)).Json?.ToString());
        Assert.Equal("""{"device_keys":{"@bob:two":{}},"master_keys":{},"self_signing_keys":{}}""", (await AskAsync(KeysQuery, """{"device_keys":{"@bob:two":[]}}""")).Json?.ToString());
    }

    [Fact]
    public async Task Who_signs_nothing_or_forges_is_turned_away()
    {
        using var forged = SigningKey.FromSeed("1", new byte[32]);
        var good = Authorize(Profile);

        Assert.Equal((401, "M_UNAUTHORIZED"), await SendByHandAsync(Profile, null));
        Assert.Equal((401, "M_UNAUTHORIZED"), await SendByHandAsync(Profile, "Bearer token"));
        Assert.Equal((401, "M_UNAUTHORIZED"), await SendByHandAsync(Profile, Authorize(Profile, key: forged)));
        Assert.Equal((401, "M_UNAUTHORIZED"), await SendByHandAsync(Profile, good.Replace("origin=\"one\"", "origin=\"three\"", StringComparison.Ordinal)));
        Assert.Equal((401, "M_UNAUTHORIZED"), await SendByHandAsync(Profile, good.Replace("origin=\"one\"", "origin=\"two\"", StringComparison.Ordinal)));
        Assert.Equal((404, "M_NOT_FOUND"), await SendByHandAsync(Profile, good));
    }

    [Fact]
    public async Task A_signature_holds_for_one_server_path_method_and_body()
    {
        const string body = """{"device_keys":{}}""";
        var good = Authorize(KeysQuery, method: "POST", content: body);

        Assert.Equal((401, "M_UNAUTHORIZED"), await SendByHandAsync(Profile, Authorize(Profile, destination: "three")));
        Assert.Equal((401, "M_UNAUTHORIZED"), await SendByHandAsync(Profile, Authorize(Profile, destination: "three").Replace("destination=\"three\",", "", StringComparison.Ordinal)));
        Assert.Equal((401, "M_UNAUTHORIZED"), await SendByHandAsync(Profile + "&field=x", Authorize(Profile)));
        Assert.Equal((401, "M_UNAUTHORIZED"), await SendByHandAsync(KeysQuery, good, "POST", """{"device_keys":{"@a:two":[]}}"""));
        Assert.Equal((401, "M_UNAUTHORIZED"), await SendByHandAsync(KeysQuery, good, "POST"));
        Assert.Equal((200, null), await SendByHandAsync(KeysQuery, good, "POST", """ { "device_keys" : {} } """));
        Assert.Equal((404, "M_NOT_FOUND"), await SendByHandAsync(Profile, Authorize(Profile).Replace("destination=\"two\",", "", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_body_that_is_no_object_or_too_large_is_refused_before_it_is_checked()
    {
        var authorization = Authorize(KeysQuery, method: "POST", content: "{}");

        Assert.Equal((400, "M_NOT_JSON"), await SendByHandAsync(KeysQuery, authorization, "POST", "{"));
        Assert.Equal((400, "M_NOT_JSON"), await SendByHandAsync(KeysQuery, authorization, "POST", """{"a":1,"a":2}"""));
        Assert.Equal((400, "M_BAD_JSON"), await SendByHandAsync(KeysQuery, authorization, "POST", "[]"));
        Assert.Equal((413, "M_TOO_LARGE"), await SendByHandAsync(KeysQuery, authorization, "POST", $$"""{"a":"{{new string('x', 300_000)}}"}"""));
    }

    [Fact]
    public async Task Bodies_of_servers_may_be_larger_than_those_of_strangers()
    {
        var many = string.Join(',', Enumerable.Range(0, 4_000).Select(n => $"\"@user{n:0000}:two\":[]"));

        Assert.Null((await AskAsync(KeysQuery, $$$"""{"device_keys":{{{{many}}}}}""")).Failure);
    }

    [Fact]
    public async Task A_refusal_of_the_other_server_is_told_as_it_is()
    {
        var failure = (await AskAsync(Profile)).Failure!;

        Assert.Equal((FederationFailureKind.Refused, 404, "M_NOT_FOUND"), (failure.Kind, failure.Status, failure.Code));
        Assert.True((await AskAsync("/_matrix/federation/v1/nothing")).Failure!.IsUnrecognized);
    }

    [Fact]
    public async Task Who_does_not_answer_is_left_alone_until_heard_from_also_after_a_restart()
    {
        await AskAsync(Profile);
        Network.Link("one", "two").Cut();
        Assert.Equal(FederationFailureKind.Unreachable, (await AskAsync(Profile)).Failure!.Kind);
        Assert.Equal(FederationFailureKind.BackingOff, (await AskAsync(Profile)).Failure!.Kind);
        Network.Link("one", "two").Mend();
        Assert.Equal(FederationFailureKind.BackingOff, (await AskAsync(Profile)).Failure!.Kind);

        await One.WritesSettledAsync();
        await RestartOneAsync();
        Assert.Equal(FederationFailureKind.BackingOff, (await AskAsync(Profile)).Failure!.Kind);

        var cameBack = new List<string>();
        One.Part<Destinations>().CameBack = cameBack.Add;
        await Two.Part<FederationClient>().SendAsync(FederationRequest.Get("one", "/_matrix/federation/v1/query/profile?user_id=%40a%3Aone"), default);

        Assert.Equal(["two"], cameBack);
        Assert.Equal(FederationFailureKind.Refused, (await AskAsync(Profile)).Failure!.Kind);
    }

    [Fact]
    public async Task The_pauses_grow_from_the_least_to_the_most()
    {
        Network.Link("one", "two").Cut();
        var waits = new List<double>();
        for (var i = 0; i < 12; i++)
        {
            Assert.Equal(FederationFailureKind.Unreachable, (await AskAsync(Profile)).Failure!.Kind);
            var wait = One.Part<Destinations>().Wait("two")!.Value;
            waits.Add(wait.TotalSeconds);
            One.Time.Advance(wait);
        }

        Assert.Equal(10, waits[0], 0.1);
        Assert.InRange(waits[3], 60, 80);
        Assert.InRange(waits[11], 2_700, 3_600);
    }

    [Fact]
    public async Task Who_is_asked_too_often_says_when_to_come_again()
    {
        using var busy = new Busy();
        Network.Join("busy", busy);

        var failure = (await Client.SendAsync(FederationRequest.Get("busy", "/_matrix/federation/v1/x"), default)).Failure!;

        Assert.Equal((FederationFailureKind.Unwell, "M_LIMIT_EXCEEDED"), (failure.Kind, failure.Code));
        Assert.Equal(TimeSpan.FromSeconds(7), One.Part<Destinations>().Wait("busy"));
    }

    [Fact]
    public async Task Who_answers_what_is_no_object_or_without_end_gives_no_answer()
    {
        using var peer = new Busy { Status = 200, Body = "[1]" };
        Network.Join("odd", peer);

        Assert.Equal(FederationFailureKind.Malformed, (await Client.SendAsync(FederationRequest.Get("odd", "/x"), default)).Failure!.Kind);
        peer.Body = $"{{\"a\":\"{new string('x', 2_000)}\"}}";
        Assert.Equal(
            FederationFailureKind.Malformed, (await Client.SendAsync(FederationRequest.Get("odd", "/x") with { MaxBytes = 1_000 }, default)).Failure!.Kind);
        Assert.Null((await Client.SendAsync(FederationRequest.Get("odd", "/x"), default)).Failure);
    }

    [Fact]
    public async Task A_server_that_talks_to_no_others_neither_asks_nor_answers()
    {
        await using var alone = await TestHomeserver.StartAsync(
            options => options with { Federation = options.Federation with { Enabled = false } }, name: "alone", network: Network);

        Assert.Equal((403, "M_FORBIDDEN"), (await alone.GetAsync("/_matrix/federation/v1/version")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await alone.GetAsync("/_matrix/key/v2/server")).Error);
        Assert.Equal(
            FederationFailureKind.NotAsked,
            (await alone.Part<FederationClient>().SendAsync(FederationRequest.Get("two", Profile), default)).Failure!.Kind);
    }

    private sealed class Busy : HttpMessageHandler
    {
        public int Status { get; init; } = 429;

        public string Body { get; set; } = """{"errcode":"M_LIMIT_EXCEEDED","error":"later","retry_after_ms":7000}""";

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(request.RequestUri!.AbsolutePath.StartsWith("/.well-known", StringComparison.Ordinal)
                ? new HttpResponseMessage(System.Net.HttpStatusCode.NotFound)
                : new HttpResponseMessage((System.Net.HttpStatusCode)Status) { Content = new StringContent(Body) });
    }
}
