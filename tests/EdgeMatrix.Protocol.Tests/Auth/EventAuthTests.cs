using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using Xunit;
using static EdgeMatrix.Protocol.Tests.TestRoom;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Auth;

public sealed class EventAuthTests
{
    [Theory]
    [InlineData("1", """{"creator":"@alice:test"}""", null)]
    [InlineData("1", "{}", "names no creator")]
    [InlineData("10", """{"creator":"@alice:test"}""", null)]
    [InlineData("10", "{}", "names no creator")]
    [InlineData("11", "{}", null)]
    [InlineData("12", "{}", null)]
    [InlineData("11", """{"room_version":"11"}""", null)]
    [InlineData("11", """{"room_version":"org.example.unknown"}""", "room version")]
    [InlineData("12", """{"room_version":12}""", "room version")]
    [InlineData("11", """{"additional_creators":1}""", null)]
    [InlineData("12", """{"additional_creators":["@bob:test"]}""", null)]
    [InlineData("12", """{"additional_creators":[]}""", null)]
    [InlineData("12", """{"additional_creators":"@bob:test"}""", "additional_creators")]
    [InlineData("12", """{"additional_creators":["bob"]}""", "additional_creators")]
    [InlineData("12", """{"additional_creators":[1]}""", "additional_creators")]
    public void Which_create_event_is_allowed(string versionId, string content, string? refusal)
    {
        var room = new TestRoom(Versions.Find(versionId)!, content);

        room.Expect(refusal, room.Create);
    }

    [Theory]
    [MemberData(nameof(VersionIds), MemberType = typeof(TestRoom))]
    public void A_create_event_comes_first(string versionId)
    {
        var room = new TestRoom(Versions.Find(versionId)!);

        room.Expect("prev_events", room.Event(EventTypes.Create, "", Alice, """{"creator":"@alice:test"}"""));
    }

    [Theory]
    [MemberData(nameof(VersionIds), MemberType = typeof(TestRoom))]
    public void The_room_id_is_of_the_creators_server_before_version_12(string versionId)
    {
        var room = new TestRoom(Versions.Find(versionId)!, """{"creator":"@eve:elsewhere"}""", "@eve:elsewhere");

        room.ExpectSince(12, null, "another server", room.Create);
    }

