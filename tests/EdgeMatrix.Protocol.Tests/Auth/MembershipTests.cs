using EdgeMatrix.Protocol.Events;
using Xunit;
using static EdgeMatrix.Protocol.Tests.TestRoom;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Auth;

/// <summary>One row an outcome of a rule for <c>m.room.member</c>, run under every room version. Null: allowed.</summary>
public sealed class MembershipTests
{
    [Theory]
    [InlineData("public", null, null)]
    [InlineData("public", "leave", null)]
    [InlineData("public", "ban", "banned")]
    [InlineData("invite", "invite", null)]
    [InlineData("invite", "join", null)]
    [InlineData("invite", null, "not invited")]
    [InlineData("invite", "leave", "not invited")]
    [InlineData("invite", "knock", "not invited")]
    [InlineData(null, "invite", null)]
    [InlineData(null, null, "not invited")]
    [InlineData("private", "invite", "lets nobody in")]
    public void Who_may_join(string? joinRule, string? membership, string? refusal) => EachVersion(room =>
        room.JoinRule(joinRule).Member(Bob, membership).Expect(refusal, Membership(room, Bob, Bob, "join")));

    [Theory]
    [InlineData("knock", 7, "invite", null)]
    [InlineData("knock", 7, "join", null)]
    [InlineData("knock", 7, "knock", "not invited")]
    [InlineData("restricted", 8, "invite", null)]
    [InlineData("restricted", 8, "join", null)]
    [InlineData("restricted", 8, null, "nobody in the room authorised")]
    [InlineData("knock_restricted", 10, "invite", null)]
    [InlineData("knock_restricted", 10, "knock", "nobody in the room authorised")]
    public void A_join_rule_lets_nobody_in_before_its_version(string joinRule, int since, string? membership, string? refusal) =>
        EachVersion(room => room.JoinRule(joinRule).Member(Bob, membership)
            .ExpectSince(since, refusal, "lets nobody in", Membership(room, Bob, Bob, "join")));

    [Fact]
    public void Nobody_joins_for_another() => EachVersion(static room =>
        room.JoinRule("public").Expect("somebody else", Membership(room, Alice, Bob, "join")));

    [Theory]
    [InlineData("join", 50, null)]
    [InlineData("join", 49, "below the invite level")]
    [InlineData("invite", 50, "not joined")]
    [InlineData(null, 50, "not joined")]
    public void A_restricted_join_is_authorised_by_a_member_who_may_invite(string? membership, int level, string? refusal) =>
        EachVersion(room =>
        {
            room.JoinRule("restricted").Member(Carol, membership).PowerLevels($$$"""{"invite":50,"users":{"@carol:test":{{{level}}}}}""");
            var join = room.Event(
                EventTypes.Member, Bob, Bob, """{"membership":"join","join_authorised_via_users_server":"@carol:test"}""");
            room.ExpectSince(8, refusal, "lets nobody in", join);
        });

    [Theory]
    [InlineData("1")]
    [InlineData("\"carol\"")]
    public void A_join_authorised_by_nobody_is_refused_whatever_the_join_rule(string authoriser) => EachVersion(room =>
        room.JoinRule("public").ExpectSince(
            8,
            "join_authorised_via_users_server",
            null,
            room.Event(EventTypes.Member, Bob, Bob, $$"""{"membership":"join","join_authorised_via_users_server":{{authoriser}}}""")));

    [Fact]
    public void The_creator_joins_right_after_creating() => EachVersion(static room =>
    {
        var first = room.Event(EventTypes.Member, Alice, Alice, """{"membership":"join"}""", prevEvents: [room.Create.EventId]);
        var second = room.Event(EventTypes.Member, Bob, Bob, """{"membership":"join"}""", prevEvents: [room.Create.EventId]);

        room.Expect(null, first);
        room.Expect("not invited", second);
    });

    [Theory]
    [MemberData(nameof(VersionIds), MemberType = typeof(TestRoom))]
    public void The_creator_is_whom_the_content_names_and_since_version_11_the_sender(string versionId)
    {
        var room = new TestRoom(Versions.Find(versionId)!, """{"creator":"@bob:test"}""");
        Pdu Join(string user) => room.Event(EventTypes.Member, user, user, """{"membership":"join"}""", prevEvents: [room.Create.EventId]);

        room.ExpectSince(11, "not invited", null, Join(Bob));
        room.Member(Alice, "leave").ExpectSince(11, null, "not invited", Join(Alice));
    }

    [Theory]
    [InlineData("join", null, 0, null)]
    [InlineData("join", "leave", 0, null)]
    [InlineData("join", "invite", 0, null)]
    [InlineData("join", "knock", 0, null)]
    [InlineData("join", "join", 0, "joined or banned")]
    [InlineData("join", "ban", 0, "joined or banned")]
    [InlineData("leave", null, 0, "who invites is not joined")]
    [InlineData(null, null, 0, "who invites is not joined")]
    [InlineData("join", null, 1, "below the invite level")]
    public void Who_may_invite(string? senderMembership, string? targetMembership, int inviteLevel, string? refusal) => EachVersion(room =>
        room.Member(Bob, senderMembership).Member(Carol, targetMembership).PowerLevels($$"""{"invite":{{inviteLevel}}}""")
            .Expect(refusal, Membership(room, Bob, Carol, "invite")));

