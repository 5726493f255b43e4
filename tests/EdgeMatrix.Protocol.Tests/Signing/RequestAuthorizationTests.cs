using System.Text.Json;
using EdgeMatrix.Protocol.Signing;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.Signing;

public sealed class RequestAuthorizationTests : IDisposable
{
    private static readonly string _signature = UnpaddedBase64.Encode(new byte[64]);

    private readonly SigningKey _key = SigningKey.FromSeed("1", new byte[32]);

    public void Dispose() => _key.Dispose();

    [Theory]
    [InlineData("X-Matrix origin=\"a.org:8448\",destination=\"b.org\",key=\"ed25519:1\",sig=\"SIG\"")]
    [InlineData("X-Matrix origin=a.org:8448,destination=b.org,key=ed25519:1,sig=SIG")]
    [InlineData("x-matrix  Key=\"ed25519:1\" ,\tSig=\"SIG\", , origin=\"a.org:8448\", new=\"a \\\" , b\", destination=\"b\\.org\"")]
    [InlineData("X-Matrix origin=\"a.org:8448\",destination=\"b.org\",key=\"ed25519:1\",signature=\"SIG\"")]
    public void Old_and_new_forms_are_read(string header)
    {
        Assert.True(RequestAuthorization.TryParse(header.Replace("SIG", _signature, StringComparison.Ordinal), out var read));

        Assert.Equal(("a.org:8448", "b.org", "ed25519:1", 64), (read.Origin, read.Destination, read.KeyId, read.Signature.Length));
    }

    [Theory]
    [InlineData("Bearer SIG")]
    [InlineData("X-Matrix")]
    [InlineData("X-Matrixorigin=a.org,key=ed25519:1,sig=SIG")]
    [InlineData("X-Matrix origin=a.org,key=ed25519:1")]
    [InlineData("X-Matrix origin=a.org,key=ed25519:1,sig=AAAA")]
    [InlineData("X-Matrix origin=\"a.org,key=ed25519:1,sig=SIG")]
    [InlineData("X-Matrix origin=a.org,origin=b.org,key=ed25519:1,sig=SIG")]
    [InlineData("X-Matrix origin=\"no name\",key=ed25519:1,sig=SIG")]
    [InlineData("X-Matrix origin=a.org,key=rsa:1,sig=SIG")]
    [InlineData("X-Matrix origin=a.org key=ed25519:1 sig=SIG")]
    public void What_lacks_something_is_none(string header) =>
        Assert.False(RequestAuthorization.TryParse(header.Replace("SIG", _signature, StringComparison.Ordinal), out _));

    [Fact]
    public void A_signature_holds_for_its_own_request_only()
    {
        var content = JsonElement.Parse("""{"b":1,"a":0.5}""");
        Assert.True(RequestAuthorization.TryParse(RequestAuthorization.Sign("a.org", "b.org", "PUT", "/x?y=%2F", content, _key), out var read));
        Assert.True(VerifyKey.TryCreate(_key.KeyId, _key.PublicKey, long.MaxValue, out var key));

        Assert.True(read.Verify(key, "b.org", "PUT", "/x?y=%2F", JsonElement.Parse("""{ "a": 5e-1, "b": 1 }""")));
        Assert.False(read.Verify(key, "b.org", "PUT", "/x?y=/", content));
        Assert.False(read.Verify(key, "b.org", "POST", "/x?y=%2F", content));
        Assert.False(read.Verify(key, "c.org", "PUT", "/x?y=%2F", content));
        Assert.False(read.Verify(key, "b.org", "PUT", "/x?y=%2F", JsonElement.Parse("""{"b":1}""")));
        Assert.False(read.Verify(key, "b.org", "PUT", "/x?y=%2F", null));
        Assert.False((read with { Origin = "c.org" }).Verify(key, "b.org", "PUT", "/x?y=%2F", content));
    }
}
