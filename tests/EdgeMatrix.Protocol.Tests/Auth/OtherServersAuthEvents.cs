using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using Xunit;
using static EdgeMatrix.Protocol.Tests.TestRoom;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Auth;

/// <summary>
/// Which auth events other servers select, which they refuse, and whom they give what level. Values only, from the tests of
/// gomatrixserverlib at ffcbbd38fba6 (eventauth_test.go), Synapse at a58ad44eb0ce (tests/test_event_auth.py) and ruma at 0908aaa98470
/// (ruma-state-res/src/event_auth/tests.rs).
/// </summary>
public sealed class OtherServersAuthEvents
{
    private const string Create = "m.room.create|";
    private const string OfAll = "m.room.create| m.room.power_levels| m.room.member|@u1:a";

    // gomatrixserverlib selects nothing but the create event for m.room.aliases, whose rules in versions 1 to 5 need no more. The
    // algorithm of the specification makes no such exception, and Synapse makes none.
    [Theory]
    [InlineData("m.room.create", "", "{}", "")]
    [InlineData("m.room.message", null, "{}", OfAll)]
    [InlineData("m.room.aliases", null, "{}", OfAll)]
    [InlineData("m.room.member", "@u1:a", """{"membership":"join"}""", $"{OfAll} m.room.join_rules|")]
    [InlineData("m.room.member", "@u2:b", """{"membership":"invite"}""", $"{OfAll} m.room.member|@u2:b m.room.join_rules|")]
    [InlineData("m.room.member", "@u2:b", """{"membership":"invite","third_party_invite":{"signed":{"token":"my_token"}}}""", $"{OfAll} m.room.member|@u2:b m.room.join_rules| m.room.third_party_invite|my_token")]
    public void The_auth_events_of_gomatrixserverlib_are_selected(string type, string? stateKey, string content, string expected)
    {
        foreach (var version in Versions.All)
        {
            var selected = AuthEventSelection.Needed(version, type, "@u1:a", stateKey, JsonElement.Parse(content));

            Assert.Equal(
                version.CreateEventIsRoomId ? expected.Replace($"{Create} ", "", StringComparison.Ordinal) : expected,
                string.Join(' ', selected.Select(static pair => $"{pair.Type}|{pair.StateKey}")));
        }
    }

    // Synapse: good, two joins of one user, one join twice, join rules beside a state event. ruma: no create event.
    [Theory]
    [InlineData("create join levels", null)]
    [InlineData("create join again levels", "the same type and state key")]
    [InlineData("create again again levels", "the same type and state key")]
    [InlineData("create join levels rules", "none that the event needs")]
    [InlineData("join levels", "no create event among")]
    public void Auth_events_are_refused_as_elsewhere(string cited, string? refusal)
    {
        foreach (var version in Versions.All.Where(static version => !version.CreateEventIsRoomId))
        {
            var room = new TestRoom(version);
            var events = new Dictionary<string, Pdu>
            {
                ["create"] = room.Create,
                ["join"] = room.State(EventTypes.Member, Alice)!,
                ["again"] = room.Set(EventTypes.Member, Alice, Alice, """{"membership":"join"}"""),
                ["levels"] = room.Set(EventTypes.PowerLevels, "", Alice, """{"state_default":30,"users":{"@alice:test":100}}"""),
                ["rules"] = room.Set(EventTypes.JoinRules, "", Alice, """{"join_rule":"public"}"""),
            };
            var candidate = room.Event("test.state", "", Alice, """{"membership":"join"}""");

            var verdict = EventAuth.CheckAuthEvents(candidate, [.. cited.Split(' ').Select(name => events[name])]);

            if (refusal is null)
            {
                Assert.Null(verdict.Refusal);
            }
            else
            {
                Assert.Contains(refusal, verdict.Refusal, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("@alice:example.com", long.MaxValue)]
    [InlineData("@bob:example.com", long.MaxValue)]
    [InlineData("@charlie:example.com", 50)]
    [InlineData("@doris:example.com", 0)]
    public void In_version_12_users_have_the_levels_of_gomatrixserverlib(string userId, long expected)
    {
        var room = new TestRoom(Versions.V12, """{"room_version":"12","additional_creators":["@bob:example.com"]}""", "@alice:example.com");
        var levels = room.Event(EventTypes.PowerLevels, "", "@alice:example.com", """{"users":{"@charlie:example.com":50}}""");

        Assert.Equal(expected, PowerLevels.From(room.Version, levels, room.Create).ForUser(userId));
    }
}
