using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Signing;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.Signing;

public sealed class EndToEndKeyTests : IDisposable
{
    private const string Alice = "@alice:test";
    private const string Curve25519 = "JGLn/yafz74HB2AbPLYJWIVGnKAtqECOBf11yyXac2Y";

    private readonly SigningKey _device = Key("DEVICE", 1);
    private readonly SigningKey _master = NamedAfterItself(2);
    private readonly SigningKey _selfSigning = NamedAfterItself(3);

    public void Dispose()
    {
        _device.Dispose();
        _master.Dispose();
        _selfSigning.Dispose();
    }

    [Fact]
    public void Device_keys_that_their_device_signed_are_valid() =>
        Assert.Equal(KeyFault.None, DeviceKeys.Check(Sign(Device(), _device), Alice, "DEVICE").Fault);

    [Fact]
    public void Device_keys_are_of_their_user_and_device()
    {
        var keys = Sign(Device(), _device);

        Assert.Equal(KeyFault.NotTheOwners, DeviceKeys.Check(keys, "@bob:test", "DEVICE").Fault);
        Assert.Equal(KeyFault.NotTheOwners, DeviceKeys.Check(keys, Alice, "OTHER").Fault);
    }

    [Fact]
    public void Device_keys_without_a_signature_that_can_be_checked_are_for_clients_to_check()
    {
        var unsigned = Device().Insert(1, "\"signatures\":{},");
        var ofOtherKind = unsigned.Replace("ed25519:DEVICE", "mldsa65:DEVICE", StringComparison.Ordinal);
        var withoutKey = unsigned.Replace(UnpaddedBase64.Encode(_device.PublicKey), "none", StringComparison.Ordinal);
        Assert.All(
            [unsigned, ofOtherKind, withoutKey],
            keys => Assert.Equal(KeyFault.None, DeviceKeys.Check(JsonElement.Parse(keys), Alice, "DEVICE").Fault));
    }

    [Fact]
    public void Device_keys_are_of_one_identity_while_they_sign_with_one_key()
    {
        var keys = JsonElement.Parse(Device());
        var renewed = JsonElement.Parse(Device().Replace(Curve25519, "another", StringComparison.Ordinal));
        Assert.True(DeviceKeys.AreOfOne(keys, renewed, "DEVICE"));

        // Neither what is no key, nor that there is none, is the same as a key.
        var none = JsonElement.Parse(Device().Replace(UnpaddedBase64.Encode(_device.PublicKey), "none", StringComparison.Ordinal));
        var unknown = JsonElement.Parse(Device().Replace("ed25519:DEVICE", "mldsa65:DEVICE", StringComparison.Ordinal));
        Assert.False(DeviceKeys.AreOfOne(keys, none, "DEVICE"));
        Assert.False(DeviceKeys.AreOfOne(keys, unknown, "DEVICE"));
        Assert.False(DeviceKeys.AreOfOne(none, unknown, "DEVICE"));
        Assert.True(DeviceKeys.AreOfOne(unknown, unknown, "DEVICE"));
    }

    [Fact]
    public void Device_keys_that_another_signed_or_that_were_changed_are_refused()
    {
        Assert.Equal(KeyFault.Malformed, DeviceKeys.Check(JsonElement.Parse(Device()), Alice, "DEVICE").Fault);
        using var other = Key("DEVICE", 4);
        Assert.Equal(KeyFault.InvalidSignature, DeviceKeys.Check(Sign(Device(), other), Alice, "DEVICE").Fault);

        var changed = Sign(Device(), _device).GetRawText().Replace("m.olm", "m.mlo", StringComparison.Ordinal);
        Assert.Equal(KeyFault.InvalidSignature, DeviceKeys.Check(JsonElement.Parse(changed), Alice, "DEVICE").Fault);
    }

    [Theory]
    [InlineData("\"algorithms\":[\"m.olm.v1.curve25519-aes-sha2\"]", "\"algorithms\":[1]")]
    [InlineData("\"keys\":{", "\"keys\":{\"new:DEVICE\":{},")]
    public void Device_keys_have_their_shape(string original, string changed) =>
        Assert.Equal(
            KeyFault.Malformed,
            DeviceKeys.Check(Sign(Device().Replace(original, changed, StringComparison.Ordinal), _device), Alice, "DEVICE").Fault);

