using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Signing;

public sealed class EventSignatureTests : IDisposable
{
    private readonly TestRoom _room = new(Versions.V11);
    private readonly SigningKey _key = TestRoom.Key();
    private readonly SigningKey _other = SigningKey.FromSeed("other", [.. Enumerable.Repeat((byte)7, SigningKey.SeedBytes)]);

    private Pdu Message => _room.Event("m.room.message", null, TestRoom.Alice, """{"body":"x"}""");

    public void Dispose()
    {
        _key.Dispose();
        _other.Dispose();
    }

    [Fact]
    public void An_event_that_its_server_signed_is_valid()
    {
        Assert.Equal(SignatureVerdict.Valid, EventSignatures.Check(Message, Known(Current(_key))));
        Assert.True(EventSignatures.Verify(Message, "test", "ed25519:test", _key.PublicKey));
    }

    [Fact]
    public void A_redacted_event_is_valid_too() =>
        Assert.Equal(SignatureVerdict.Valid, EventSignatures.Check(Redaction.RedactPdu(Message), Known(Current(_key))));

    [Fact]
    public void A_changed_event_is_not()
    {
        var changed = Change(Message, static json => json["depth"] = 2);

        Assert.Equal(new(SignatureStatus.WrongSignature, "test", "ed25519:test"), EventSignatures.Check(changed, Known(Current(_key))));
        Assert.False(EventSignatures.Verify(changed, "test", "ed25519:test", _key.PublicKey));
    }

    [Theory]
    [InlineData("{}", null)]
    [InlineData("""{"elsewhere":{"ed25519:test":"x"}}""", null)]
    [InlineData("""{"test":{"rsa:1":"x"}}""", null)]
    public void An_event_without_a_signature_that_we_know_is_not_signed(string signatures, string? keyId)
    {
        var unsigned = Change(Message, json => json["signatures"] = JsonNode.Parse(signatures));

        Assert.Equal(new(SignatureStatus.NotSigned, "test", keyId), EventSignatures.Check(unsigned, Known(Current(_key))));
    }

    [Fact]
    public void A_key_that_is_not_known_is_named() =>
        Assert.Equal(new(SignatureStatus.MissingKey, "test", "ed25519:test"), EventSignatures.Check(Message, Known()));

    [Fact]
    public void A_key_that_expired_before_the_event_is_named()
    {
        var message = Message;
        Assert.True(VerifyKey.TryCreateOld(_key.KeyId, _key.PublicKey, message.OriginServerTs - 1, out var old));
        Assert.True(VerifyKey.TryCreate(_key.KeyId, _key.PublicKey, message.OriginServerTs - 1, out var stale));
        var expected = new SignatureVerdict(SignatureStatus.ExpiredKey, "test", "ed25519:test");

        Assert.Equal(expected, EventSignatures.Check(message, Known(old)));
        Assert.Equal(expected, EventSignatures.Check(message, Known(stale)));
    }

    [Fact]
    public void Signatures_of_unknown_keys_are_skipped_where_a_known_one_is_right()
    {
        var signed = EventSignatures.Add(Message, "test", _other);

        Assert.Equal(SignatureVerdict.Valid, EventSignatures.Check(signed, Known(Current(_key))));
        Assert.Equal(SignatureVerdict.Valid, EventSignatures.Check(signed, Known(Current(_other))));
        Assert.Equal(SignatureVerdict.Valid, EventSignatures.Check(signed, Known(Current(_key), Current(_other))));
        Assert.Equal(["ed25519:other", "ed25519:test"], EventSignatures.KeyIdsOf(signed, "test"));
    }

    [Fact]
    public void One_wrong_signature_of_a_known_key_is_one_too_many()
    {
        var signed = Change(Message, static json => json["signatures"]!["test"]!["ed25519:other"] = "AAAA");

        Assert.Equal(
            new(SignatureStatus.WrongSignature, "test", "ed25519:other"),
            EventSignatures.Check(signed, Known(Current(_key), Current(_other))));
        Assert.Equal(SignatureVerdict.Valid, EventSignatures.Check(signed, Known(Current(_key))));
    }

