using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using Xunit;
using static EdgeMatrix.Protocol.Tests.TestRoom;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Auth;

public sealed class PowerLevelsTests
{
    // Bob, at 50, replaces the power levels.
    private const string Before = """
        {"users":{"@bob:test":50,"@carol:test":50,"@dora:test":40,"@emil:test":60},"events":{"low":10,"high":90,"m.room.power_levels":50},
         "notifications":{"room":90,"other":10},"ban":90,"kick":20,"users_default":0}
        """;

    [Theory]
    [InlineData(Before, null)]
    [InlineData("{}", "current value of ban")]
    [InlineData("\"ban\":90>\"ban\":50", "current value of ban")]
    [InlineData("\"kick\":20>\"kick\":50", null)]
    [InlineData("\"kick\":20>\"kick\":51", "new value of kick")]
    [InlineData("\"kick\":20,>", null)]
    [InlineData("\"kick\":20>\"kick\":20,\"redact\":50", null)]
    [InlineData("\"kick\":20>\"kick\":20,\"redact\":51", "new value of redact")]
    [InlineData("\"kick\":20>\"kick\":20,\"invite\":51", "new value of invite")]
    [InlineData("\"kick\":20>\"kick\":20,\"state_default\":51", "new value of state_default")]
    [InlineData("\"kick\":20>\"kick\":20,\"events_default\":51", "new value of events_default")]
    [InlineData("\"users_default\":0>\"users_default\":51", "new value of users_default")]
    [InlineData("\"high\":90>\"high\":50", "current value of an entry of events")]
    [InlineData("\"high\":90,>", "current value of an entry of events")]
    [InlineData("\"low\":10>\"low\":50", null)]
    [InlineData("\"low\":10>\"low\":51", "new value of an entry of events")]
    [InlineData("\"low\":10>\"low\":10,\"new\":51", "new value of an entry of events")]
    [InlineData("\"low\":10,>", null)]
    [InlineData("\"@carol:test\":50>\"@carol:test\":49", "not below them")]
    [InlineData("\"@carol:test\":50,>", "not below them")]
    [InlineData("\"@emil:test\":60>\"@emil:test\":0", "not below them")]
    [InlineData("\"@dora:test\":40>\"@dora:test\":50", null)]
    [InlineData("\"@dora:test\":40>\"@dora:test\":51", "new value of an entry of users")]
    [InlineData("\"@dora:test\":40,>", null)]
    [InlineData("\"@dora:test\":40>\"@dora:test\":40,\"@new:test\":50", null)]
    [InlineData("\"@dora:test\":40>\"@dora:test\":40,\"@new:test\":51", "new value of an entry of users")]
    [InlineData("\"@bob:test\":50>\"@bob:test\":10", null)]
    [InlineData("\"@bob:test\":50,>", null)]
    [InlineData("\"@bob:test\":50>\"@bob:test\":51", "new value of an entry of users")]
    public void Nobody_gives_or_takes_more_than_they_have(string change, string? refusal) => EachVersion(room =>
        room.Expect(refusal, Change(room, change)));

    [Theory]
    [InlineData("\"room\":90>\"room\":1", "current value of an entry of notifications")]
    [InlineData("\"room\":90,>", "current value of an entry of notifications")]
    [InlineData("\"other\":10>\"other\":51", "new value of an entry of notifications")]
    [InlineData("\"other\":10>\"other\":10,\"new\":51", "new value of an entry of notifications")]
    [InlineData("\"other\":10>\"other\":50", null)]
    public void Notification_levels_are_guarded_since_version_6(string change, string? refusal) => EachVersion(room =>
        room.ExpectSince(6, refusal, null, Change(room, change)));

    [Theory]
    [InlineData("""{"ban":"50"}""", "ban is not an integer")]
    [InlineData("""{"users_default":null}""", "users_default is not an integer")]
    [InlineData("""{"events_default":[]}""", "events_default is not an integer")]
    [InlineData("""{"state_default":true}""", "state_default is not an integer")]
    [InlineData("""{"redact":{}}""", "redact is not an integer")]
    [InlineData("""{"kick":"0"}""", "kick is not an integer")]
    [InlineData("""{"invite":"0"}""", "invite is not an integer")]
    [InlineData("""{"events":[]}""", "events is not an object")]
    [InlineData("""{"events":{"a":"1"}}""", "events is not an object")]
    [InlineData("""{"notifications":1}""", "notifications is not an object")]
    [InlineData("""{"notifications":{"room":null}}""", "notifications is not an object")]
    [InlineData("""{"users":{"@bob:test":"1"}}""", "users is not an object")]
    public void The_first_power_levels_need_only_be_well_formed(string content, string? refusal) => EachVersion(room =>
        room.ExpectSince(10, refusal, null, room.Event(EventTypes.PowerLevels, "", Alice, content)));

    [Theory]
    [InlineData("""{"users":null}""", "users is not an object")]
    [InlineData("""{"users":[]}""", "users is not an object")]
    [InlineData("""{"users":{"bob":1}}""", "users is not an object")]
    [InlineData("""{"users":{"@bob:test":"one"}}""", "users is not an object")]
    [InlineData("""{"users":{"@bob:test":true}}""", "users is not an object")]
    [InlineData("""{"users":{"@bob:test":null}}""", "users is not an object")]
    [InlineData("{}", null)]
    [InlineData("""{"users":{"@bob:test":1000},"events":{"x":1000},"ban":1000}""", null)]
    public void Users_are_looked_at_in_every_version(string content, string? refusal) => EachVersion(room =>
        room.Expect(refusal, room.Event(EventTypes.PowerLevels, "", Alice, content)));

