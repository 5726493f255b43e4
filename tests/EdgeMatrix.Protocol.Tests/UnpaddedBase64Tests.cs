using System.Text;
using Xunit;

namespace EdgeMatrix.Protocol.Tests;

public sealed class UnpaddedBase64Tests
{
    // "Examples of strings encoded using unpadded Base64": https://spec.matrix.org/v1.19/appendices/#unpadded-base64
    [Theory]
    [InlineData("", "")]
    [InlineData("f", "Zg")]
    [InlineData("fo", "Zm8")]
    [InlineData("foo", "Zm9v")]
    [InlineData("foob", "Zm9vYg")]
    [InlineData("fooba", "Zm9vYmE")]
    [InlineData("foobar", "Zm9vYmFy")]
    public void The_examples_of_the_specification_go_both_ways(string plain, string encoded)
    {
        Assert.Equal(encoded, UnpaddedBase64.Encode(Encoding.ASCII.GetBytes(plain)));
        Assert.True(UnpaddedBase64.TryDecode(encoded, out var bytes));
        Assert.Equal(plain, Encoding.ASCII.GetString(bytes));
    }

    [Theory]
    [InlineData("-_-_", "+/+/")]
    [InlineData("Zg==", "Zg")]
    [InlineData("Zh", "Zg")]
    public void Another_alphabet_padding_and_stray_bits_are_read_too(string text, string same)
    {
        Assert.True(UnpaddedBase64.TryDecode(text, out var bytes));
        Assert.True(UnpaddedBase64.TryDecode(same, out var expected));
        Assert.Equal(expected, bytes);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Z")]
    [InlineData("Zm9vY")]
    [InlineData("Zm 9v")]
    [InlineData("Zm9v\n")]
    [InlineData("Zm=v")]
    [InlineData("Zmé")]
    [InlineData("!")]
    public void What_is_no_Base64_is_refused(string? text) => Assert.False(UnpaddedBase64.TryDecode(text, out _));
}
