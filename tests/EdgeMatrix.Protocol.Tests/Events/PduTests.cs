using System.Text;
using System.Text.Json.Nodes;
using EdgeMatrix.Protocol.Events;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Events;

public sealed class PduTests
{
    [Theory]
    [InlineData("type", "1", "type")]
    [InlineData("type", null, "type")]
    [InlineData("sender", "1", "sender")]
    [InlineData("sender", "\"alice\"", "sender")]
    [InlineData("sender", null, "sender")]
    [InlineData("state_key", "1", "state_key")]
    [InlineData("state_key", "null", "state_key")]
    [InlineData("room_id", "null", "room_id")]
    [InlineData("room_id", null, "room_id")]
    [InlineData("room_id", "\"room\"", "room_id")]
    [InlineData("room_id", "\"!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ\"", "room_id")]
    [InlineData("content", "[]", "content")]
    [InlineData("content", null, "content")]
    [InlineData("content", "{\"a\":0.5}", "fraction")]
    [InlineData("origin_server_ts", "\"1\"", "origin_server_ts")]
    [InlineData("origin_server_ts", null, "origin_server_ts")]
    [InlineData("depth", "-1", "depth")]
    [InlineData("depth", "9007199254740992", "depth")]
    [InlineData("depth", "1.0", "depth")]
    [InlineData("depth", null, "depth")]
    [InlineData("hashes", "{}", "hashes")]
    [InlineData("hashes", null, "hashes")]
    [InlineData("signatures", "[]", "signatures")]
    [InlineData("signatures", "{\"a\":[]}", "signatures")]
    [InlineData("signatures", "{\"a\":{\"b\":1}}", "signatures")]
    [InlineData("signatures", null, "signatures")]
    [InlineData("prev_events", "{}", "prev_events")]
    [InlineData("prev_events", "[1]", "prev_events")]
    [InlineData("prev_events", "[\"x\"]", "prev_events")]
    [InlineData("prev_events", null, "prev_events")]
    [InlineData("auth_events", "[[]]", "auth_events")]
    [InlineData("auth_events", null, "auth_events")]
    public void A_field_that_is_missing_or_of_another_type_is_refused(string field, string? value, string refusal)
    {
        var json = Sample();
        json.Remove(field);
        if (value is not null)
        {
            json[field] = JsonNode.Parse(value);
        }

        Assert.Contains(refusal, Refusal(json), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("1")]
    [InlineData("{")]
    public void What_is_no_object_is_refused(string json) => Assert.NotNull(Pdu.Parse(Encoding.UTF8.GetBytes(json), Versions.V11).Refusal);

    [Fact]
    public void Lists_are_bounded()
    {
        var json = Sample();
        json["prev_events"] = new JsonArray([.. Enumerable.Range(0, 21).Select(static _ => JsonValue.Create(TestRoom.SomeEventId))]);
        Assert.Contains("prev_events", Refusal(json), StringComparison.Ordinal);

        json = Sample();
        json["auth_events"] = new JsonArray([.. Enumerable.Range(0, 11).Select(static _ => JsonValue.Create(TestRoom.SomeEventId))]);
        Assert.Contains("auth_events", Refusal(json), StringComparison.Ordinal);
    }

    [Fact]
    public void Unsigned_is_stripped_and_counts_for_nothing()
    {
        var json = Sample();
        json["unsigned"] = new JsonObject { ["age"] = 5, ["much"] = new string('x', EventLimits.MaxEventBytes) };

        var parsed = Parse(json);

        Assert.Null(parsed.Refusal);
        Assert.DoesNotContain("unsigned", TestRoom.Text(parsed.Event!.Json), StringComparison.Ordinal);
        Assert.Equal(Parse(Sample()).Event!.EventId, parsed.Event.EventId);
    }

    [Fact]
    public void Unknown_fields_stay()
    {
        var json = Sample();
        json["org.example.more"] = 5;

        Assert.Contains("org.example.more", TestRoom.Text(Parse(json).Event!.Json), StringComparison.Ordinal);
    }

    [Fact]
    public void An_event_over_65536_bytes_is_refused()
    {
        var json = Sample();
        json["content"] = new JsonObject { ["body"] = new string('ä', EventLimits.MaxEventBytes / 2) };

        Assert.Contains("65536", Refusal(json), StringComparison.Ordinal);
    }

    [Fact]
    public void Signatures_do_not_change_the_event_id_but_hashes_do()
    {
        var json = Sample();
        json["signatures"] = new JsonObject();
        Assert.Equal(Parse(Sample()).Event!.EventId, Parse(json).Event!.EventId);

        json["hashes"]!["sha256"] = "other";
        Assert.NotEqual(Parse(Sample()).Event!.EventId, Parse(json).Event!.EventId);
        Assert.False(EventHashes.ContentHashMatches(Parse(json).Event!));
    }

    [Fact]
    public void Content_that_changed_on_its_way_does_not_match_its_hash()
    {
        var json = Sample();
        Assert.True(EventHashes.ContentHashMatches(Parse(json).Event!));

        json["content"]!["name"] = "another";
        Assert.False(EventHashes.ContentHashMatches(Parse(json).Event!));
    }

    [Fact]
    public void A_version_12_room_id_has_no_server()
    {
        var built = new TestRoom(Versions.V12).Event("m.room.name", "", TestRoom.Alice, "{}");
        var json = JsonNode.Parse(built.Json.Span)!.AsObject();
        Assert.Null(Pdu.Parse(built.Json, Versions.V12).Refusal);

        json["room_id"] = "!room:test";
        Assert.Contains("room_id", Pdu.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), Versions.V12).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stored_event_that_is_broken_is_a_bug()
    {
        Assert.Throws<FormatException>(static () => Pdu.FromStored("{}"u8.ToArray(), Versions.V11, TestRoom.SomeEventId));
        Assert.Throws<FormatException>(static () => Pdu.FromStored("{\"type"u8.ToArray(), Versions.V11, TestRoom.SomeEventId));
    }

    private static JsonObject Sample() =>
        JsonNode.Parse(new TestRoom(Versions.V11).Event("m.room.name", "", TestRoom.Alice, """{"name":"x"}""").Json.Span)!.AsObject();

    private static PduParse Parse(JsonObject json) => Pdu.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), Versions.V11);

    private static string? Refusal(JsonObject json) => Parse(json).Refusal;
}