    [Theory]
    [InlineData("join", null)]
    [InlineData("invite", null)]
    [InlineData("leave", "neither joined nor invited")]
    [InlineData("ban", "neither joined nor invited")]
    [InlineData(null, "neither joined nor invited")]
    public void Who_may_leave(string? membership, string? refusal) => EachVersion(room =>
        room.Member(Bob, membership).Expect(refusal, Membership(room, Bob, Bob, "leave")));

    [Fact]
    public void A_knock_is_taken_back_since_version_7() => EachVersion(static room =>
        room.Member(Bob, "knock").ExpectSince(7, null, "neither joined nor invited", Membership(room, Bob, Bob, "leave")));

    [Theory]
    [InlineData("join", "join", 50, 49, null)]
    [InlineData("join", "invite", 50, 0, null)]
    [InlineData("join", "join", 50, 50, "kick level, or not above")]
    [InlineData("join", "join", 49, 0, "kick level, or not above")]
    [InlineData("leave", "join", 100, 0, "who kicks is not joined")]
    [InlineData("join", "ban", 60, 0, null)]
    [InlineData("join", "ban", 59, 0, "below the ban level")]
    public void Who_may_kick_and_unban(string senderMembership, string targetMembership, int senderLevel, int targetLevel, string? refusal) =>
        EachVersion(room =>
            Staffed(room, senderMembership, targetMembership, senderLevel, targetLevel).Expect(refusal, Membership(room, Bob, Carol, "leave")));

    [Theory]
    [InlineData("join", "join", 60, 59, null)]
    [InlineData("join", "leave", 60, 0, null)]
    [InlineData("join", "join", 60, 60, "ban level, or not above")]
    [InlineData("join", "join", 59, 0, "ban level, or not above")]
    [InlineData("invite", "join", 100, 0, "who bans is not joined")]
    public void Who_may_ban(string senderMembership, string targetMembership, int senderLevel, int targetLevel, string? refusal) =>
        EachVersion(room =>
            Staffed(room, senderMembership, targetMembership, senderLevel, targetLevel).Expect(refusal, Membership(room, Bob, Carol, "ban")));

    [Theory]
    [InlineData("knock", null, null)]
    [InlineData("knock", "leave", null)]
    [InlineData("knock", "knock", null)]
    [InlineData("knock", "ban", "already")]
    [InlineData("knock", "invite", "already")]
    [InlineData("knock", "join", "already")]
    [InlineData("public", null, "does not take knocks")]
    [InlineData("restricted", null, "does not take knocks")]
    [InlineData(null, null, "does not take knocks")]
    public void Who_may_knock(string? joinRule, string? membership, string? refusal) => EachVersion(room =>
        room.JoinRule(joinRule).Member(Bob, membership).ExpectSince(7, refusal, "unknown", Membership(room, Bob, Bob, "knock")));

    [Fact]
    public void Knocks_where_joins_are_restricted_are_taken_since_version_10() => EachVersion(static room =>
        room.JoinRule("knock_restricted").ExpectSince(
            10, null, room.IsSince(7) ? "does not take knocks" : "unknown", Membership(room, Bob, Bob, "knock")));

    [Fact]
    public void Nobody_knocks_for_another() => EachVersion(static room =>
        room.JoinRule("knock").ExpectSince(7, "somebody else", "unknown", Membership(room, Alice, Bob, "knock")));

    [Theory]
    [InlineData("@bob:test", "{}", "no membership")]
    [InlineData("@bob:test", """{"membership":1}""", "unknown")]
    [InlineData("@bob:test", """{"membership":"dance"}""", "unknown")]
    [InlineData(null, """{"membership":"join"}""", "no state_key")]
    public void A_membership_is_one_of_five_of_somebody(string? stateKey, string content, string refusal) => EachVersion(room =>
        room.Expect(refusal, room.Event(EventTypes.Member, stateKey, Bob, content)));

    [Fact]
    public void Nobody_kicks_a_creator_of_version_12()
    {
        var room = new TestRoom(Versions.V12, """{"additional_creators":["@carol:test"]}""").Member(Bob, "join").Member(Carol, "join");
        room.PowerLevels("""{"users":{"@bob:test":9007199254740991}}""");

        room.Expect("not above", Membership(room, Bob, Alice, "leave"));
        room.Expect("not above", Membership(room, Bob, Carol, "ban"));
        room.Expect("not above", Membership(room, Alice, Carol, "leave"));
        room.Expect(null, Membership(room, Carol, Bob, "ban"));
    }

    private static TestRoom Staffed(TestRoom room, string senderMembership, string targetMembership, int senderLevel, int targetLevel) =>
        room.Member(Bob, senderMembership).Member(Carol, targetMembership)
            .PowerLevels($$$"""{"kick":50,"ban":60,"users":{"@bob:test":{{{senderLevel}}},"@carol:test":{{{targetLevel}}}}}""");

    private static Pdu Membership(TestRoom room, string sender, string target, string membership) =>
        room.Event(EventTypes.Member, target, sender, $$"""{"membership":"{{membership}}"}""");
}
