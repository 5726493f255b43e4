using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Events;

public sealed class RedactionTests
{
    private const string OfVersion11 =
        "auth_events content depth event_id hashes origin_server_ts prev_events room_id sender signatures state_key type";

    private const string OfVersion10 =
        "auth_events content depth event_id hashes membership origin origin_server_ts prev_events prev_state room_id sender signatures state_key type";

    [Theory]
    [InlineData("1", OfVersion10)]
    [InlineData("5", OfVersion10)]
    [InlineData("6", OfVersion10)]
    [InlineData("10", OfVersion10)]
    [InlineData("11", OfVersion11)]
    [InlineData("12", OfVersion11)]
    public void The_keys_of_the_event_that_stay_are_those_of_its_version(string versionId, string expected)
    {
        var keys = $"{OfVersion10} redacts unsigned age_ts replaces_state".Split(' ').Where(static key => key is not ("content" or "type"));
        var json = $$"""{"type":"x","content":{"body":"y"},{{string.Join(',', keys.Select(static key => $"\"{key}\":1"))}}}""";

        var redacted = JsonElement.Parse(Redaction.Redact(JsonElement.Parse(json), Versions.Find(versionId)!));

        Assert.Equal(expected.Split(' '), redacted.EnumerateObject().Select(static property => property.Name));
        Assert.Equal("{}", redacted.GetProperty("content").GetRawText());
    }

    [Theory]
    [InlineData("1", "m.room.member", "membership")]
    [InlineData("1", "m.room.create", "creator")]
    [InlineData("1", "m.room.join_rules", "join_rule")]
    [InlineData("1", "m.room.power_levels", "ban events events_default kick redact state_default users users_default")]
    [InlineData("1", "m.room.history_visibility", "history_visibility")]
    [InlineData("1", "m.room.aliases", "aliases")]
    [InlineData("1", "m.room.redaction", "")]
    [InlineData("5", "m.room.aliases", "aliases")]
    [InlineData("6", "m.room.aliases", "")]
    [InlineData("7", "m.room.join_rules", "join_rule")]
    [InlineData("8", "m.room.join_rules", "allow join_rule")]
    [InlineData("8", "m.room.member", "membership")]
    [InlineData("9", "m.room.member", "join_authorised_via_users_server membership")]
    [InlineData("10", "m.room.member", "join_authorised_via_users_server membership")]
    [InlineData("10", "m.room.create", "creator")]
    [InlineData("10", "m.room.join_rules", "allow join_rule")]
    [InlineData("10", "m.room.power_levels", "ban events events_default kick redact state_default users users_default")]
    [InlineData("10", "m.room.history_visibility", "history_visibility")]
    [InlineData("10", "m.room.redaction", "")]
    [InlineData("10", "m.room.aliases", "")]
    [InlineData("10", "m.room.message", "")]
    [InlineData("11", "m.room.member", "join_authorised_via_users_server membership")]
    [InlineData("11", "m.room.create", AllContent)]
    [InlineData("11", "m.room.join_rules", "allow join_rule")]
    [InlineData("11", "m.room.power_levels", "ban events events_default invite kick redact state_default users users_default")]
    [InlineData("11", "m.room.history_visibility", "history_visibility")]
    [InlineData("11", "m.room.redaction", "redacts")]
    [InlineData("11", "m.room.third_party_invite", "")]
    [InlineData("12", "m.room.create", AllContent)]
    [InlineData("12", "m.room.redaction", "redacts")]
    public void The_keys_of_the_content_that_stay_are_those_of_its_type(string versionId, string type, string expected)
    {
        var content = string.Join(',', AllContent.Split(' ').Select(static key => $"\"{key}\":1"));
        var json = $$$"""{"type":"{{{type}}}","content":{{{{content}}}}}""";

        var redacted = JsonElement.Parse(Redaction.Redact(JsonElement.Parse(json), Versions.Find(versionId)!)).GetProperty("content");

        Assert.Equal(expected, string.Join(' ', redacted.EnumerateObject().Select(static property => property.Name)));
    }

    [Theory]
    [InlineData("10", """{"membership":"invite","third_party_invite":{"display_name":"x","signed":{"token":"t"}}}""", """{"membership":"invite"}""")]
    [InlineData("11", """{"membership":"invite","third_party_invite":{"display_name":"x","signed":{"token":"t"}}}""", """{"membership":"invite","third_party_invite":{"signed":{"token":"t"}}}""")]
    [InlineData("12", """{"membership":"invite","third_party_invite":"x"}""", """{"membership":"invite"}""")]
    public void Of_a_third_party_invite_the_signed_part_stays_since_version_11(string versionId, string content, string expected)
    {
        var json = $$"""{"type":"m.room.member","content":{{content}}}""";

        var redacted = Encoding.UTF8.GetString(Redaction.Redact(JsonElement.Parse(json), Versions.Find(versionId)!));

        Assert.Contains($"\"content\":{expected}", redacted, StringComparison.Ordinal);
    }

    [Fact]
    public void A_redacted_event_keeps_its_id_and_its_place()
    {
        var original = new TestRoom(Versions.V12).Event("m.room.message", null, TestRoom.Alice, """{"body":"secret"}""");

        var redacted = Redaction.RedactPdu(original);

        Assert.Equal(original.EventId, Pdu.Parse(redacted.Json, Versions.V12).Event!.EventId);
        Assert.Equal(original.RoomId, redacted.RoomId);
        Assert.Equal("{}", redacted.Content.GetRawText());
    }

    private const string AllContent =
        "aliases allow ban body creator events events_default history_visibility invite join_authorised_via_users_server join_rule kick membership "
        + "notifications redact redacts state_default third_party_invite users users_default";
}