    // What matrix-nio or matrix-js-sdk would sign is what the specification shows; its values are no keys, so these are our own.
    [Fact]
    public void One_time_keys_are_signed_by_their_device()
    {
        var key = Sign($$"""{"key":"{{Curve25519}}"}""", _device);
        var fallback = Sign($$"""{"key":"{{Curve25519}}","fallback":true}""", _device);

        Assert.True(OneTimeKeys.Check("signed_curve25519:AAAAHg", key, Alice, "DEVICE", _device.PublicKey).IsValid);
        Assert.True(OneTimeKeys.Check("signed_curve25519:AAAAHg", fallback, Alice, "DEVICE", _device.PublicKey).IsValid);
        Assert.Equal(
            KeyFault.InvalidSignature, OneTimeKeys.Check("signed_curve25519:AAAAHg", key, Alice, "OTHER", _device.PublicKey).Fault);
        Assert.Equal(
            KeyFault.InvalidSignature, OneTimeKeys.Check("signed_curve25519:AAAAHg", key, Alice, "DEVICE", _master.PublicKey).Fault);
    }

    [Theory]
    [InlineData("signed_curve25519:A", "\"key\"", KeyFault.Malformed)]
    [InlineData("signed_curve25519:A", """{"key":"AAAA"}""", KeyFault.Malformed)]
    [InlineData("signed_curve25519:A", """{"key":"JGLn/yafz74HB2AbPLYJWIVGnKAtqECOBf11yyXac2Y","fallback":1}""", KeyFault.Malformed)]
    [InlineData("signed_curve25519", "{}", KeyFault.Malformed)]
    [InlineData(":A", "{}", KeyFault.Malformed)]
    [InlineData("signed_curve25519:", "{}", KeyFault.Malformed)]
    [InlineData("new_algorithm:A", "1", KeyFault.Malformed)]
    [InlineData("new_algorithm:A", "{}", KeyFault.None)]
    [InlineData("curve25519:A", "\"x\"", KeyFault.None)]
    public void One_time_keys_have_the_shape_of_their_algorithm(string name, string key, KeyFault expected) =>
        Assert.Equal(expected, OneTimeKeys.Check(name, JsonElement.Parse(key), Alice, "DEVICE", _device.PublicKey).Fault);

    [Fact]
    public void A_self_signing_key_is_signed_by_the_master_key()
    {
        Assert.True(CrossSigningKey.Read(CrossSigning("master", _master), Alice, CrossSigningKey.Master, out var master).IsValid);
        var unsigned = CrossSigning("self_signing", _selfSigning);
        Assert.True(CrossSigningKey.Read(unsigned, Alice, CrossSigningKey.SelfSigning, out var selfSigning).IsValid);
        var signed = Sign(unsigned.GetRawText(), _master);

        Assert.Equal(_selfSigning.KeyId, selfSigning!.KeyId);
        Assert.True(CrossSigningKey.CheckSignedByMaster(signed, master!).IsValid);
        Assert.Equal(KeyFault.InvalidSignature, CrossSigningKey.CheckSignedByMaster(unsigned, master!).Fault);
        Assert.Equal(KeyFault.InvalidSignature, CrossSigningKey.CheckSignedByMaster(signed, selfSigning).Fault);
    }

