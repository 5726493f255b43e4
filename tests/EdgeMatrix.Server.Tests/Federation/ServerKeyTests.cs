using System.Text;
using System.Text.Json;
using EdgeMatrix.Configuration;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>One trusts three as a notary.</summary>
public sealed class ServerKeyTests : TwoServers
{
    private static readonly TimeSpan _week = TimeSpan.FromDays(7);

    protected override HomeserverOptions ChangeOne(HomeserverOptions options) =>
        options with { Federation = options.Federation with { TrustedKeyServers = ["three"] } };

    [Fact]
    public async Task A_server_publishes_its_keys_signed_by_themselves()
    {
        var answer = await Two.GetAsync("/_matrix/key/v2/server");
        var parse = ServerKeys.Parse(Encoding.UTF8.GetBytes(answer.Body), "two", Now(Two));

        Assert.Null(parse.Refusal);
        Assert.Equal(Now(Two) + (long)_week.TotalMilliseconds, parse.Keys!.ValidUntilTs);
        Assert.Equal([Two.Part<LocalServer>().Key.KeyId], parse.Keys.Keys.Keys);
    }

    [Fact]
    public async Task Keys_are_fetched_once_kept_and_fetched_anew_when_they_are_no_longer_good()
    {
        var ring = One.Part<KeyRing>();
        var keyId = Two.Part<LocalServer>().Key.KeyId;

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ring.FindForRequestAsync("two", keyId, default)));
        Assert.NotNull(await ring.FindForRequestAsync("two", keyId, default));
        Network.Link("one", "two").Cut();
        await RestartOneAsync();
        ring = One.Part<KeyRing>();
        Assert.NotNull(await ring.FindForRequestAsync("two", keyId, default));

        // No longer good, and nobody there to say otherwise.
        One.Time.Advance(_week + TimeSpan.FromSeconds(1));
        Assert.Null(await ring.FindForRequestAsync("two", keyId, default));

        Network.Link("one", "two").Mend();
        Two.Time.Advance(_week + TimeSpan.FromSeconds(1));
        Assert.Null(await ring.FindForRequestAsync("two", keyId, default));
        One.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.NotNull(await ring.FindForRequestAsync("two", keyId, default));
    }

    [Fact]
    public async Task A_key_that_nobody_has_is_asked_for_once_a_minute()
    {
        var asked = 0;
        using var peer = new KeyPeer("counted") { Asked = () => asked++ };
        Network.Join("counted", peer);
        for (var i = 0; i < 20; i++)
        {
            Assert.Null(await One.Part<KeyRing>().FindForRequestAsync("counted", $"ed25519:{i}", default));
        }

        Assert.Equal(1, asked);
        One.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.NotNull(await One.Part<KeyRing>().FindForRequestAsync("counted", peer.KeyId, default));
        Assert.Equal(1, asked);
        Assert.Null(await One.Part<KeyRing>().FindForRequestAsync("counted", "ed25519:x", default));
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Keys_of_the_past_are_for_events_of_their_time_only()
    {
        using var peer = new KeyPeer("old", expiredTs: Now(One) - 1_000);
        Network.Join("old", peer);

        var keys = await One.Part<KeyRing>().PrepareAsync([new NeededKey("old", "ed25519:past", Now(One) - 5_000)], default);

        var past = keys("old", "ed25519:past")!;
        Assert.True(past.MaySign(Now(One) - 5_000, enforcesKeyValidity: true));
        Assert.False(past.MaySign(Now(One), enforcesKeyValidity: true));
        Assert.Null(await One.Part<KeyRing>().FindForRequestAsync("old", "ed25519:past", default));
    }

    [Fact]
    public async Task A_notary_tells_the_keys_of_who_is_away()
    {
        await using var three = await TestHomeserver.StartAsync(name: "three", seed: 3, network: Network);
        var keyId = Two.Part<LocalServer>().Key.KeyId;
        await three.GetAsync("/_matrix/key/v2/query/two");
        Network.Link("one", "two").Cut();
        Network.Link("two", "three").Cut();

        var keys = await One.Part<KeyRing>().PrepareAsync([new NeededKey("two", keyId, Now(One))], default);

        Assert.Equal(Two.Part<LocalServer>().Key.PublicKey, keys("two", keyId)!.Bytes);
    }

    [Fact]
    public async Task A_notary_whose_own_keys_are_missing_does_not_keep_the_others_from_being_asked()
    {
        await using var three = await TestHomeserver.StartAsync(name: "three", seed: 3, network: Network);
        await three.GetAsync("/_matrix/key/v2/query/two");
        await using var four = await TestHomeserver.StartAsync(
            options => options with { Federation = options.Federation with { TrustedKeyServers = ["two", "three"] } }, name: "four", seed: 4, network: Network);
        Network.Link("two", "four").Cut();

        var keyId = Two.Part<LocalServer>().Key.KeyId;
        Assert.NotNull((await four.Part<KeyRing>().PrepareAsync([new NeededKey("two", keyId, 0)], default))("two", keyId));
    }

    [Fact]
    public async Task A_notary_that_is_not_trusted_or_signs_nothing_is_not_believed()
    {
        using var peer = new KeyPeer("three") { Tells = Encoding.UTF8.GetString(new KeyPeer("two").Document()) };
        Network.Join("three", peer);
        Network.Link("one", "two").Cut();

        var keys = await One.Part<KeyRing>().PrepareAsync([new NeededKey("two", "ed25519:k", 0)], default);

        Assert.Null(keys("two", "ed25519:k"));
    }

    [Fact]
    public async Task What_a_notary_tells_is_signed_by_both()
    {
        var answer = await Two.PostAsync("/_matrix/key/v2/query", """{"server_keys":{"one":{},"two":{"ed25519:x":{"minimum_valid_until_ts":5}},"nobody":{}}}""");

        var list = answer["server_keys"].EnumerateArray().ToList();
        Assert.Equal(["one", "two"], list.Select(entry => entry.GetProperty("server_name").GetString()));
        foreach (var (server, index) in new[] { (One, 0), (Two, 1), (Two, 0) })
        {
            var key = server.Part<LocalServer>().Key;
            Assert.True(SignedJson.Verify(list[index], server.ServerName, key.KeyId, key.PublicKey));
        }

        Assert.Equal((400, "M_MISSING_PARAM"), (await Two.PostAsync("/_matrix/key/v2/query", "{}")).Error);
        Assert.Equal((400, "M_BAD_JSON"), (await Two.PostAsync("/_matrix/key/v2/query", """{"server_keys":{"one":5}}""")).Error);
        Assert.Equal((413, "M_TOO_LARGE"), (await Two.PostAsync(
            "/_matrix/key/v2/query", $$$"""{"server_keys":{{{{string.Join(',', Enumerable.Range(0, 101).Select(n => $"\"s{n}\":{{}}"))}}}}}""")).Error);
    }

    [Fact]
    public async Task A_notary_asks_anew_for_a_key_that_it_was_not_told_and_within_bounds()
    {
        var asked = 0;
        using var peer = new KeyPeer("counted") { Asked = () => asked++ };
        Network.Join("counted", peer);
        Assert.Single((await AskForKeyAsync(peer.KeyId)).EnumerateArray());
        await AskForKeyAsync(peer.KeyId);
        Assert.Equal(1, asked);

        // Whether its origin has a key by now that it did not have a moment ago, nobody else can tell.
        for (var n = 0; n < 100; n++)
        {
            await AskForKeyAsync($"ed25519:{n}");
        }

        Assert.Equal(61, asked);
        Two.Time.Advance(TimeSpan.FromSeconds(5));
        for (var n = 0; n < 100; n++)
        {
            await AskForKeyAsync($"ed25519:{n}");
        }

        Assert.Equal(66, asked);

        async Task<JsonElement> AskForKeyAsync(string keyId) => (await Two.PostAsync(
            "/_matrix/key/v2/query", """{"server_keys":{"counted":{"KEY":{}}}}""".Replace("KEY", keyId, StringComparison.Ordinal)))["server_keys"];
    }

    [Fact]
    public async Task Documents_that_lie_about_whose_they_are_are_not_taken()
    {
        using var peer = new KeyPeer("liar") { Document = () => new KeyPeer("two").Document() };
        Network.Join("liar", peer);

        Assert.Null(await One.Part<KeyRing>().FindForRequestAsync("liar", "ed25519:k", default));
        Assert.Null(One.Part<KeyRing>().KeysOf("two").GetValueOrDefault("ed25519:k"));
    }

    private static long Now(TestHomeserver server) => server.Time.GetUtcNow().ToUnixTimeMilliseconds();

    private sealed class KeyPeer : HttpMessageHandler
    {
        private readonly SigningKey _key = SigningKey.FromSeed("k", Enumerable.Repeat((byte)7, 32).ToArray());

        public KeyPeer(string name, long expiredTs = 5) => Document = () =>
        {
            using var past = SigningKey.FromSeed("past", Enumerable.Repeat((byte)8, 32).ToArray());
            return SignedJson.Sign(
                JsonElement.Parse($$$$"""
                    {"server_name":"{{{{name}}}}","valid_until_ts":1800000000000,
                     "verify_keys":{"ed25519:k":{"key":"{{{{Convert.ToBase64String(_key.PublicKey)}}}}"}},
                     "old_verify_keys":{"ed25519:past":{"expired_ts":{{{{expiredTs}}}},"key":"{{{{Convert.ToBase64String(past.PublicKey)}}}}"} }}
                    """),
                name,
                _key);
        };

        public string KeyId => _key.KeyId;

        public Func<byte[]> Document { get; init; }

        public Action Asked { get; init; } = () => { };

        /// <summary>What it tells of others.</summary>
        public string? Tells { get; init; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.RequestUri!.AbsolutePath == "/_matrix/key/v2/query" && Tells is not null)
            {
                return Task.FromResult(new HttpResponseMessage(System.Net.HttpStatusCode.OK) { Content = new StringContent($"{{\"server_keys\":[{Tells}]}}") });
            }

            if (request.RequestUri.AbsolutePath != "/_matrix/key/v2/server")
            {
                return Task.FromResult(new HttpResponseMessage(System.Net.HttpStatusCode.NotFound));
            }

            Asked();
            return Task.FromResult(new HttpResponseMessage(System.Net.HttpStatusCode.OK) { Content = new ByteArrayContent(Document()) });
        }
    }
}
