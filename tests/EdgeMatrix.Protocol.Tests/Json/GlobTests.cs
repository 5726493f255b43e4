using System.Text;
using System.Text.RegularExpressions;
using EdgeMatrix.Protocol.Json;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.Json;

public class GlobTests
{
    [Theory]
    [InlineData("lunc?*", "Lunch plans", true)]
    [InlineData("lunc?*", "LUNCH", true)]
    [InlineData("lunc?*", " lunch", false)]
    [InlineData("lunc?*", "lunc", false)]
    [InlineData("", "", true)]
    [InlineData("*", "", true)]
    [InlineData("**", "x", true)]
    [InlineData("?", "😀", true)]
    [InlineData("?", "", false)]
    [InlineData("straße", "STRASSE", false)]
    [InlineData("ÄRGER*", "ärgerlich", true)]
    public void A_whole_text_matches_or_not(string pattern, string text, bool matches) =>
        Assert.Equal(matches, new Glob(pattern).IsMatch(text));

    [Theory]
    [InlineData("ex*ple", "An example event.", true)]
    [InlineData("ex*ple", "exple", true)]
    [InlineData("ex*ple", "An exciting triple-whammy", true)]
    [InlineData("cake", "A cake.", true)]
    [InlineData("cake", "pancake", false)]
    [InlineData("cake", "pancake cake", true)]
    [InlineData("cake", "cake_", false)]
    [InlineData("cake", "éCAKEé", true)]
    [InlineData("@bob", "hi @bob:x", true)]
    [InlineData("c?ke", "pancake", false)]
    [InlineData("c?ke", "pan-coke!", true)]
    public void Words_of_a_text_match_or_not(string pattern, string text, bool matches) =>
        Assert.Equal(matches, new Glob(pattern).IsMatchOfWords(text));

    [Fact]
    public void It_decides_as_regular_expressions_do()
    {
        var random = new Random(17);
        for (var i = 0; i < 2_000; i++)
        {
            var pattern = Draw(random, "ab?*-A", i % 50 == 0 ? 130 : 8);
            var text = Draw(random, "abB-_ ", i % 50 == 0 ? 200 : 12);
            var regex = Regex.Escape(pattern).Replace("\\*", ".*").Replace("\\?", ".");
            var options = RegexOptions.IgnoreCase | RegexOptions.Singleline | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking;
            Assert.Equal(Regex.IsMatch(text, $"^{regex}\\z", options), new Glob(pattern).IsMatch(text));
            Assert.Equal(
                Regex.IsMatch(text, $"(^|[^A-Za-z0-9_])({regex})([^A-Za-z0-9_]|\\z)", options),
                new Glob(pattern).IsMatchOfWords(text));
        }
    }

    [Fact]
    public void A_hostile_pattern_takes_no_longer_than_its_length()
    {
        var glob = new Glob(string.Concat(Enumerable.Repeat("*a", 500)) + "b");
        Assert.False(glob.IsMatch(new string('a', 20_000)));
    }

    private static string Draw(Random random, string alphabet, int length)
    {
        var text = new StringBuilder();
        for (var i = random.Next(length); i > 0; i--)
        {
            text.Append(alphabet[random.Next(alphabet.Length)]);
        }

        return text.ToString();
    }
}
