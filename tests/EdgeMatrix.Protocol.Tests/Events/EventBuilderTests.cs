using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Events;

public sealed class EventBuilderTests
{
    [Theory]
    [MemberData(nameof(TestRoom.VersionIds), MemberType = typeof(TestRoom))]
    public void A_built_event_is_what_parsing_its_bytes_gives(string versionId)
    {
        var version = Versions.Find(versionId)!;
        using var key = TestRoom.Key();
        var built = new TestRoom(version).Event("m.room.name", "ä\n\"", TestRoom.Alice, """{"name":"x","a":[1,{"c":1,"b":2}]}""", authEvents: [TestRoom.SomeEventId]);

        var parsed = Pdu.Parse(built.Json, version);

        Assert.Null(parsed.Refusal);
        Assert.Equal(built.EventId, parsed.Event!.EventId);
        Assert.Equal(TestRoom.Text(built.Json), TestRoom.Text(parsed.Event.Json));
        Assert.Equal(("m.room.name", "ä\n\"", TestRoom.Alice), (parsed.Event.Type, parsed.Event.StateKey, parsed.Event.Sender));
        Assert.Equal([TestRoom.SomeEventId], parsed.Event.AuthEvents);
        Assert.Equal([TestRoom.SomeEventId], parsed.Event.PrevEvents);
        Assert.Equal(built.OriginServerTs, parsed.Event.OriginServerTs);
        Assert.True(EventHashes.ContentHashMatches(built));
        Assert.True(EventSignatures.Verify(built, "test", "ed25519:test", key.PublicKey));
    }

    [Fact]
    public void A_version_12_room_is_named_after_its_create_event()
    {
        var create = new TestRoom(Versions.V12).Create;

        Assert.Equal("!" + create.EventId[1..], create.RoomId);
        Assert.Equal(44, create.RoomId.Length);
        Assert.DoesNotContain("room_id", TestRoom.Text(create.Json), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("3")]
    [InlineData("10")]
    [InlineData("11")]
    public void Before_version_12_the_create_event_says_its_room_id(string versionId) =>
        Assert.Equal("!room:test", new TestRoom(Versions.Find(versionId)!).Create.RoomId);

    [Theory]
    [InlineData("1", "top")]
    [InlineData("3", "top")]
    [InlineData("10", "top")]
    [InlineData("11", "content")]
    [InlineData("12", "content")]
    public void A_redaction_names_its_target_where_its_version_wants_it(string versionId, string where)
    {
        var redaction = new TestRoom(Versions.Find(versionId)!).Event(
            EventTypes.Redaction, null, TestRoom.Alice, """{"reason":"spam"}""", redacts: TestRoom.SomeEventId);

        var json = JsonElement.Parse(redaction.Json.Span);
        Assert.Equal(where == "top", json.TryGetProperty("redacts", out _));
        Assert.Equal(where == "content", json.GetProperty("content").TryGetProperty("redacts", out _));
        Assert.Equal(TestRoom.SomeEventId, redaction.Redacts);
        Assert.Equal(TestRoom.SomeEventId, Pdu.Parse(redaction.Json, redaction.Version).Event!.Redacts);
        Assert.Equal(redaction.EventId, Pdu.Parse(redaction.Json, redaction.Version).Event!.EventId);
    }

    [Fact]
    public void Only_a_redaction_redacts()
    {
        var message = new TestRoom(Versions.V11).Event("m.room.message", null, TestRoom.Alice, $$"""{"redacts":"{{TestRoom.SomeEventId}}"}""");

        Assert.Null(message.Redacts);
    }

    [Theory]
    [InlineData("""{"a":1.5}""", "fraction")]
    [InlineData("""{"a":1e3}""", "exponent")]
    [InlineData("[]", "content")]
    public void A_content_without_canonical_form_is_refused(string content, string refusal) =>
        Assert.Contains(refusal, Refusal(content: content), StringComparison.Ordinal);

    [Fact]
    public void Limits_are_counted_in_bytes()
    {
        Assert.Null(Refusal(type: new string('t', 255)));
        Assert.Contains("type", Refusal(type: new string('ä', 128)), StringComparison.Ordinal);
        Assert.Null(Refusal(stateKey: new string('k', 255)));
        Assert.Contains("state_key", Refusal(stateKey: new string('k', 256)), StringComparison.Ordinal);
        Assert.Contains("sender", Refusal(sender: $"@{new string('s', 255)}:test"), StringComparison.Ordinal);
        Assert.Contains("room_id", Refusal(roomId: $"!{new string('r', 255)}:test"), StringComparison.Ordinal);
        Assert.Contains("prev_events", Refusal(prevEvents: 21), StringComparison.Ordinal);
        Assert.Null(Refusal(prevEvents: 20));
        Assert.Contains("auth_events", Refusal(authEvents: 11), StringComparison.Ordinal);
        Assert.Null(Refusal(authEvents: 10));
    }

    [Fact]
    public void An_event_of_65536_bytes_fits_and_one_more_does_not()
    {
        using var key = TestRoom.Key();
        var empty = Build("", key).Event!.Json.Length;

        var largest = Build(new string('x', EventLimits.MaxEventBytes - empty), key);
        var tooLarge = Build(new string('x', EventLimits.MaxEventBytes - empty + 1), key);

        Assert.Equal(65_536, largest.Event!.Json.Length);
        Assert.Null(Pdu.Parse(largest.Event.Json, Versions.V11).Refusal);
        Assert.Contains("65537 bytes", tooLarge.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_server_adds_its_signature_to_the_same_event()
    {
        using var key = SigningKey.FromSeed("2", [.. Enumerable.Repeat((byte)7, 32)]);
        var invite = new TestRoom(Versions.V12).Event(EventTypes.Member, TestRoom.Bob, TestRoom.Alice, """{"membership":"invite"}""");

        var both = EventSignatures.Add(invite, "elsewhere", key);

        Assert.Equal(invite.EventId, Pdu.Parse(both.Json, Versions.V12).Event!.EventId);
        Assert.True(EventSignatures.Verify(both, "elsewhere", "ed25519:2", key.PublicKey));
        Assert.Equal(["ed25519:test"], EventSignatures.KeyIdsOf(both, "test"));
    }

    private static PduParse Build(string body, SigningKey key) => EventBuilder.Build(
        new EventDraft("m.room.message", null, TestRoom.Alice, JsonElement.Parse($$"""{"body":"{{body}}"}""")),
        Versions.V11, "!room:test", EventLinks.FirstIn(Versions.V11), 1, key, "test");

    private static string? Refusal(
        string content = "{}",
        string type = "t",
        string? stateKey = null,
        string sender = TestRoom.Alice,
        string roomId = "!room:test",
        int prevEvents = 1,
        int authEvents = 1)
    {
        using var key = TestRoom.Key();
        var cited = new EventReference(TestRoom.SomeEventId, null);
        var links = new EventLinks([.. Enumerable.Repeat(cited, prevEvents)], [.. Enumerable.Repeat(cited, authEvents)], 1);
        var draft = new EventDraft(type, stateKey, sender, JsonElement.Parse(content));
        return EventBuilder.Build(draft, Versions.V11, roomId, links, 1, key, "test").Refusal;
    }
}
