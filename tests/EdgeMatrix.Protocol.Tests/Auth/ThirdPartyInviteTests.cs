using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using Xunit;
using static EdgeMatrix.Protocol.Tests.TestRoom;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Auth;

public sealed class ThirdPartyInviteTests
{
    private static readonly string PublicKey = IdentityServerKey();

    [Theory]
    [MemberData(nameof(VersionIds), MemberType = typeof(TestRoom))]
    public void An_invite_signed_by_the_invitations_key_is_allowed(string versionId)
    {
        var single = Invited(versionId, $$"""{"public_key":"{{PublicKey}}"}""");
        var listed = Invited(versionId, $$"""{"public_key":"AAAA","public_keys":[{"public_key":"!"},5,{"public_key":"{{PublicKey}}"}]}""");

        single.Expect(null, Invite(single, Signed()));
        listed.Expect(null, Invite(listed, Signed()));
    }

    [Theory]
    [InlineData("""{"mxid":"@bob:test","token":"t"}""", "signed by none")]
    [InlineData("""{"mxid":"@bob:test","token":"t","signatures":{"id.test":{"ed25519:0":"AAAA"}}}""", "signed by none")]
    [InlineData("""{"token":"t"}""", "no mxid or no token")]
    [InlineData("""{"mxid":"@bob:test"}""", "no mxid or no token")]
    [InlineData("""{"mxid":"@carol:test","token":"t"}""", "for another user")]
    [InlineData("""{"mxid":"@bob:test","token":"other"}""", "no third party invite of that token")]
    [InlineData("1", "not signed")]
    public void Any_other_is_refused(string signedPart, string refusal)
    {
        foreach (var versionId in VersionIds.Select(static row => row.Data))
        {
            var room = Invited(versionId, $$"""{"public_key":"{{PublicKey}}"}""");
            room.Expect(refusal, Invite(room, signedPart));
        }
    }

    [Fact]
    public void A_third_party_invite_that_is_no_object_is_refused()
    {
        var room = Invited("11", $$"""{"public_key":"{{PublicKey}}"}""");

        room.Expect("not signed", room.Event(EventTypes.Member, Bob, Alice, """{"membership":"invite","third_party_invite":null}"""));
    }

    [Fact]
    public void A_banned_user_is_not_invited_this_way_either()
    {
        var room = Invited("12", $$"""{"public_key":"{{PublicKey}}"}""").Member(Bob, "ban");

        room.Expect("banned", Invite(room, Signed()));
    }

    [Fact]
    public void The_sender_is_who_sent_the_invitation()
    {
        var room = Invited("12", $$"""{"public_key":"{{PublicKey}}"}""").Member(Carol, "join");

        room.Expect("sent by another user", Invite(room, Signed(), sender: Carol));
    }

    [Fact]
    public void A_key_of_someone_else_does_not_do()
    {
        var room = Invited("12", """{"public_key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""");

        room.Expect("signed by none", Invite(room, Signed()));
    }

    [Fact]
    public void It_needs_no_signature_of_the_senders_server()
    {
        foreach (var version in Versions.All)
        {
            var room = Invited(version.Id, $$"""{"public_key":"{{PublicKey}}"}""");

            // Versions 1 and 2 want that of the server that chose the event id all the same.
            Assert.Equal(room.IsSince(3) ? [] : ["test"], EventAuth.RequiredSigners(Invite(room, Signed())));
        }
    }

    [Theory]
    [InlineData(50, null)]
    [InlineData(49, "below the invite level")]
    public void Who_may_invite_may_send_an_invitation(int level, string? refusal)
    {
        foreach (var version in Versions.All)
        {
            var room = new TestRoom(version).Member(Bob, "join").PowerLevels($$$"""{"invite":50,"users":{"@bob:test":{{{level}}}}}""");
            room.Expect(refusal, room.Event(EventTypes.ThirdPartyInvite, "t", Bob, "{}"));
        }
    }

    private static TestRoom Invited(string versionId, string invitation)
    {
        var room = new TestRoom(Versions.Find(versionId)!);
        room.Set(EventTypes.ThirdPartyInvite, "t", Alice, invitation);
        return room;
    }

    private static Pdu Invite(TestRoom room, string signed, string sender = Alice) => room.Event(
        EventTypes.Member, Bob, sender, $$$"""{"membership":"invite","third_party_invite":{"display_name":"b","signed":{{{signed}}}}}""");

    private static string Signed()
    {
        using var key = Key();
        return Encoding.UTF8.GetString(SignedJson.Sign(JsonElement.Parse("""{"mxid":"@bob:test","token":"t"}"""), "id.test", key));
    }

    private static string IdentityServerKey()
    {
        using var key = Key();
        return UnpaddedBase64.Encode(key.PublicKey);
    }
}
