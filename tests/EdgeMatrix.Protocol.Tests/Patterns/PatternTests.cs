using System.Diagnostics;
using EdgeMatrix.Protocol.Patterns;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.Patterns;

public class PatternTests
{
    [Theory]
    [InlineData("@_irc_.*", "@_irc_bob:test", true)]
    [InlineData("@_irc_.*", "@bob:test", false)]
    [InlineData("@_irc_", "@_irc_bob:test", true)]
    [InlineData("_irc_", "@_irc_bob:test", false)]
    [InlineData(@"^@whatsapp_[0-9]+:example\.org$", "@whatsapp_4917:example.org", true)]
    [InlineData(@"^@whatsapp_[0-9]+:example\.org$", "@whatsapp_4917:exampleXorg", false)]
    [InlineData(@"^@whatsapp_[0-9]+:example\.org$", "@whatsapp_4917:example.org.evil", false)]
    [InlineData("@(telegram|signal)_.+:t", "@signal_a:t", true)]
    [InlineData("@(?:telegram|signal)_.+:t", "@discord_a:t", false)]
    [InlineData("@telegram|@signal", "@signal_a:t", true)]
    [InlineData("@a{2,3}b", "@aab", true)]
    [InlineData("@a{2,3}b", "@ab", false)]
    [InlineData("@a{2,3}b", "@aaaab", false)]
    [InlineData("@a{2}:", "@aa:t", true)]
    [InlineData("@a{,2}:", "@:t", true)]
    [InlineData("@a{2,}:", "@aaaaa:t", true)]
    [InlineData("@{a}", "@{a}", true)]
    [InlineData("@a*?b", "@aaab", true)]
    [InlineData("@[^:]+:t", "@a.b-c:t", true)]
    [InlineData("@[]a]+:", "@]a:t", true)]
    [InlineData("@[a-]+:", "@-a:t", true)]
    [InlineData(@"@[\w.]+:", "@a_1.:t", true)]
    [InlineData("@[[:digit:]x]+:", "@1x:t", true)]
    [InlineData(@"@\d\D\w\W\s\S", "@1a_- x", true)]
    [InlineData("(?i)@BOT_[A-Z]+", "@bot_x", true)]
    [InlineData("(?i)@bot_[^A-Z]+$", "@BOT_X", false)]
    [InlineData("@bot", "@BOT", false)]
    [InlineData("", "anything", true)]
    [InlineData("(a|b*)*c", "abbac", true)]
    [InlineData("(a*)*$", "aaaab", false)]
    [InlineData(@"\A!.*\Z", "!room:t", true)]
    [InlineData("@.*", "@a\nb", true)]
    [InlineData("@.*b", "@a\nb", false)]
    [InlineData("#caf\u00e9_.*", "#caf\u00e9_1:t", true)]
    public void A_pattern_matches_at_the_beginning_of_a_text(string pattern, string text, bool matches) =>
        Assert.Equal(matches, Pattern.TryParse(pattern, out _)!.IsMatch(text));

    [Theory]
    [InlineData("@_irc_.*", "@_irc_")]
    [InlineData(@"^@a\.b:[xy]", "@a.b:")]
    [InlineData("@a|@b", "")]
    [InlineData("@ab?", "@a")]
    [InlineData("(?i)@a", "")]
    public void It_knows_what_every_match_begins_with(string pattern, string prefix) =>
        Assert.Equal(prefix, Pattern.TryParse(pattern, out _)!.Prefix);

    [Theory]
    [InlineData("@(?!bot)", "(?! at 2 is not read here: of groups there are ( ) and (?: ), and (?i) at the very beginning")]
    [InlineData("@(a", "the ( at 2 is not closed")]
    [InlineData("@a)", "the ) at 3 closes nothing")]
    [InlineData("@[a", "the [ at 2 is not closed")]
    [InlineData("*", "* at 1 repeats nothing")]
    [InlineData("a**", "* at 3 repeats a repetition")]
    [InlineData("^*", "what is repeated at 1 is no character")]
    [InlineData("[z-a]", "the range z-a is the wrong way round")]
    [InlineData("a{3,2}", "{3,2} ends before it begins")]
    [InlineData("a{1000}", "the count at 2 is none of 0 to 255")]
    [InlineData("(a{255}){255}", "written out, its repetitions have more than 2000 steps")]
    [InlineData(@"a\", "it ends with a backslash")]
    [InlineData(@"(a)\1", @"\1 at 4 is not read here: of letters there are \d \w \s \D \W \S \t \n \r \A \Z")]
    [InlineData("[[:nope:]]", "[: at 2 begins none of the classes alnum, alpha, digit, lower, upper, space, xdigit, punct")]
    public void What_cannot_be_read_is_refused_with_its_place(string pattern, string problem)
    {
        Assert.Null(Pattern.TryParse(pattern, out var told));
        Assert.Equal(problem, told);
    }

    [Theory]
    [InlineData("(a+)+$")]
    [InlineData("(a|aa)+$")]
    [InlineData("(a*)*b")]
    public void No_pattern_takes_longer_than_its_length_times_that_of_the_text(string pattern)
    {
        var parsed = Pattern.TryParse(pattern, out _)!;
        var watch = Stopwatch.StartNew();
        Assert.False(parsed.IsMatch(new string('a', 50_000) + "!"));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void Nothing_repeated_in_itself_is_read_in_no_time()
    {
        var text = string.Concat(Enumerable.Repeat("(", 45)) + string.Concat(Enumerable.Repeat("){255}", 45));
        Assert.True(Pattern.TryParse(text, out _)!.IsMatch("x"));
        Assert.Null(Pattern.TryParse(new string('(', 60) + new string(')', 60), out var problem));
        Assert.Equal("groups are nested more than 50 deep", problem);
    }
}