    [Theory]
    [InlineData("""{"user_id":"@bob:test","usage":["master"],"keys":{"ed25519:A":"A"}}""", KeyFault.NotTheOwners)]
    [InlineData("""{"user_id":"@alice:test","usage":["self_signing"],"keys":{"ed25519:A":"A"}}""", KeyFault.Malformed)]
    [InlineData("""{"user_id":"@alice:test","usage":["master"],"keys":{"ed25519:A":"A"}}""", KeyFault.Malformed)]
    [InlineData("""{"user_id":"@alice:test","usage":["master"],"keys":{}}""", KeyFault.Malformed)]
    [InlineData(
        """{"user_id":"@alice:test","usage":["master"],"keys":{"ed25519:A":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}""",
        KeyFault.Malformed)]
    [InlineData("""{"user_id":"@alice:test","usage":["master"],"keys":{"ed25519:A":"A","ed25519:B":"B"}}""", KeyFault.Malformed)]
    public void A_cross_signing_key_has_its_shape(string json, KeyFault expected) =>
        Assert.Equal(expected, CrossSigningKey.Read(JsonElement.Parse(json), Alice, CrossSigningKey.Master, out _).Fault);

    [Fact]
    public void An_uploaded_signature_is_on_the_key_that_is_known_by_a_key_that_may_sign()
    {
        var known = Sign(Device(), _device);
        var uploaded = Sign(Device(), _selfSigning);
        var both = Sign(known.GetRawText(), _selfSigning);
        var signers = new Dictionary<string, byte[]> { [_selfSigning.KeyId] = _selfSigning.PublicKey };

        Assert.Equal(KeyFault.None, SignatureUpload.Check(uploaded, known, Alice, signers).Fault);
        Assert.Equal(KeyFault.None, SignatureUpload.Check(both, known, Alice, signers).Fault);
        Assert.Equal(KeyFault.InvalidSignature, SignatureUpload.Check(known, known, Alice, signers).Fault);
        Assert.Equal(KeyFault.InvalidSignature, SignatureUpload.Check(Sign(Device(), _master), known, Alice, signers).Fault);
        Assert.Equal(KeyFault.InvalidSignature, SignatureUpload.Check(uploaded, known, "@bob:test", signers).Fault);

        signers[_selfSigning.KeyId] = _master.PublicKey;
        Assert.Equal(KeyFault.InvalidSignature, SignatureUpload.Check(uploaded, known, Alice, signers).Fault);
    }

    [Fact]
    public void An_uploaded_signature_on_another_key_is_refused()
    {
        var known = Sign(Device(), _device);
        var other = Device().Replace(Curve25519, Curve25519.Replace('J', 'K'), StringComparison.Ordinal);
        var signers = new Dictionary<string, byte[]> { [_selfSigning.KeyId] = _selfSigning.PublicKey };

        Assert.Equal(KeyFault.Different, SignatureUpload.Check(Sign(other, _selfSigning), known, Alice, signers).Fault);
        Assert.Equal(KeyFault.None, SignatureUpload.Check(
            Sign(Device().Replace("{\"user_id\"", "{\"unsigned\":{\"device_display_name\":\"x\"},\"user_id\"", StringComparison.Ordinal), _selfSigning),
            known,
            Alice,
            signers).Fault);
    }

    private static SigningKey Key(string version, byte seed) =>
        SigningKey.FromSeed(version, [.. Enumerable.Repeat(seed, SigningKey.SeedBytes)]);

    private static SigningKey NamedAfterItself(byte seed)
    {
        using var unnamed = Key("", seed);
        return Key(UnpaddedBase64.Encode(unnamed.PublicKey), seed);
    }

    private static JsonElement Sign(string json, SigningKey key) =>
        JsonElement.Parse(Encoding.UTF8.GetString(SignedJson.Sign(JsonElement.Parse(json), Alice, key)));

    private static JsonElement CrossSigning(string usage, SigningKey key)
    {
        var publicKey = UnpaddedBase64.Encode(key.PublicKey);
        return JsonElement.Parse(
            $$"""{"user_id":"{{Alice}}","usage":["{{usage}}"],"keys":{"ed25519:{{publicKey}}":"{{publicKey}}"} }""");
    }

    private string Device() =>
        $$"""
        {"user_id":"{{Alice}}","device_id":"DEVICE","algorithms":["m.olm.v1.curve25519-aes-sha2"],
         "keys":{"curve25519:DEVICE":"{{Curve25519}}","ed25519:DEVICE":"{{UnpaddedBase64.Encode(_device.PublicKey)}}"} }
        """;
}
