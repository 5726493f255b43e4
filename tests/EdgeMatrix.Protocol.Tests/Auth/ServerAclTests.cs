using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.Auth;

public sealed class ServerAclTests
{
    [Theory]
    [InlineData("""{"allow":["*"]}""", "a.org:8448", true)]
    [InlineData("""{"allow":["*"],"deny":["A.org"]}""", "a.ORG:8448", false)]
    [InlineData("""{"allow":["*"],"deny":["*.evil.org"]}""", "x.evil.org", false)]
    [InlineData("""{"allow":["*"],"deny":["*.evil.org"]}""", "evil.org", true)]
    [InlineData("""{"allow":["a.org"]}""", "b.org", false)]
    [InlineData("""{}""", "a.org", false)]
    [InlineData("""{"allow":"*","deny":[]}""", "a.org", false)]
    [InlineData("""{"allow":[1,"a.org"]}""", "a.org", true)]
    [InlineData("""{"allow":["*"],"allow_ip_literals":false}""", "1.2.3.4:1", false)]
    [InlineData("""{"allow":["*"],"allow_ip_literals":false}""", "[::1]:8448", false)]
    [InlineData("""{"allow":["*"],"allow_ip_literals":"false"}""", "[::1]", true)]
    [InlineData("""{"allow":["[::1]"]}""", "[::1]:8448", true)]
    public void A_server_takes_part_as_the_list_says(string content, string server, bool allowed) =>
        Assert.Equal(allowed, new ServerAcl(JsonElement.Parse(content)).Allows(server));
}
