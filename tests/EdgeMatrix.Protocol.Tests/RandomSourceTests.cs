using Xunit;

namespace EdgeMatrix.Protocol.Tests;

public sealed class RandomSourceTests
{
    [Fact]
    public void A_seed_gives_the_same_bytes_again()
    {
        Assert.Equal(new SeededRandom(7).Base62(40), new SeededRandom(7).Base62(40));
        Assert.NotEqual(new SeededRandom(7).Base62(40), new SeededRandom(8).Base62(40));
    }

    [Fact]
    public void Base62_has_the_length_asked_for_and_uses_every_character()
    {
        var text = new SeededRandom(1).Base62(10_000);

        Assert.Equal(10_000, text.Length);
        Assert.Equal(62, text.Distinct().Count());
    }

    [Fact]
    public void Libsodium_fills_what_it_is_given()
    {
        var bytes = new byte[64];
        new SodiumRandom().Fill(bytes);

        Assert.Contains(bytes, static value => value != 0);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("f", "Zg")]
    [InlineData("fo", "Zm8")]
    [InlineData("foo", "Zm9v")]
    [InlineData("foob", "Zm9vYg")]
    [InlineData("fooba", "Zm9vYmE")]
    [InlineData("foobar", "Zm9vYmFy")]
    public void Base64_of_the_specification_goes_both_ways(string text, string encoded)
    {
        var bytes = System.Text.Encoding.ASCII.GetBytes(text);

        Assert.Equal(encoded, UnpaddedBase64.Encode(bytes));
        Assert.True(UnpaddedBase64.TryDecode(encoded, out var decoded));
        Assert.Equal(bytes, decoded);
    }

    [Fact]
    public void Base64_is_read_padded_and_in_either_alphabet()
    {
        Assert.True(UnpaddedBase64.TryDecode("Zg==", out var padded));
        Assert.True(UnpaddedBase64.TryDecode("-_-_", out var urlSafe));
        Assert.Equal("f"u8.ToArray(), padded);
        Assert.Equal("+/+/", UnpaddedBase64.Encode(urlSafe));
        Assert.False(UnpaddedBase64.TryDecode("!", out _));
        Assert.False(UnpaddedBase64.TryDecode(null, out _));
    }
}
