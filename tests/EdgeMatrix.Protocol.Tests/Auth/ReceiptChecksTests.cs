using System.Text;
using System.Text.Json.Nodes;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.Signing;
using Xunit;
using static EdgeMatrix.Protocol.Tests.TestRoom;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Auth;

/// <summary>The seven checks performed on receipt of a PDU, each as the first that is not passed.</summary>
public sealed class ReceiptChecksTests
{
    public static TheoryData<string> Ids => [.. Versions.All.Select(static version => version.Id), Versions.Msc4242.Id];

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_right_event_is_accepted(string versionId)
    {
        var room = Room(versionId);
        var message = Message(room);

        Assert.Equal((ReceiptOutcome.Accepted, ReceiptCheck.None, false), Outcome(Check(room, message)));
        Assert.Equal(message.EventId, Check(room, message).Event!.EventId);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void What_has_not_the_format_is_dropped(string versionId)
    {
        var verdict = Check(Room(versionId), "{}"u8.ToArray());

        Assert.Equal((ReceiptOutcome.Dropped, ReceiptCheck.Format, false), Outcome(verdict));
        Assert.Null(verdict.Event);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void What_is_not_signed_is_dropped(string versionId)
    {
        var room = Room(versionId);
        var json = JsonNode.Parse(Message(room).Json.Span)!.AsObject();
        json["origin_server_ts"] = 5;

        Assert.Equal((ReceiptOutcome.Dropped, ReceiptCheck.Signatures, false), Outcome(Check(room, Bytes(json))));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void What_was_tampered_with_goes_on_redacted(string versionId)
    {
        var room = Room(versionId);
        var json = JsonNode.Parse(Message(room).Json.Span)!.AsObject();
        json["content"]!["body"] = "other";

        var verdict = Check(room, Bytes(json));

        Assert.Equal((ReceiptOutcome.Accepted, ReceiptCheck.None, true), Outcome(verdict));
        Assert.Equal("{}", verdict.Event!.Content.GetRawText());
        Assert.Equal(Message(room).EventId.Length, verdict.Event.EventId.Length);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void What_its_auth_events_do_not_allow_is_rejected(string versionId)
    {
        var room = Room(versionId);

        // Of a join that was rejected; of a join rule, which a message does not need; of no join.
        var rejected = Check(room, Message(room), isRejected: id => id == room.State(EventTypes.Member, Bob)!.EventId);
        var wrong = Check(room, Message(room, EventTypes.JoinRules));
        var lacking = Check(room, Citing(room, []));
        var hasStateDag = room.Version.StateSource == StateSource.PrevStateEvents;

        Assert.Equal((ReceiptOutcome.Rejected, ReceiptCheck.AuthEvents, false), Outcome(rejected));
        Assert.Contains("itself rejected", rejected.Refusal, StringComparison.Ordinal);
        foreach (var verdict in new[] { wrong, lacking })
        {
            Assert.Equal(hasStateDag ? ReceiptCheck.None : ReceiptCheck.AuthEvents, verdict.Failed);
            Assert.NotNull(verdict.Event);
        }
    }

    [Fact]
    public void An_event_cited_twice_is_there_twice()
    {
        var room = Room("11");
        var verdict = Check(room, Message(room, EventTypes.PowerLevels, EventTypes.PowerLevels));

        Assert.Contains("same type and state key", verdict.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_an_accepted_create_event_a_version_12_room_is_none()
    {
        var room = Room("12");
        var verdict = ReceiptChecks.CheckInRoom(Alone(room, Message(room).Json), Context(room) with { Create = null });

        Assert.Equal((ReceiptOutcome.Rejected, ReceiptCheck.AuthEvents, false), Outcome(verdict));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void What_the_state_before_does_not_allow_is_rejected(string versionId)
    {
        var room = Room(versionId);
        var verdict = Check(room, Message(room), before: Banned(versionId));

        Assert.Equal((ReceiptOutcome.Rejected, ReceiptCheck.StateBefore, false), Outcome(verdict));
        Assert.NotNull(verdict.Event);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void What_the_current_state_does_not_allow_is_soft_failed(string versionId)
    {
        var room = Room(versionId);
        var verdict = Check(room, Message(room), current: Banned(versionId));

        Assert.Equal((ReceiptOutcome.SoftFailed, ReceiptCheck.CurrentState, false), Outcome(verdict));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Only_messages_are_soft_failed_where_there_is_a_state_DAG(string versionId)
    {
        var room = Room(versionId);
        var topic = room.Event("m.room.topic", "", Bob, "{}", authEvents: Cited(room, Bob, EventTypes.PowerLevels));

        var verdict = Check(room, topic, current: (type, key) => type == EventTypes.Member ? null : room.State(type, key));

        Assert.Equal(
            room.Version.StateSource == StateSource.PrevStateEvents ? ReceiptOutcome.Accepted : ReceiptOutcome.SoftFailed, verdict.Outcome);
    }

    [Fact]
    public void What_the_policy_server_did_not_sign_is_soft_failed()
    {
        using var key = SigningKey.FromSeed("policy_server", [.. Enumerable.Repeat((byte)9, 32)]);
        var room = Room("12");
        var policy = $$$"""{"via":"policy.test","public_keys":{"ed25519":"{{{UnpaddedBase64.Encode(key.PublicKey)}}}"}}""";
        var statement = room.Set("m.room.policy", "", Alice, policy);
        var used = PolicyServer.Of(room.State, static server => server == "policy.test");

        Assert.Null(PolicyServer.Of(room.State, static _ => false));
        Assert.Null(PolicyServer.Of(static (_, _) => null, static _ => true));
        Assert.Equal("policy.test", used!.Name);
        var context = Context(room) with { PolicyServer = used };
        var message = Message(room);
        var signed = EventSignatures.Add(message, "policy.test", key);
        Assert.Equal((ReceiptOutcome.SoftFailed, ReceiptCheck.PolicyServer, false), Outcome(ReceiptChecks.CheckInRoom(Alone(room, message.Json), context)));
        Assert.Equal(ReceiptOutcome.Accepted, ReceiptChecks.CheckInRoom(Alone(room, signed.Json), context).Outcome);
        Assert.True(used.Recommends(statement));
        Assert.False(used.Recommends(room.Event("m.room.policy", "x", Alice, policy)));
        Assert.False(used.Recommends(room.Event("m.room.policy", null, Alice, policy)));
    }

    [Theory]
    [InlineData("""{"public_keys":{"ed25519":"AAAA"}}""")]
    [InlineData("""{"via":1,"public_keys":{"ed25519":"AAAA"}}""")]
    [InlineData("""{"via":"not a server","public_keys":{"ed25519":"AAAA"}}""")]
    [InlineData("""{"via":"policy.test"}""")]
    [InlineData("""{"via":"policy.test","public_keys":{}}""")]
    [InlineData("""{"via":"policy.test","public_keys":{"ed25519":5}}""")]
    public void A_policy_that_names_no_server_and_key_is_none(string content)
    {
        var room = Room("12");
        room.Set("m.room.policy", "", Alice, content);

        Assert.Null(PolicyServer.Of(room.State, static _ => true));
    }

    private static (ReceiptOutcome Outcome, ReceiptCheck Failed, bool Redacted) Outcome(ReceiptVerdict verdict)
    {
        Assert.Equal(verdict.Outcome == ReceiptOutcome.Accepted, verdict.Refusal is null);
        return (verdict.Outcome, verdict.Failed, verdict.Redacted);
    }

    private static TestRoom Room(string versionId)
    {
        var version = Versions.Find(versionId) ?? Versions.Msc4242;
        return new TestRoom(version).JoinRule("public").Member(Bob, "join").PowerLevels("""{"users":{"@bob:test":50}}""");
    }

    private static StateLookup Banned(string versionId) => Room(versionId).Member(Bob, "ban").State;

    // What the event needs, or rather, what a test has it cite.
    private static string[] Cited(TestRoom room, string sender, params string[] types) =>
    [
        .. room.Version.CreateEventIsRoomId ? Array.Empty<string>() : [room.Create.EventId],
        room.State(EventTypes.Member, sender)!.EventId,
        .. types.Select(type => room.State(type, "")!.EventId),
    ];

    private static Pdu Message(TestRoom room, params string[] types) => Citing(room, Cited(room, Bob, types is [] ? [EventTypes.PowerLevels] : types));

    private static Pdu Citing(TestRoom room, IReadOnlyList<string> cited) =>
        room.Event("m.room.message", null, Bob, """{"body":"hello"}""", authEvents: cited);

    private static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString());

    private static ReceiptVerdict Alone(TestRoom room, ReadOnlyMemory<byte> json)
    {
        using var key = Key();
        Assert.True(VerifyKey.TryCreate(key.KeyId, key.PublicKey, long.MaxValue, out var published));
        return ReceiptChecks.CheckAlone(json, room.Version, (server, keyId) => server == "test" && keyId == published.KeyId ? published : null);
    }

    private static ReceiptContext Context(TestRoom room) => new()
    {
        Cited = id => room.StateEvents.First(e => e.EventId == id),
        IsRejected = static _ => false,
        Create = room.Create,
        StateBefore = room.State,
        CurrentState = room.State,
    };

    private static ReceiptVerdict Check(TestRoom room, ReadOnlyMemory<byte> json) =>
        ReceiptChecks.CheckInRoom(Alone(room, json), Context(room));

    private static ReceiptVerdict Check(
        TestRoom room, Pdu candidate, Func<string, bool>? isRejected = null, StateLookup? before = null, StateLookup? current = null) =>
        ReceiptChecks.CheckInRoom(Alone(room, candidate.Json), Context(room) with
        {
            IsRejected = isRejected ?? (static _ => false),
            StateBefore = before ?? room.State,
            CurrentState = current ?? room.State,
        });
}
