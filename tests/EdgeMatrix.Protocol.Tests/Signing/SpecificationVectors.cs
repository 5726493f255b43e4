using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Signing;

/// <summary>The cryptographic test vectors: https://spec.matrix.org/v1.19/appendices/#cryptographic-test-vectors</summary>
public sealed class SpecificationVectors : IDisposable
{
    private const string Minimal = """
        {"room_id":"!x:domain","sender":"@a:domain","origin":"domain","origin_server_ts":1000000,"type":"X","content":{},"prev_events":[],
         "auth_events":[],"depth":3,"unsigned":{"age_ts":1000000},
         "hashes":{"sha256":"5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos"},
         "signatures":{"domain":{"ed25519:1":"KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg"}}}
        """;

    private const string Redactable = """
        {"content":{"body":"Here is the message content"},"event_id":"$0:domain","origin":"domain","origin_server_ts":1000000,
         "type":"m.room.message","room_id":"!r:domain","sender":"@u:domain","unsigned":{"age_ts":1000000},
         "hashes":{"sha256":"onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g"},
         "signatures":{"domain":{"ed25519:1":"Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA"}}}
        """;

    private readonly SigningKey _key = KeyOfTheSpecification();

    public void Dispose() => _key.Dispose();

    [Theory]
    [InlineData(
        "{}",
        """{"signatures":{"domain":{"ed25519:1":"K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ"}}}""")]
    [InlineData(
        """{"one":1,"two":"Two"}""",
        """{"one":1,"signatures":{"domain":{"ed25519:1":"KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw"}},"two":"Two"}""")]
    public void A_signed_object_is_the_one_of_the_specification(string input, string expected)
    {
        var signed = SignedJson.Sign(JsonElement.Parse(input), "domain", _key);

        Assert.Equal(expected, Encoding.UTF8.GetString(signed));
        Assert.True(SignedJson.Verify(JsonElement.Parse(signed), "domain", "ed25519:1", _key.PublicKey));
    }

    [Theory]
    [InlineData(Minimal)]
    [InlineData(Redactable)]
    public void A_content_hash_is_the_one_of_the_specification(string eventJson)
    {
        var root = JsonElement.Parse(eventJson);

        Assert.Equal(root.GetProperty("hashes").GetProperty("sha256").GetString(), UnpaddedBase64.Encode(EventHashes.ContentHash(root, Versions.V10)));
    }

    [Theory]
    [InlineData(Minimal)]
    [InlineData(Redactable)]
    public void An_event_signature_is_the_one_of_the_specification(string eventJson)
    {
        var root = JsonElement.Parse(eventJson);
        var expected = root.GetProperty("signatures").GetProperty("domain").GetProperty("ed25519:1").GetString();

        // Version 10 still keeps the top-level origin when it redacts, as the versions did that the vectors are of.
        Assert.Equal(expected, UnpaddedBase64.Encode(_key.Sign(Redaction.SignedPart(root, Versions.V10))));
        Assert.True(EventSignatures.Verify(root, Versions.V10, "domain", "ed25519:1", _key.PublicKey));
    }

    [Fact]
    public void Redaction_leaves_the_signature_right()
    {
        var redacted = JsonElement.Parse(Redaction.Redact(JsonElement.Parse(Redactable), Versions.V10));

        Assert.Equal("{}", redacted.GetProperty("content").GetRawText());
        Assert.True(EventSignatures.Verify(redacted, Versions.V10, "domain", "ed25519:1", _key.PublicKey));
    }

    [Fact]
    public void A_changed_object_has_no_right_signature()
    {
        var signed = Encoding.UTF8.GetString(SignedJson.Sign(JsonElement.Parse("""{"one":1}"""), "domain", _key));

        Assert.False(SignedJson.Verify(JsonElement.Parse(signed.Replace("\"one\":1", "\"one\":2", StringComparison.Ordinal)), "domain", "ed25519:1", _key.PublicKey));
        Assert.False(SignedJson.Verify(JsonElement.Parse(signed), "other", "ed25519:1", _key.PublicKey));
        Assert.False(SignedJson.Verify(JsonElement.Parse(signed), "domain", "ed25519:2", _key.PublicKey));
        Assert.False(SignedJson.Verify(JsonElement.Parse(signed), "domain", "ed25519:1", new byte[32]));
        Assert.False(SignedJson.Verify(JsonElement.Parse(signed), "domain", "ed25519:1", [1, 2, 3]));
    }

    [Theory]
    [InlineData("""{"signatures":{"domain":{"ed25519:1":"AAAA"}}}""")]
    [InlineData("""{"signatures":{"domain":{"ed25519:1":"!"}}}""")]
    [InlineData("""{"signatures":{"domain":{"ed25519:1":1}}}""")]
    [InlineData("""{"signatures":{"domain":[]}}""")]
    [InlineData("""{"signatures":[]}""")]
    [InlineData("{}")]
    public void What_is_no_signature_is_not_right(string input) =>
        Assert.False(SignedJson.Verify(JsonElement.Parse(input), "domain", "ed25519:1", _key.PublicKey));

    [Fact]
    public void Signing_keeps_other_signatures_and_unsigned()
    {
        var input = """{"signatures":{"domain":{"ed25519:0":"old"},"other":{"ed25519:x":"theirs"}},"unsigned":{"age":1}}""";

        var signed = JsonElement.Parse(SignedJson.Sign(JsonElement.Parse(input), "domain", _key));

        Assert.Equal("old", signed.GetProperty("signatures").GetProperty("domain").GetProperty("ed25519:0").GetString());
        Assert.Equal("theirs", signed.GetProperty("signatures").GetProperty("other").GetProperty("ed25519:x").GetString());
        Assert.Equal(1, signed.GetProperty("unsigned").GetProperty("age").GetInt32());
        Assert.Equal(["ed25519:0", "ed25519:1"], SignedJson.KeyIdsOf(signed, "domain").Order());
        Assert.True(SignedJson.Verify(signed, "domain", "ed25519:1", _key.PublicKey));
    }

    private static SigningKey KeyOfTheSpecification()
    {
        Assert.True(UnpaddedBase64.TryDecode("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1", out var seed));
        return SigningKey.FromSeed("1", seed);
    }
}
