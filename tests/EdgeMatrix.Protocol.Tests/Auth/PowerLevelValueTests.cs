using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using Xunit;
using static EdgeMatrix.Protocol.Tests.TestRoom;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Auth;

public sealed class PowerLevelValueTests
{
    [Theory]
    [InlineData("50", 50L, 50L)]
    [InlineData("-1", -1L, -1L)]
    [InlineData("\"100\"", 100L, null)]
    [InlineData("\"000100\"", 100L, null)]
    [InlineData("\"+100\"", 100L, null)]
    [InlineData("\"-100\"", -100L, null)]
    [InlineData("\" 100 \"", 100L, null)]
    [InlineData("\" 00100 \"", 100L, null)]
    [InlineData("\" +100 \"", 100L, null)]
    [InlineData("\" -100 \"", -100L, null)]
    [InlineData("\"\\t\\n100\\u00a0\"", 100L, null)]
    [InlineData("\"-0\"", 0L, null)]
    [InlineData("\"\"", null, null)]
    [InlineData("\" \"", null, null)]
    [InlineData("\"+\"", null, null)]
    [InlineData("\"--1\"", null, null)]
    [InlineData("\"+ 1\"", null, null)]
    [InlineData("\"1 0\"", null, null)]
    [InlineData("\"1_000\"", null, null)]
    [InlineData("\"1.0\"", null, null)]
    [InlineData("\"1e2\"", null, null)]
    [InlineData("\"0x10\"", null, null)]
    [InlineData("\"\\u0661\"", null, null)]
    [InlineData("50.57", 50L, null)]
    [InlineData("-50.57", -50L, null)]
    [InlineData("5.114698E4", 51146L, null)]
    [InlineData("1e2", 100L, null)]
    [InlineData("1.0", 1L, null)]
    [InlineData("-0.9", 0L, null)]
    [InlineData("1e400", null, null)]
    [InlineData("1e300", long.MaxValue - 1, null)]
    [InlineData("-1e300", -(long.MaxValue - 1), null)]
    [InlineData("9223372036854775808", long.MaxValue - 1, null)]
    [InlineData("\"99999999999999999999\"", long.MaxValue - 1, null)]
    [InlineData("\"-99999999999999999999\"", -(long.MaxValue - 1), null)]
    [InlineData("true", null, null)]
    [InlineData("null", null, null)]
    [InlineData("[]", null, null)]
    public void What_a_level_is_before_version_10_and_since(string json, long? before, long? since)
    {
        Assert.Equal(before, PowerLevelValue.Read(JsonElement.Parse(json), Versions.V1));
        Assert.Equal(before, PowerLevelValue.Read(JsonElement.Parse(json), Versions.V9));
        Assert.Equal(since, PowerLevelValue.Read(JsonElement.Parse(json), Versions.V10));
    }

    [Fact]
    public void The_examples_of_the_specification_mean_what_it_says()
    {
        var room = new TestRoom(Versions.V5).PowerLevels("""
            {"ban":"50","events":{"m.room.power_levels":"100"},"state_default":"50","users":{"@alice:test":100,"@bob:test":50,"@carol:test":50.57}}
            """);
        var levels = PowerLevels.From(room.Version, room.State(EventTypes.PowerLevels, ""), room.Create);

        Assert.Equal((100, 50, 50), (levels.ForUser(Alice), levels.ForUser(Bob), levels.ForUser(Carol)));
        Assert.Equal((50, 100, 50), (levels.Ban, levels.RequiredFor(EventTypes.PowerLevels, isState: true), levels.StateDefault));
    }

    [Fact]
    public void A_number_with_a_fraction_is_no_level_where_json_is_strict() => EachVersion(static room =>
    {
        var built = room.TryEvent(EventTypes.PowerLevels, "", Alice, """{"users":{"@bob:test":50.5}}""");

        Assert.Equal(room.IsSince(6), built.Refusal is not null);
    });

    [Theory]
    [InlineData("\"ban\":\"high\"", "ban")]
    [InlineData("\"users_default\":[]", "leave")]
    [InlineData("\"events\":{\"m.room.message\":\"none\"}", "message")]
    [InlineData("\"events_default\":{}", "message")]
    public void What_is_no_level_nobody_reaches_before_version_10(string levels, string wanted)
    {
        foreach (var version in Versions.All.Take(9))
        {
            var room = new TestRoom(version).Member(Bob, "join").PowerLevels($$$"""{"users":{"@alice:test":100},{{{levels}}}}""");
            var candidate = wanted == "message"
                ? room.Event("m.room.message", null, Alice, "{}")
                : room.Event(EventTypes.Member, Bob, Alice, $$"""{"membership":"{{wanted}}"}""");

            room.Expect("level", candidate);
        }
    }

    [Fact]
    public void Null_is_as_if_it_were_absent_before_version_10()
    {
        var room = new TestRoom(Versions.V9).PowerLevels("""{"users":{"@bob:test":null},"users_default":5,"ban":null,"events":{"x":null}}""");
        var levels = PowerLevels.From(room.Version, room.State(EventTypes.PowerLevels, ""), room.Create);

        Assert.Equal((5, 50, 0), (levels.ForUser(Bob), levels.Ban, levels.RequiredFor("x", isState: false)));
    }

    [Theory]
    [InlineData("\"ban\":\"high\"", "\"ban\":50", "ban is not a level")]
    [InlineData("\"ban\":50", "\"ban\":\"high\"", "ban is not a level")]
    [InlineData("\"ban\":50", "\"ban\":null", "ban is not a level")]
    [InlineData("\"events\":{\"x\":\"high\"}", "\"ban\":1", "events holds something")]
    [InlineData("\"ban\":50", "\"ban\":50,\"events\":[]", "events holds something")]
    [InlineData("\"ban\":\" 50 \"", "\"ban\":50", null)]
    [InlineData("\"ban\":\"50\"", "\"ban\":\"+51\"", "new value of ban")]
    [InlineData("\"kick\":\"51\"", "\"kick\":51.9", null)]
    public void What_is_no_level_cannot_be_compared_before_version_10(string before, string after, string? refusal)
    {
        foreach (var version in Versions.All.Take(5))
        {
            var room = new TestRoom(version).PowerLevels($$$"""{"users":{"@alice:test":50},{{{before}}}}""");

            room.Expect(refusal, room.Event(EventTypes.PowerLevels, "", Alice, $$$"""{"users":{"@alice:test":50},{{{after}}}}"""));
        }
    }
}