    [Fact]
    public void A_restricted_join_is_signed_by_the_server_that_let_it_in()
    {
        var content = """{"membership":"join","join_authorised_via_users_server":"@eve:elsewhere"}""";
        var join = _room.Event(EventTypes.Member, TestRoom.Bob, TestRoom.Bob, content);

        Assert.Equal(new(SignatureStatus.NotSigned, "elsewhere", null), EventSignatures.Check(join, Known(Current(_key))));
        Assert.Equal(
            SignatureVerdict.Valid,
            EventSignatures.Check(EventSignatures.Add(join, "elsewhere", _other), Known(Current(_key), Current(_other))));
    }

    [Fact]
    public void A_received_event_is_dropped_redacted_or_taken()
    {
        var keys = Known(Current(_key));
        Assert.True(ReceivedEvent.Of(Message.Json, Versions.V11, keys) is { HashMatches: true, Event.Type: "m.room.message" });
        Assert.True(ReceivedEvent.Of("{}"u8.ToArray(), Versions.V11, keys) is { Event: null, Parse.Refusal: not null });
        Assert.True(ReceivedEvent.Of(Message.Json, Versions.V11, Known()) is { Event: null, Signatures.IsValid: false });

        var changed = Change(Message, static json => json["content"]!["body"] = "y");
        var received = ReceivedEvent.Of(changed.Json, Versions.V11, keys);
        Assert.False(received.HashMatches);
        Assert.Equal(0, received.Event!.Content.GetPropertyCount());
        Assert.Equal(changed.EventId, received.Event.EventId);
    }

    [Fact]
    public void A_batch_answers_in_order_on_any_number_of_cores()
    {
        var events = Enumerable.Range(0, 200)
            .Select(index => index % 3 == 0 ? Change(Message, static json => json["depth"] = 3) : Message)
            .ToList();
        var keys = Known(Current(_key));

        var alone = EventBatch.CheckSignatures(events, keys, maxParallelism: 1, CancellationToken.None);
        var together = EventBatch.CheckSignatures(events, keys, maxParallelism: 4, CancellationToken.None);

        Assert.Equal(events.Select(candidate => EventSignatures.Check(candidate, keys)), alone);
        Assert.Equal(alone, together);
        Assert.Equal(67, alone.Count(static verdict => verdict.Status == SignatureStatus.WrongSignature));

        var received = EventBatch.Receive([.. events.Select(static pdu => pdu.Json)], Versions.V11, keys, 4, CancellationToken.None);
        Assert.Equal(alone, received.Select(static one => one.Signatures));
        Assert.Equal(events.Select(static pdu => pdu.EventId), received.Select(static one => one.Parse.Event!.EventId));
    }

    [Fact]
    public void A_batch_that_is_cancelled_stops()
    {
        using var cancellation = new CancellationTokenSource();
        var asked = 0;
        VerifyKey? Cancel(string serverName, string keyId)
        {
            Interlocked.Increment(ref asked);
            cancellation.Cancel();
            return null;
        }

        Assert.Throws<OperationCanceledException>(
            () => EventBatch.CheckSignatures([.. Enumerable.Repeat(Message, 1_000)], Cancel, 2, cancellation.Token));
        Assert.InRange(asked, 1, 999);
    }

    private static VerifyKey Current(SigningKey key) =>
        VerifyKey.TryCreate(key.KeyId, key.PublicKey, long.MaxValue, out var current) ? current : throw new InvalidOperationException();

    private static KeyLookup Known(params VerifyKey[] keys) => (_, keyId) => keys.FirstOrDefault(key => key.KeyId == keyId);

    // The same event under a new id, with the signatures that the old one had.
    private static Pdu Change(Pdu original, Action<JsonObject> change)
    {
        var json = JsonNode.Parse(original.Json.Span)!.AsObject();
        change(json);
        var parse = Pdu.Parse(Encoding.UTF8.GetBytes(json.ToJsonString(JsonSerializerOptions.Default)), original.Version);
        return parse.Event ?? throw new InvalidOperationException(parse.Refusal);
    }
}
