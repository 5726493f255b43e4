using System.Text;
using EdgeMatrix.Protocol.Json;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.Json;

public sealed class CanonicalMembersTests
{
    private const string Sample =
        """{"a":[1,{"x":"]}"}],"b":"\\\"","c":{"d":1,"e":{}},"f":-5,"g":null,"h\"":{"d":"}","z":[[]]}}""";

    [Fact]
    public void Members_are_read_where_they_stand()
    {
        var read = new List<string>();
        var members = new CanonicalMembers(Encoding.UTF8.GetBytes(Sample));
        while (members.MoveNext())
        {
            read.Add($"{members.UnescapedName} {Encoding.UTF8.GetString(members.Value)}");
        }

        Assert.Equal(
            ["a [1,{\"x\":\"]}\"}]", "b \"\\\\\\\"\"", "c {\"d\":1,\"e\":{}}", "f -5", "g null", "h\" {\"d\":\"}\",\"z\":[[]]}"], read);
    }

    [Fact]
    public void What_a_filter_leaves_is_copied()
    {
        Assert.Equal("{}", Copy("{}", KeyFilter.Everything));
        Assert.Equal(Sample, Copy(Sample, KeyFilter.Everything));
        Assert.Equal("{}", Copy(Sample, KeyFilter.Nothing));
        Assert.Equal("""{"b":"\\\"","g":null}""", Copy(Sample, KeyFilter.Only("b", "g", "nowhere")));
        Assert.Equal("""{"f":-5,"g":null,"h\"":{"d":"}","z":[[]]}}""", Copy(Sample, KeyFilter.AllBut("a", "b", "c")));
        Assert.Equal("""{"b":"\\\"","c":{"d":1}}""", Copy(Sample, KeyFilter.Only("b").With("c", KeyFilter.Only("d"))));
        Assert.Equal("""{"b":"\\\""}""", Copy(Sample, KeyFilter.Only("b").With("f", KeyFilter.Nothing)));
    }

    [Fact]
    public void A_value_is_found_by_its_key()
    {
        Assert.Equal("-5", Encoding.UTF8.GetString(CanonicalMembers.Find(Encoding.UTF8.GetBytes(Sample), "f"u8)));
        Assert.True(CanonicalMembers.Find(Encoding.UTF8.GetBytes(Sample), "d"u8).IsEmpty);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{1}")]
    [InlineData("""{"a}""")]
    [InlineData("""{"a\}""")]
    [InlineData("""{"a"}""")]
    [InlineData("""{"a":}""")]
    [InlineData("""{"a":"}""")]
    [InlineData("""{"a":"\}""")]
    [InlineData("""{"a":[}""")]
    [InlineData("""{"a":["}""")]
    public void What_is_broken_throws(string input) => Assert.Throws<FormatException>(() => Copy(input, KeyFilter.Everything));

    private static string Copy(string canonicalObject, KeyFilter filter) =>
        Encoding.UTF8.GetString(CanonicalMembers.CopyOf(Encoding.UTF8.GetBytes(canonicalObject), filter));
}
