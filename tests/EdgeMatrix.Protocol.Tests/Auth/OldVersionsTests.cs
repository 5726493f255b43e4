using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using Xunit;
using static EdgeMatrix.Protocol.Tests.TestRoom;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Auth;

/// <summary>Rules that newer room versions no longer have, each with the version that dropped it.</summary>
public sealed class OldVersionsTests
{
    [Theory]
    [InlineData("test", "@bob:test", null, "not joined")]
    [InlineData("elsewhere", "@eve:elsewhere", null, "not joined")]
    [InlineData("test", "@eve:elsewhere", "not the server", "not joined")]
    [InlineData("", "@bob:test", "not the server", "not joined")]
    [InlineData(null, "@bob:test", "no state_key", "not joined")]
    [InlineData("elsewhere", "@alice:test", "not the server", null)]
    [InlineData("@bob:test", "@alice:test", "not the server", "someone other than the sender")]
    public void Aliases_are_of_servers_up_to_version_5(string? stateKey, string sender, string? refusal, string? since6) =>
        EachVersion(room => room.ExpectSince(6, since6, refusal, room.Event("m.room.aliases", stateKey, sender, "{}")));

    [Theory]
    [InlineData(50, "$x:elsewhere", null)]
    [InlineData(49, "$x:elsewhere", "below the redact level")]
    [InlineData(49, "$x:test", null)]
    [InlineData(49, "$x:test:8448", "below the redact level")]
    [InlineData(49, "$GbmCrCoS6hg7-rHjhc-kTlcVaHN8T34OUcQTlThoGh0", "below the redact level")]
    [InlineData(49, null, "below the redact level")]
    public void Whether_a_redaction_may_redact_is_asked_by_the_rules_up_to_version_2(int level, string? target, string? refusal) =>
        EachVersion(room =>
        {
            room.Member(Bob, "join").PowerLevels($$$"""{"redact":50,"users":{"@bob:test":{{{level}}}}}""");
            room.ExpectSince(3, null, refusal, room.Event(EventTypes.Redaction, null, Bob, "{}", redacts: target));
        });

    [Theory]
    [InlineData(50, "@eve:elsewhere", true, true)]
    [InlineData(49, "@eve:elsewhere", false, true)]
    [InlineData(49, "@carol:test", true, true)]
    public void Since_version_3_it_is_asked_when_it_is_applied(int level, string author, bool applies, bool upToVersion2) =>
        EachVersion(room =>
        {
            room.Member(Bob, "join").PowerLevels($$$"""{"redact":50,"users":{"@bob:test":{{{level}}}}}""");
            var target = room.Event("m.room.message", null, author, "{}");
            var redaction = room.Event(EventTypes.Redaction, null, Bob, "{}", redacts: target.EventId);
            var levels = PowerLevels.From(room.Version, room.State(EventTypes.PowerLevels, ""), room.Create);

            Assert.Equal(room.IsSince(3) ? applies : upToVersion2, RedactionAuth.Applies(redaction, target, levels));
        });

    [Fact]
    public void The_server_that_chose_an_event_id_signs_up_to_version_2() => EachVersion(static room =>
    {
        var message = room.Event("m.room.message", null, "@eve:elsewhere", "{}");

        Assert.Equal(room.IsSince(3) ? ["elsewhere"] : ["elsewhere", "test"], EventAuth.RequiredSigners(message));
    });

    [Fact]
    public void Who_let_somebody_in_signs_since_version_8() => EachVersion(static room =>
    {
        var content = """{"membership":"join","join_authorised_via_users_server":"@dora:resident:8448"}""";
        var join = room.Event(EventTypes.Member, Alice, Alice, content);

        Assert.Equal(room.IsSince(8) ? ["test", "resident:8448"] : ["test"], EventAuth.RequiredSigners(join));
    });

    [Fact]
    public void Each_version_states_what_is_its_own()
    {
        var table = Versions.All.Select(static v => string.Join(' ', v.Id, v.EventIdFormat, v.CanonicalForm, v.MaxDepth, v.Stable));

        Assert.Equal(
            [
                "1 Chosen Lenient 9223372036854775807 True",
                "2 Chosen Lenient 9223372036854775807 True",
                "3 Hash Lenient 9223372036854775807 True",
                "4 UrlSafeHash Lenient 9223372036854775807 True",
                "5 UrlSafeHash Lenient 9223372036854775807 True",
                .. Enumerable.Range(6, 7).Select(static n => $"{n} UrlSafeHash Strict 9007199254740991 True"),
            ],
            table);
        Assert.Equal(["5", "6", "7", "8", "9", "10", "11", "12"], Versions.All.Where(static v => v.EnforcesKeyValidity).Select(static v => v.Id));
    }
}
