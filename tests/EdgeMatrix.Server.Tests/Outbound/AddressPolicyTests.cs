using System.Net;
using EdgeMatrix.Outbound;
using Xunit;

namespace EdgeMatrix.Server.Tests.Outbound;

public class AddressPolicyTests
{
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("100.64.0.1")]
    [InlineData("127.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("172.31.255.255")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("224.0.0.251")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::127.0.0.1")]
    [InlineData("64:ff9b::10.0.0.1")]
    [InlineData("64:ff9b:1::8.8.8.8")]
    [InlineData("100::1")]
    [InlineData("2001::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::")]
    [InlineData("3fff::1")]
    [InlineData("fc00::1")]
    [InlineData("fe80::1%2")]
    [InlineData("ff02::1")]
    public void What_is_not_of_the_public_internet_is_refused(string address) =>
        Assert.False(new AddressPolicy([]).Allows(IPAddress.Parse(address)));

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("172.32.0.1")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("64:ff9b::8.8.8.8")]
    [InlineData("2606:4700::1111")]
    public void What_is_of_the_public_internet_is_allowed(string address) =>
        Assert.True(new AddressPolicy([]).Allows(IPAddress.Parse(address)));

    [Fact]
    public void The_configuration_may_name_others()
    {
        var policy = new AddressPolicy(["127.0.0.1", "192.168.0.0/16", "fd00::/8"]);

        Assert.True(policy.Allows(IPAddress.Parse("127.0.0.1")));
        Assert.True(policy.Allows(IPAddress.Parse("::ffff:127.0.0.1")));
        Assert.True(policy.Allows(IPAddress.Parse("192.168.7.7")));
        Assert.True(policy.Allows(IPAddress.Parse("fd12::1")));
        Assert.False(policy.Allows(IPAddress.Parse("127.0.0.2")));
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("192.168.1.1", true)]
    [InlineData("fd00::1", true)]
    [InlineData("fe80::1%2", true)]
    [InlineData("224.0.0.251", false)]
    [InlineData("0.0.0.0", false)]
    public void Private_ranges_are_this_machine_and_private_networks(string address, bool allowed) =>
        Assert.Equal(allowed, new AddressPolicy(AddressPolicy.PrivateRanges).Allows(IPAddress.Parse(address)));
}
