using EdgeMatrix.Accounts.Registration;
using EdgeMatrix.Protocol;
using Xunit;

namespace EdgeMatrix.Server.Tests.Accounts;

public sealed class SharedSecretRegistrationTests
{
    private readonly SharedSecretRegistration _registration = new("secret", new SeededRandom(1), TimeProvider.System);

    [Fact]
    public void The_mac_covers_the_user_type_where_there_is_one()
    {
        var nonce = _registration.NewNonce();
        var mac = SharedSecretMac.Of("secret", nonce, "bot", "pw", "notadmin", "support");

        Assert.Equal(SharedSecretVerdict.Good, _registration.Check(nonce, "bot", "pw", admin: false, "support", mac));
    }

    [Fact]
    public void The_mac_of_a_user_is_not_that_of_an_administrator()
    {
        var nonce = _registration.NewNonce();
        var mac = SharedSecretMac.Of("secret", nonce, "bot", "pw", "notadmin");

        Assert.Equal(SharedSecretVerdict.WrongMac, _registration.Check(nonce, "bot", "pw", admin: true, null, mac));
    }
}
