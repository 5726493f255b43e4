using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Json;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.Json;

/// <summary>The short way, for bytes that are canonical already, agrees with the long one.</summary>
public sealed class CanonicalScannerTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("0")]
    [InlineData("[true,false,null,{}]")]
    [InlineData("""{"a":{"b":[1,{"c":"d"}]},"b":-12}""")]
    [InlineData("""["\b\t\n\f\r\"\\\u0000\u0007\u000b\u000e\u000f\u0010\u001f"]""")]
    [InlineData("[\"\u007f\u2028\u2029/<\u00e4\U0001F600\"]")]
    [InlineData("{\"\":1,\"A\":2,\"\uFFFD\":3,\"\U0001F600\":4}")]
    [InlineData("[9007199254740991,-9007199254740991]")]
    public void Canonical_bytes_are_told_and_come_out_as_they_are(string input)
    {
        Assert.True(IsCanonical(input));
        Assert.Equal(input, Encoding.UTF8.GetString(CanonicalJson.Write(JsonElement.Parse(input))));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" {}")]
    [InlineData("{} ")]
    [InlineData("[1 ]")]
    [InlineData("{\"a\": 1}")]
    [InlineData("""{"b":1,"a":1}""")]
    [InlineData("""{"a":1,"a":1}""")]
    [InlineData("{\"\U0001F600\":1,\"\uFFFD\":1}")]
    [InlineData("""["\/"]""")]
    [InlineData("""["\u0041"]""")]
    [InlineData("""["\u0008"]""")]
    [InlineData("""["\u000a"]""")]
    [InlineData("""["\u000B"]""")]
    [InlineData("""["\u001F"]""")]
    [InlineData("""["\u007f"]""")]
    [InlineData("""["\ud83d\ude00"]""")]
    [InlineData("""["\ud800"]""")]
    [InlineData("[\"\t\"]")]
    [InlineData("[\"\\")]
    [InlineData("[\"\\u00")]
    [InlineData("[\"a")]
    [InlineData("[-0]")]
    [InlineData("[01]")]
    [InlineData("[-]")]
    [InlineData("[1.0]")]
    [InlineData("[1e1]")]
    [InlineData("[9007199254740992]")]
    [InlineData("[-9007199254740992]")]
    [InlineData("[99999999999999999]")]
    [InlineData("[1,]")]
    [InlineData("[,1]")]
    [InlineData("{\"a\"}")]
    [InlineData("{1:1}")]
    [InlineData("[1}")]
    [InlineData("[[]")]
    [InlineData("nul")]
    [InlineData("1 1")]
    public void Everything_else_goes_the_long_way(string input) => Assert.False(IsCanonical(input));

    [Fact]
    public void Bytes_that_are_not_UTF_8_are_not_canonical() =>
        Assert.False(CanonicalScanner.IsCanonical([(byte)'"', 0xED, 0xA0, 0x80, (byte)'"'], CanonicalJson.DefaultMaxDepth));

    [Fact]
    public void Depth_is_bounded_as_on_the_long_way()
    {
        Assert.True(IsCanonical(new string('[', 64) + new string(']', 64)));
        Assert.False(IsCanonical(new string('[', 65) + new string(']', 65)));
        Assert.False(IsCanonical(new string('[', 1_000_000)));
    }

    private static bool IsCanonical(string input) =>
        CanonicalScanner.IsCanonical(Encoding.UTF8.GetBytes(input), CanonicalJson.DefaultMaxDepth);
}
