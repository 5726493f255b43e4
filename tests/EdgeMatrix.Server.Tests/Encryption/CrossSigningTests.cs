using System.Text.Json;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Encryption;

public sealed class CrossSigningTests
{
    private const string Upload = "/_matrix/client/v3/keys/device_signing/upload";
    private const string Sign = "/_matrix/client/v3/keys/signatures/upload";

    [Fact]
    public async Task The_first_keys_need_no_password_nor_the_same_again_but_others_do()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        Assert.Equal("{}", (await alice.PostAsync(Upload, Keys(alice, "one"))).Body);
        Assert.Equal("{}", (await alice.PostAsync(Upload, Keys(alice, "one"))).Body);

        var challenge = await alice.PostAsync(Upload, Keys(alice, "two"));
        Assert.Equal(401, (int)challenge.Status);
        var auth = ",\"auth\":{\"type\":\"m.login.password\",\"password\":\"secret\",\"session\":\"" + challenge["session"].GetString() + "\"}}";
        Assert.Equal("{}", (await alice.PostAsync(Upload, Keys(alice, "two")[..^1] + auth)).Body);

        var shown = (await QueryAsync(alice))["master_keys"].GetProperty("@alice:test").GetProperty("keys").EnumerateObject().Single().Value.GetString();
        Assert.Equal(KeyMaker.PublicKey(KeyMaker.CrossSigningKey("master two")), shown);
    }

    [Fact]
    public async Task Keys_must_be_of_the_user_signed_by_the_master_key_and_named_as_no_device()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        var bob = await server.RegisterAsync("bob");
        Assert.Equal((400, "M_INVALID_PARAM"), (await bob.PostAsync(Upload, Keys(alice, "one"))).Error);
        Assert.Equal((400, "M_MISSING_PARAM"), (await alice.PostAsync(Upload, $$"""{"self_signing_key":{{Key(alice, "self_signing", "self one", "master one")}} }""")).Error);
        var wrong = $$"""{"master_key":{{Key(alice, "master", "master one")}},"self_signing_key":{{Key(alice, "self_signing", "self one", "master two")}} }""";
        Assert.Equal((400, "M_INVALID_SIGNATURE"), (await alice.PostAsync(Upload, wrong)).Error);

        await server.LogInAsync("alice", KeyMaker.PublicKey(KeyMaker.CrossSigningKey("master one")));
        Assert.Equal((403, "M_FORBIDDEN"), (await alice.PostAsync(Upload, Keys(alice, "one"))).Error);
    }

    [Fact]
    public async Task A_key_that_a_new_master_key_signed_again_is_shown_with_that_signature()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        await alice.PostAsync(Upload, Keys(alice, "one"));
        var renewed = $$"""{"master_key":{{Key(alice, "master", "master two")}},"self_signing_key":{{Key(alice, "self_signing", "self one", "master two")}} }""";
        var challenge = await alice.PostAsync(Upload, renewed);
        var auth = ",\"auth\":{\"type\":\"m.login.password\",\"password\":\"secret\",\"session\":\"" + challenge["session"].GetString() + "\"}}";
        Assert.Equal("{}", (await alice.PostAsync(Upload, renewed[..^1] + auth)).Body);

        var signer = (await QueryAsync(alice))["self_signing_keys"].GetProperty("@alice:test").GetProperty("signatures").GetProperty("@alice:test");
        Assert.Equal("ed25519:" + KeyMaker.PublicKey(KeyMaker.CrossSigningKey("master two")), signer.EnumerateObject().Single().Name);
    }

    [Fact]
    public async Task The_user_signing_key_is_shown_to_its_user_only()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        await alice.PostAsync(Upload, Keys(alice, "one"));

        Assert.True((await QueryAsync(alice))["user_signing_keys"].TryGetProperty("@alice:test", out _));
        var seen = await QueryAsync(bob);
        Assert.Equal("{}", seen["user_signing_keys"].GetRawText());
        Assert.True(seen["self_signing_keys"].TryGetProperty("@alice:test", out _));
        Assert.True(seen["master_keys"].TryGetProperty("@alice:test", out _));
    }

    [Fact]
    public async Task A_device_that_its_user_signed_is_seen_so_by_all_and_a_user_whom_one_signed_by_that_one()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice", "PHONE"), await server.RegisterAsync("bob", "BOBS"));
        await alice.UploadKeysAsync();
        await alice.PostAsync(Upload, Keys(alice, "one"));
        await bob.PostAsync(Upload, Keys(bob, "b"));
        var room = await alice.CreateRoomAsync();
        await bob.PostAsync($"/_matrix/client/v3/rooms/{room}/join", "{}");
        var (a, b) = (await NextAsync(alice), await NextAsync(bob));
        var (self, user) = (KeyMaker.CrossSigningKey("self one"), KeyMaker.CrossSigningKey("user one"));
        var bobsMaster = Key(bob, "master", "master b");

        var answer = await alice.PostAsync(Sign, $$"""
            {
                "@alice:test": {"PHONE": {{KeyMaker.Sign(alice.DeviceKeys(), alice.UserId, self)}} },
                "@bob:test": {"{{MasterId("b")}}": {{KeyMaker.Sign(bobsMaster, alice.UserId, user)}} }
            }
            """);

        Assert.Equal("""{"failures":{}}""", answer.Body);
        Assert.Contains(self.KeyId, Signatures((await QueryAsync(bob))["device_keys"].GetProperty("@alice:test").GetProperty("PHONE"), alice));
        Assert.Contains("ed25519:PHONE", Signatures((await QueryAsync(bob))["device_keys"].GetProperty("@alice:test").GetProperty("PHONE"), alice));
        Assert.Equal([user.KeyId], Signatures((await QueryAsync(alice))["master_keys"].GetProperty("@bob:test"), alice));
        Assert.Empty(Signatures((await QueryAsync(bob))["master_keys"].GetProperty("@bob:test"), alice));
        Assert.Equal("""["@alice:test","@bob:test"]""", await ChangedAsync(alice, a));
        Assert.Equal("""["@alice:test"]""", await ChangedAsync(bob, b));
    }

    [Fact]
    public async Task Wrong_signatures_fail_one_by_one()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice", "PHONE"), await server.RegisterAsync("bob", "BOBS"));
        await alice.UploadKeysAsync();
        await bob.UploadKeysAsync();
        await alice.PostAsync(Upload, Keys(alice, "one"));
        var (self, stranger) = (KeyMaker.CrossSigningKey("self one"), KeyMaker.CrossSigningKey("stranger"));

        var answer = await alice.PostAsync(Sign, $$"""
            {
                "@alice:test": {
                    "PHONE": {{KeyMaker.Sign(alice.DeviceKeys(), alice.UserId, stranger)}},
                    "NONE": {{KeyMaker.Sign(alice.DeviceKeys(), alice.UserId, self)}},
                    "{{MasterId("one")}}": {{KeyMaker.Sign(Key(alice, "master", "master one"), alice.UserId, alice.IdentityKey(""))}}
                },
                "@bob:test": {"BOBS": {{KeyMaker.Sign(bob.DeviceKeys(), alice.UserId, self)}} }
            }
            """);

        var failures = answer["failures"];
        Assert.Equal("M_INVALID_SIGNATURE", failures.GetProperty("@alice:test").GetProperty("PHONE").GetProperty("errcode").GetString());
        Assert.Equal("M_NOT_FOUND", failures.GetProperty("@alice:test").GetProperty("NONE").GetProperty("errcode").GetString());
        Assert.Equal("M_NOT_FOUND", failures.GetProperty("@bob:test").GetProperty("BOBS").GetProperty("errcode").GetString());
        Assert.Equal(2, failures.GetProperty("@alice:test").EnumerateObject().Count());
        Assert.Equal(["ed25519:PHONE"], Signatures((await QueryAsync(bob))["master_keys"].GetProperty("@alice:test"), alice));
    }

    private static string Keys(TestSession session, string set) => $$"""
        {
            "master_key": {{Key(session, "master", "master " + set)}},
            "self_signing_key": {{Key(session, "self_signing", "self " + set, "master " + set)}},
            "user_signing_key": {{Key(session, "user_signing", "user " + set, "master " + set)}}
        }
        """;

    private static string Key(TestSession session, string usage, string name, string? signedBy = null)
    {
        var id = KeyMaker.PublicKey(KeyMaker.CrossSigningKey(name));
        var key = "{\"user_id\":\"" + session.UserId + "\",\"usage\":[\"" + usage + "\"],\"keys\":{\"ed25519:" + id + "\":\"" + id + "\"}}";
        return signedBy is null ? key : KeyMaker.Sign(key, session.UserId, KeyMaker.CrossSigningKey(signedBy));
    }

    private static string MasterId(string set) => KeyMaker.PublicKey(KeyMaker.CrossSigningKey("master " + set));

    private static Task<TestAnswer> QueryAsync(TestSession session) =>
        session.PostAsync("/_matrix/client/v3/keys/query", """{"device_keys":{"@alice:test":[],"@bob:test":[]}}""");

    private static IEnumerable<string> Signatures(JsonElement key, TestSession signer) => SignedJson.KeyIdsOf(key, signer.UserId);

    private static async Task<string> NextAsync(TestSession session) => (await session.GetAsync("/_matrix/client/v3/sync"))["next_batch"].GetString()!;

    private static async Task<string> ChangedAsync(TestSession session, string since) =>
        (await session.GetAsync($"/_matrix/client/v3/sync?since={since}"))["device_lists"].GetProperty("changed").GetRawText();
}
