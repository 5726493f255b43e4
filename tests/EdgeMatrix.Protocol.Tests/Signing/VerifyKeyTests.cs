using EdgeMatrix.Protocol.Signing;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.Signing;

public sealed class VerifyKeyTests
{
    private const long Day = 24 * 60 * 60 * 1000L;

    [Fact]
    public void A_key_in_use_signs_up_to_when_it_is_valid_since_version_5()
    {
        Assert.True(VerifyKey.TryCreate("ed25519:1", new byte[32], 1_000, out var key));

        Assert.True(key.MaySign(999, enforcesKeyValidity: true));
        Assert.True(key.MaySign(1_000, enforcesKeyValidity: true));
        Assert.False(key.MaySign(1_001, enforcesKeyValidity: true));
        Assert.True(key.MaySign(1_001, enforcesKeyValidity: false));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_old_key_signs_up_to_when_it_expired_in_every_version(bool enforcesKeyValidity)
    {
        Assert.True(VerifyKey.TryCreateOld("ed25519:1", new byte[32], 1_000, out var key));

        Assert.True(key.MaySign(1_000, enforcesKeyValidity));
        Assert.False(key.MaySign(1_001, enforcesKeyValidity));
    }

    [Fact]
    public void An_old_key_signs_no_requests()
    {
        Assert.True(VerifyKey.TryCreate("ed25519:1", new byte[32], 1_000, out var key));
        Assert.True(VerifyKey.TryCreateOld("ed25519:1", new byte[32], 1_000, out var old));

        Assert.True(key.MaySignRequests(1_000));
        Assert.False(key.MaySignRequests(1_001));
        Assert.False(old.MaySignRequests(0));
    }

    [Fact]
    public void A_key_is_trusted_for_seven_days_at_most()
    {
        Assert.Equal(Day, VerifyKey.TrustedUntil(Day, 0));
        Assert.Equal(7 * Day, VerifyKey.TrustedUntil(7 * Day, 0));
        Assert.Equal((7 * Day) + 5, VerifyKey.TrustedUntil(long.MaxValue, 5));
    }

    [Theory]
    [InlineData("ed25519:1", 31)]
    [InlineData("ed25519:1", 33)]
    [InlineData("curve25519:1", 32)]
    public void What_is_no_key_is_refused(string keyId, int bytes)
    {
        Assert.False(VerifyKey.TryCreate(keyId, new byte[bytes], 0, out _));
        Assert.False(VerifyKey.TryCreateOld(keyId, new byte[bytes], 0, out _));
    }
}
