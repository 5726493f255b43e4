using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Signing;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.Signing;

public sealed class ServerKeysTests : IDisposable
{
    private const long Day = 24 * 60 * 60 * 1000L;
    private const long Now = 1_700_000_000_000;

    private readonly SigningKey _key = TestRoom.Key();
    private readonly SigningKey _notary = SigningKey.FromSeed("notary", [.. Enumerable.Repeat((byte)7, SigningKey.SeedBytes)]);

    public void Dispose()
    {
        _key.Dispose();
        _notary.Dispose();
    }

    [Fact]
    public void Keys_that_their_server_signed_are_taken()
    {
        var keys = ServerKeys.Parse(Sign(Answer()), "test", Now).Keys!;

        Assert.Equal("test", keys.ServerName);
        Assert.Equal(Now + (30 * Day), keys.ValidUntilTs);
        Assert.Equal(["ed25519:old", "ed25519:test"], keys.Keys.Keys.Order());
        Assert.Equal(_key.PublicKey, keys.Keys["ed25519:test"].Bytes);
        Assert.False(keys.Keys["ed25519:test"].IsOld);
        Assert.Equal(Now + (7 * Day), keys.Keys["ed25519:test"].UntilTs);
        Assert.True(keys.Keys["ed25519:old"].IsOld);
        Assert.Equal(5, keys.Keys["ed25519:old"].UntilTs);
    }

    [Fact]
    public void The_signature_of_a_notary_does_no_harm()
    {
        var answer = SignedJson.Sign(JsonElement.Parse(Sign(Answer())), "notary", _notary);
        answer = SignedJson.Sign(JsonElement.Parse(answer), "test", _notary);

        Assert.NotNull(ServerKeys.Parse(answer, "test", Now).Keys);
    }

    [Fact]
    public void A_key_that_is_in_use_and_old_is_old()
    {
        var answer = Answer().Replace("ed25519:old", "ed25519:test", StringComparison.Ordinal);

        Assert.True(ServerKeys.Parse(Sign(answer), "test", Now).Keys!.Keys["ed25519:test"].IsOld);
    }

    [Fact]
    public void Keys_of_algorithms_that_we_do_not_know_are_passed_over()
    {
        var answer = Answer().Replace("\"verify_keys\":{", "\"verify_keys\":{\"post_quantum:1\":{\"seed\":1},", StringComparison.Ordinal);

        Assert.Equal(2, ServerKeys.Parse(Sign(answer), "test", Now).Keys!.Keys.Count);
    }

    [Fact]
    public void Keys_of_another_server_are_refused() =>
        Assert.Contains("server_name", ServerKeys.Parse(Sign(Answer()), "Test", Now).Refusal, StringComparison.Ordinal);

    [Fact]
    public void Keys_that_nobody_or_somebody_else_signed_are_refused()
    {
        Assert.Contains("none", ServerKeys.Parse(Encoding.UTF8.GetBytes(Answer()), "test", Now).Refusal, StringComparison.Ordinal);

        var byNotary = SignedJson.Sign(JsonElement.Parse(Answer()), "test", _notary);
        Assert.Contains("none", ServerKeys.Parse(byNotary, "test", Now).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_that_were_changed_are_refused()
    {
        var changed = Encoding.UTF8.GetString(Sign(Answer())).Replace("\"expired_ts\":5", "\"expired_ts\":6", StringComparison.Ordinal);

        Assert.Contains("wrong", ServerKeys.Parse(Encoding.UTF8.GetBytes(changed), "test", Now).Refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "server_name")]
    [InlineData("{", "")]
    [InlineData("""{"server_name":"test"}""", "valid_until_ts")]
    [InlineData("""{"server_name":"test","valid_until_ts":"1"}""", "valid_until_ts")]
    [InlineData("""{"server_name":"test","valid_until_ts":1}""", "verify_keys")]
    [InlineData("""{"server_name":"test","valid_until_ts":1,"verify_keys":{"ed25519:1":{"key":"AAAA"}}}""", "ed25519:1")]
    [InlineData("""{"server_name":"test","valid_until_ts":1,"verify_keys":{"ed25519:1":"x"}}""", "ed25519:1")]
    [InlineData("""{"server_name":"test","valid_until_ts":1,"verify_keys":{},"unsigned":{"a":0.5}}""", "fraction")]
    public void What_is_no_answer_is_refused(string answer, string refusal) =>
        Assert.Contains(refusal, ServerKeys.Parse(Encoding.UTF8.GetBytes(answer), "test", Now).Refusal, StringComparison.Ordinal);

    [Theory]
    [InlineData("[]")]
    [InlineData("""{"ed25519:old":{"key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}""")]
    [InlineData("""{"ed25519:old":{"expired_ts":5}}""")]
    public void Old_keys_that_are_none_are_refused(string oldKeys) =>
        Assert.Contains("old_verify_keys", ServerKeys.Parse(Sign(Answer(oldKeys)), "test", Now).Refusal, StringComparison.Ordinal);

    private string Answer(string oldKeys = """{"ed25519:old":{"expired_ts":5,"key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}""") =>
        $$"""
        {"server_name":"test","valid_until_ts":{{Now + (30 * Day)}},"old_verify_keys":{{oldKeys}},
         "verify_keys":{"ed25519:test":{"key":"{{UnpaddedBase64.Encode(_key.PublicKey)}}"} } }
        """;

    private byte[] Sign(string answer) => SignedJson.Sign(JsonElement.Parse(answer), "test", _key);
}