    [Fact]
    public void A_create_event_of_version_12_has_no_room_id()
    {
        var json = JsonNode.Parse(new TestRoom(Versions.V12).Create.Json.Span)!.AsObject();
        json["room_id"] = "!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ";
        var create = Pdu.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), Versions.V12).Event!;

        Assert.Equal("!" + create.EventId[1..], create.RoomId);
        Assert.Contains("room_id", EventAuth.CheckAgainstState(create, static (_, _) => null).Refusal, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(VersionIds), MemberType = typeof(TestRoom))]
    public void Without_its_own_create_event_nothing_is_allowed(string versionId)
    {
        var version = Versions.Find(versionId)!;
        var room = new TestRoom(version);
        var other = new TestRoom(version, """{"creator":"@alice:test","other":true}""");
        var message = room.Event("m.room.message", null, Alice, "{}");

        Assert.Contains("no create event", EventAuth.CheckAgainstState(message, static (_, _) => null).Refusal, StringComparison.Ordinal);
        if (version.CreateEventIsRoomId)
        {
            other.Expect("another room", message);
        }
    }

    [Theory]
    [InlineData("false", "@eve:elsewhere", "not federated")]
    [InlineData("false", "@bob:test", null)]
    [InlineData("true", "@eve:elsewhere", null)]
    [InlineData("\"false\"", "@eve:elsewhere", null)]
    public void A_room_that_is_not_federated_is_its_servers_own(string federate, string sender, string? refusal)
    {
        foreach (var version in Versions.All)
        {
            var room = new TestRoom(version, $$"""{"creator":"@alice:test","m.federate":{{federate}}}""").Member(sender, "join");
            room.Expect(refusal, room.Event("m.room.message", null, sender, "{}"));
        }
    }

    [Theory]
    [InlineData("m.room.message", null, "join", 0, null)]
    [InlineData("m.room.message", null, "invite", 100, "not joined")]
    [InlineData("m.room.message", null, null, 100, "not joined")]
    [InlineData("m.room.message", null, "ban", 100, "not joined")]
    [InlineData("m.room.topic", "", "join", 50, null)]
    [InlineData("m.room.topic", "", "join", 49, "required for m.room.topic")]
    [InlineData("listed", null, "join", 70, null)]
    [InlineData("listed", null, "join", 69, "required for listed")]
    [InlineData("org.example", "@bob:test", "join", 50, null)]
    [InlineData("org.example", "@carol:test", "join", 100, "someone other than the sender")]
    [InlineData("org.example", "carol", "join", 50, null)]
    [InlineData("m.room.aliases", "", "join", 49, "required for m.room.aliases", 6)]
    [InlineData("m.room.redaction", null, "join", 0, null, 3)]
    public void Who_may_send_what(string type, string? stateKey, string? membership, int level, string? refusal, int since = 1)
    {
        foreach (var version in Versions.All.Skip(since - 1))
        {
            var room = new TestRoom(version).Member(Bob, membership)
                .PowerLevels($$$"""{"redact":100,"events":{"listed":70},"users":{"@bob:test":{{{level}}}}}""");
            room.Expect(refusal, room.Event(type, stateKey, Bob, "{}"));
        }
    }

    [Theory]
    [MemberData(nameof(VersionIds), MemberType = typeof(TestRoom))]
    public void The_create_event_is_cited_before_version_12_and_not_since(string versionId)
    {
        var room = new TestRoom(Versions.Find(versionId)!).PowerLevels("{}");
        var cited = !room.IsSince(12);
        var message = room.Event("m.room.message", null, Alice, "{}");
        Pdu[] others = [room.State(EventTypes.PowerLevels, "")!, room.State(EventTypes.Member, Alice)!];

        var with = EventAuth.CheckAuthEvents(message, [room.Create, .. others]);
        var without = EventAuth.CheckAuthEvents(message, others);

        Assert.Equal(cited ? null : "an auth event is none that the event needs: m.room.create", with.Refusal);
        Assert.Equal(cited ? "there is no create event among the auth events" : null, without.Refusal);
    }

    [Theory]
    [MemberData(nameof(VersionIds), MemberType = typeof(TestRoom))]
    public void Auth_events_are_each_needed_once_and_of_the_same_room(string versionId)
    {
        var room = new TestRoom(Versions.Find(versionId)!).JoinRule("public");
        var message = room.Event("m.room.message", null, Alice, "{}");
        var member = room.State(EventTypes.Member, Alice)!;
        Pdu[] create = room.Version.CreateEventIsRoomId ? [] : [room.Create];
        string? Refusal(params Pdu[] authEvents) => EventAuth.CheckAuthEvents(message, [.. create, .. authEvents]).Refusal;

        Assert.Null(Refusal(member));
        Assert.Contains("same type and state key", Refusal(member, member), StringComparison.Ordinal);
        Assert.Contains("none that the event needs", Refusal(room.State(EventTypes.JoinRules, "")!), StringComparison.Ordinal);
        Assert.Contains("no state event", Refusal(message), StringComparison.Ordinal);
        Assert.Contains("another room", Refusal(ElsewhereMember(room)), StringComparison.Ordinal);
        Assert.True(EventAuth.CheckAuthEvents(room.Create, []).Allowed);
    }

    [Theory]
    [InlineData("m.room.create", "", "{}", "")]
    [InlineData("m.room.message", null, "{}", "PB")]
    [InlineData("m.room.topic", "", "{}", "PB")]
    [InlineData("m.room.member", "@bob:test", """{"membership":"join"}""", "PBJ")]
    [InlineData("m.room.member", "@carol:test", """{"membership":"invite"}""", "PBCJ")]
    [InlineData("m.room.member", "@bob:test", """{"membership":"knock"}""", "PBJ")]
    [InlineData("m.room.member", "@carol:test", """{"membership":"ban"}""", "PBC")]
    [InlineData("m.room.member", "@bob:test", """{"membership":"leave"}""", "PB")]
    [InlineData("m.room.member", "@carol:test", """{"membership":"invite","third_party_invite":{"signed":{"token":"t"}}}""", "PBCJT")]
    [InlineData("m.room.member", "@bob:test", """{"membership":"join","join_authorised_via_users_server":"@carol:test"}""", "PBJ|C")]
    [InlineData("m.room.member", "@bob:test", """{"membership":"invite","join_authorised_via_users_server":"@carol:test"}""", "PBJ")]
    [InlineData("m.room.member", "@bob:test", """{"membership":"leave","join_authorised_via_users_server":"@carol:test"}""", "PB")]
    public void Which_auth_events_are_selected(string type, string? stateKey, string content, string expected)
    {
        foreach (var version in Versions.All)
        {
            var letters = AuthEventSelection.Needed(version, type, Bob, stateKey, JsonElement.Parse(content)).Select(static pair => pair switch
            {
                (EventTypes.Create, "") => "0",
                (EventTypes.PowerLevels, "") => "P",
                (EventTypes.Member, Bob) => "B",
                (EventTypes.Member, Carol) => "C",
                (EventTypes.JoinRules, "") => "J",
                (EventTypes.ThirdPartyInvite, "t") => "T",
                _ => "?",
            });

            // After the bar: only where the room version supports restricted rooms.
            var selected = version.RestrictedJoins ? expected.Replace("|", "", StringComparison.Ordinal) : expected.Split('|')[0];
            Assert.Equal(version.CreateEventIsRoomId || expected.Length == 0 ? selected : $"0{selected}", string.Concat(letters));
        }
    }

    [Fact]
    public void The_servers_that_must_sign_are_the_senders_and_that_of_who_let_them_in()
    {
        var room = new TestRoom(Versions.V12);
        var content = """{"membership":"join","join_authorised_via_users_server":"@dora:resident:8448"}""";

        Assert.Equal(["test"], EventAuth.RequiredSigners(room.Event("m.room.message", null, Alice, "{}")));
        Assert.Equal(["elsewhere", "resident:8448"], EventAuth.RequiredSigners(room.Event(EventTypes.Member, "@eve:elsewhere", "@eve:elsewhere", content)));
    }

    private static Pdu ElsewhereMember(TestRoom room)
    {
        var json = JsonNode.Parse(room.State(EventTypes.Member, Alice)!.Json.Span)!.AsObject();
        json["room_id"] = room.Version.CreateEventIsRoomId ? "!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ" : "!elsewhere:test";
        return Pdu.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), room.Version).Event!;
    }
}
