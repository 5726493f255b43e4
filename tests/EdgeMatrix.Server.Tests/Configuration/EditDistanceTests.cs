using EdgeMatrix.Configuration;
using Xunit;

namespace EdgeMatrix.Server.Tests.Configuration;

public sealed class EditDistanceTests
{
    [Theory]
    [InlineData("", "abc", 3)]
    [InlineData("same", "same", 0)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("nmae", "name", 2)]
    public void The_distance_counts_changes_of_one_character(string from, string to, int changes)
    {
        Assert.Equal(changes, EditDistance.Between(from, to));
    }

    [Fact]
    public void Nothing_is_guessed_where_nothing_is_near()
    {
        Assert.Equal("serve", EditDistance.Nearest("sevre", ["serve", "config"]));
        Assert.Null(EditDistance.Nearest("zzzzzzzzzz", ["serve", "config"]));
    }
}