    // As in Synapse: PowerLevelsAuth says why. What asks for no levels to compare is asked all the same.
    [Theory]
    [InlineData("other", """{"ban":100,"users":{"@bob:test":100}}""", null)]
    [InlineData("other", """{"users":{"bob":1}}""", "users is not an object")]
    [InlineData("@bob:test", """{"ban":100,"users":{"@bob:test":100}}""", null)]
    [InlineData("@carol:test", "{}", "someone other than the sender")]
    [InlineData("", """{"ban":100,"users":{"@bob:test":100}}""", "the new value of ban")]
    public void Power_levels_of_another_state_key_replace_none(string stateKey, string content, string? refusal) => EachVersion(room =>
    {
        room.Member(Bob, "join").PowerLevels("""{"users":{"@bob:test":50}}""");
        room.Expect(refusal, room.Event(EventTypes.PowerLevels, stateKey, Bob, content));

        // Nor do they give any power.
        room.Set(EventTypes.PowerLevels, "other", Bob, """{"users":{"@bob:test":100}}""");
        room.Expect("below the new value", room.Event(EventTypes.PowerLevels, "", Bob, """{"ban":100,"users":{"@bob:test":50}}"""));
    });

    [Fact]
    public void Below_the_level_for_power_levels_there_are_none_of_any_state_key() => EachVersion(static room =>
    {
        room.Member(Bob, "join").PowerLevels("""{"users":{"@bob:test":49}}""");
        room.Expect("required for m.room.power_levels", room.Event(EventTypes.PowerLevels, "other", Bob, "{}"));
    });

    [Theory]
    [InlineData("10", Alice, null)]
    [InlineData("11", Alice, null)]
    [InlineData("12", Alice, "names a creator")]
    [InlineData("11", Carol, null)]
    [InlineData("12", Carol, "names a creator")]
    public void A_creator_of_version_12_has_no_entry(string versionId, string named, string? refusal)
    {
        var room = new TestRoom(Versions.Find(versionId)!, """{"creator":"@alice:test","additional_creators":["@carol:test"]}""");

        room.Expect(refusal, room.Event(EventTypes.PowerLevels, "", Alice, $$$"""{"users":{"{{{named}}}":5}}"""));
    }

    [Fact]
    public void Without_power_levels_the_defaults_hold() => EachVersion(static room =>
    {
        var levels = PowerLevels.From(room.Version, null, room.Create);

        Assert.Equal((50, 50, 50, 0), (levels.Ban, levels.Kick, levels.Redact, levels.Invite));
        Assert.Equal((50, 0, 0), (levels.StateDefault, levels.EventsDefault, levels.UsersDefault));
        Assert.Equal((50, 0, 50), (levels.RequiredFor("x", isState: true), levels.RequiredFor("x", isState: false), levels.Notification("room")));
        Assert.Equal(room.Version.PrivilegedCreators ? long.MaxValue : 100, levels.ForUser(Alice));
        Assert.Equal(0, levels.ForUser(Bob));
        Assert.True(levels.IsCreator(Alice));
        Assert.False(levels.IsCreator(Bob));
    });

    [Fact]
    public void What_the_power_levels_say_holds() => EachVersion(static room =>
    {
        room.PowerLevels("""{"users":{"@bob:test":7},"users_default":3,"events":{"x":9},"state_default":8,"events_default":4,"notifications":{"room":2},"invite":1}""");
        var levels = PowerLevels.From(room.Version, room.State(EventTypes.PowerLevels, ""), room.Create);

        Assert.Equal((7, 3), (levels.ForUser(Bob), levels.ForUser(Carol)));
        Assert.Equal((9, 8, 4), (levels.RequiredFor("x", isState: true), levels.RequiredFor("y", isState: true), levels.RequiredFor("y", isState: false)));
        Assert.Equal((2, 50, 1), (levels.Notification("room"), levels.Notification("y"), levels.Invite));

        // A creator is like any other, until version 12 sets them above all.
        Assert.Equal(room.Version.PrivilegedCreators ? long.MaxValue : 3, levels.ForUser(Alice));
    });

    [Fact]
    public void Additional_creators_count_since_version_12()
    {
        foreach (var version in Versions.All)
        {
            var room = new TestRoom(version, """{"creator":"@alice:test","additional_creators":["@carol:test"]}""");
            var levels = PowerLevels.From(version, null, room.Create);

            Assert.Equal(version.PrivilegedCreators, levels.IsCreator(Carol));
            Assert.Equal(version.PrivilegedCreators ? long.MaxValue : 0, levels.ForUser(Carol));
        }
    }

    private static Pdu Change(TestRoom room, string change)
    {
        var next = change.Split('>') is [var old, var changed] ? Before.Replace(old, changed, StringComparison.Ordinal) : change;
        room.Member(Bob, "join").PowerLevels(Before);
        return room.Event(EventTypes.PowerLevels, "", Bob, next);
    }
}
