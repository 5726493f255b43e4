using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Encryption;

public sealed class KeyBackupTests
{
    private const string Version = "/_matrix/client/v3/room_keys/version";
    private const string Keys = "/_matrix/client/v3/room_keys/keys";
    private const string Backup = """{"algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","auth_data":{"public_key":"abc"}}""";

    [Fact]
    public async Task Versions_are_made_changed_and_deleted_and_their_numbers_not_given_again()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync(Version)).Error);
        Assert.Equal("""{"version":"1"}""", (await alice.PostAsync(Version, Backup)).Body);
        Assert.Equal(
            """{"algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","auth_data":{"public_key":"abc"},"count":0,"etag":"0","version":"1"}""",
            (await alice.GetAsync(Version)).Body);

        Assert.Equal("{}", (await alice.PutAsync(Version + "/1", Backup.Replace("abc", "def", StringComparison.Ordinal))).Body);
        Assert.Equal("def", (await alice.GetAsync(Version + "/1"))["auth_data"].GetProperty("public_key").GetString());
        Assert.Equal((400, "M_INVALID_PARAM"), (await alice.PutAsync(Version + "/1", Backup.Replace("v1", "v2", StringComparison.Ordinal))).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.PutAsync(Version + "/2", Backup)).Error);

        Assert.Equal("{}", (await alice.DeleteAsync(Version + "/1")).Body);
        Assert.Equal("{}", (await alice.DeleteAsync(Version + "/1")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.DeleteAsync(Version + "/7")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync(Version + "/1")).Error);
        Assert.Equal("""{"version":"2"}""", (await alice.PostAsync(Version, Backup)).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await (await server.RegisterAsync("bob")).GetAsync(Version + "/2")).Error);
    }

    [Fact]
    public async Task Keys_are_kept_read_and_deleted_one_by_one_by_room_and_all()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        await alice.PostAsync(Version, Backup);
        Assert.Equal("""{"count":1,"etag":"1"}""", (await alice.PutAsync(Keys + "/!a:test/one?version=1", Key(0, 0, false, "x"))).Body);
        Assert.Equal("""{"count":2,"etag":"2"}""", (await alice.PutAsync(
            Keys + "/!a:test?version=1", $$"""{"sessions":{"two":{{Key(0, 0, false, "x")}} } }""")).Body);
        Assert.Equal("""{"count":4,"etag":"3"}""", (await alice.PutAsync(
            Keys + "?version=1", $$"""{"rooms":{"!b:test":{"sessions":{"one":{{Key(0, 0, false, "x")}},"two":{{Key(0, 0, false, "y")}} } } } }""")).Body);

        Assert.Equal(Key(0, 0, false, "y"), (await alice.GetAsync(Keys + "/!b:test/two?version=1")).Body);
        Assert.Equal(["one", "two"], (await alice.GetAsync(Keys + "/!a:test?version=1"))["sessions"].EnumerateObject().Select(s => s.Name));
        Assert.Equal(["!a:test", "!b:test"], (await alice.GetAsync(Keys + "?version=1"))["rooms"].EnumerateObject().Select(r => r.Name));
        Assert.Equal("""{"sessions":{}}""", (await alice.GetAsync(Keys + "/!c:test?version=1")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync(Keys + "/!c:test/one?version=1")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync(Keys + "?version=2")).Error);
        Assert.Equal((400, "M_MISSING_PARAM"), (await alice.GetAsync(Keys)).Error);

        Assert.Equal("""{"count":3,"etag":"4"}""", (await alice.DeleteAsync(Keys + "/!a:test/one?version=1")).Body);
        Assert.Equal("""{"count":3,"etag":"4"}""", (await alice.DeleteAsync(Keys + "/!a:test/one?version=1")).Body);
        Assert.Equal("""{"count":1,"etag":"5"}""", (await alice.DeleteAsync(Keys + "/!b:test?version=1")).Body);
        Assert.Equal("""{"count":0,"etag":"6"}""", (await alice.DeleteAsync(Keys + "?version=1")).Body);
        Assert.Equal("""{"rooms":{}}""", (await alice.GetAsync(Keys + "?version=1")).Body);
    }

    [Theory]
    [InlineData(5, 5, false, 9, 9, true, true)]
    [InlineData(5, 5, true, 0, 0, false, false)]
    [InlineData(5, 5, true, 4, 9, true, true)]
    [InlineData(5, 5, false, 6, 0, false, false)]
    [InlineData(5, 5, false, 5, 4, false, true)]
    [InlineData(5, 5, false, 5, 5, false, false)]
    public async Task A_better_key_replaces_one(int index, int forwarded, bool verified, int newIndex, int newForwarded, bool newVerified, bool replaces)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        await alice.PostAsync(Version, Backup);
        await alice.PutAsync(Keys + "/!a:test/one?version=1", Key(index, forwarded, verified, "old"));

        var answer = await alice.PutAsync(Keys + "/!a:test/one?version=1", Key(newIndex, newForwarded, newVerified, "new"));

        Assert.Equal(replaces ? """{"count":1,"etag":"2"}""" : """{"count":1,"etag":"1"}""", answer.Body);
        var kept = await alice.GetAsync(Keys + "/!a:test/one?version=1");
        Assert.Equal(replaces ? Key(newIndex, newForwarded, newVerified, "new") : Key(index, forwarded, verified, "old"), kept.Body);
    }

    [Fact]
    public async Task Only_the_current_version_is_written()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.PutAsync(Keys + "/!a:test/one?version=1", Key(0, 0, true, "x"))).Error);
        await alice.PostAsync(Version, Backup);
        await alice.PutAsync(Keys + "/!a:test/one?version=1", Key(0, 0, true, "x"));
        await alice.PostAsync(Version, Backup);

        var answer = await alice.PutAsync(Keys + "/!a:test/two?version=1", Key(0, 0, true, "x"));

        Assert.Equal((403, "M_WRONG_ROOM_KEYS_VERSION"), answer.Error);
        Assert.Equal("2", answer["current_version"].GetString());
        Assert.Equal(200, (int)(await alice.GetAsync(Keys + "/!a:test/one?version=1")).Status);
        await alice.DeleteAsync(Version + "/2");
        Assert.Equal("1", (await alice.GetAsync(Version))["version"].GetString());
        Assert.Equal((400, "M_BAD_JSON"), (await alice.PutAsync(Keys + "/!a:test/two?version=1", "{}")).Error);
        Assert.Equal((400, "M_BAD_JSON"), (await alice.PutAsync(Keys + "?version=1", """{"rooms":[]}""")).Error);
    }

    private static string Key(int index, int forwarded, bool verified, string secret) =>
        "{\"first_message_index\":" + index + ",\"forwarded_count\":" + forwarded + ",\"is_verified\":" + (verified ? "true" : "false")
        + ",\"session_data\":{\"ciphertext\":\"" + secret + "\"}}";
}
