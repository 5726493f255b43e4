using EdgeMatrix.Configuration;
using Xunit;

namespace EdgeMatrix.Server.Tests.Configuration;

public class QuantitiesTests
{
    [Theory]
    [InlineData("0s", 0, "0s")]
    [InlineData("90s", 90, "90s")]
    [InlineData("120m", 7_200, "2h")]
    [InlineData("7d", 604_800, "7d")]
    public void Times_are_read_and_written_with_a_unit(string text, long seconds, string written)
    {
        Assert.Equal(TimeSpan.FromSeconds(seconds), Quantities.ParseTime(text));
        Assert.Equal(written, Quantities.Write(TimeSpan.FromSeconds(seconds)));
    }

    [Theory]
    [InlineData("500MB", 500L << 20, "500MB")]
    [InlineData("2048mb", 2L << 30, "2GB")]
    [InlineData("10 GB", 10L << 30, "10GB")]
    [InlineData("17B", 17, "17B")]
    public void Sizes_are_read_and_written_with_a_unit(string text, long bytes, string written)
    {
        Assert.Equal(bytes, Quantities.ParseSize(text));
        Assert.Equal(written, Quantities.Write(bytes));
    }

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("d")]
    [InlineData("-7d")]
    [InlineData("1.5GB")]
    [InlineData("99999999999999999999d")]
    public void What_has_no_unit_or_is_no_number_is_refused(string text)
    {
        Assert.Null(Quantities.ParseTime(text));
        Assert.Null(Quantities.ParseSize(text));
    }
}
