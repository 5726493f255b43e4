using System.Text;
using System.Text.Json.Nodes;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using Xunit;
using static EdgeMatrix.Protocol.Tests.TestRoom;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Events;

/// <summary>MSC4242: https://github.com/matrix-org/matrix-spec-proposals/pull/4242</summary>
public sealed class StateDagTests
{
    [Fact]
    public void It_is_offered_to_nobody()
    {
        Assert.False(Versions.Msc4242.Stable);
        Assert.DoesNotContain(Versions.Msc4242, Versions.All);
        Assert.Null(Versions.Find(Versions.Msc4242.Id));
    }

    [Fact]
    public void Events_have_prev_state_events_instead_of_auth_events()
    {
        var message = new TestRoom(Versions.Msc4242).Event("m.room.message", null, Alice, "{}", authEvents: [SomeEventId]);
        var parsed = Pdu.Parse(message.Json, Versions.Msc4242).Event!;

        Assert.Equal([SomeEventId], parsed.PrevStateEvents);
        Assert.Empty(parsed.AuthEvents);
        Assert.DoesNotContain("auth_events", Text(parsed.Json), StringComparison.Ordinal);
        Assert.Equal(message.EventId, parsed.EventId);
        Assert.Equal([SomeEventId], Redaction.RedactPdu(parsed).PrevStateEvents);
    }

    [Theory]
    [InlineData("prev_state_events", null, "prev_state_events")]
    [InlineData("prev_state_events", "{}", "prev_state_events")]
    [InlineData("prev_state_events", "[\"x\"]", "prev_state_events")]
    [InlineData("auth_events", "[]", "auth_events")]
    public void Any_other_format_is_refused(string field, string? value, string refusal)
    {
        var json = JsonNode.Parse(new TestRoom(Versions.Msc4242).Event("m.room.message", null, Alice, "{}").Json.Span)!.AsObject();
        json.Remove(field);
        if (value is not null)
        {
            json[field] = JsonNode.Parse(value);
        }

        Assert.Contains(refusal, Pdu.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), Versions.Msc4242).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void There_are_twenty_prev_state_events_at_most()
    {
        var room = new TestRoom(Versions.Msc4242);
        PduParse Build(int count) => room.TryEvent("x", null, Alice, "{}", authEvents: [.. Enumerable.Repeat(SomeEventId, count)]);

        Assert.Null(Build(20).Refusal);
        Assert.Contains("prev_state_events", Build(21).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_versions_take_no_notice_of_the_field()
    {
        var json = JsonNode.Parse(new TestRoom(Versions.V12).Event("x", null, Alice, "{}").Json.Span)!.AsObject();
        json["prev_state_events"] = 5;

        Assert.Empty(Pdu.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), Versions.V12).Event!.PrevStateEvents);
    }

    [Fact]
    public void A_create_event_has_none()
    {
        var room = new TestRoom(Versions.Msc4242);
        var create = room.Event(EventTypes.Create, "", Alice, "{}", prevEvents: [], authEvents: [SomeEventId]);

        room.Expect("prev_state_events", create);
        room.Expect(null, room.Event(EventTypes.Create, "", Alice, """{"room_version":"org.matrix.msc4242.12"}""", prevEvents: []));
    }

    [Fact]
    public void Prev_state_events_are_accepted_state_events_of_the_room()
    {
        var room = new TestRoom(Versions.Msc4242);
        var other = new TestRoom(Versions.Msc4242, """{"other":true}""");
        var message = room.Event("m.room.message", null, Alice, "{}");
        var member = room.State(EventTypes.Member, Alice)!;
        string? Refusal(Pdu cited, bool rejected = false) => EventAuth.CheckPrevStateEvents(message, [cited], _ => rejected).Refusal;

        Assert.Null(Refusal(member));
        Assert.Contains("itself rejected", Refusal(member, rejected: true), StringComparison.Ordinal);
        Assert.Contains("no state event", Refusal(message), StringComparison.Ordinal);
        Assert.Contains("another room", Refusal(other.State(EventTypes.Member, Alice)!), StringComparison.Ordinal);

        // "It is entirely possible for prev_state_events to be pointing at two identical tuples on different branches."
        Assert.True(EventAuth.CheckPrevStateEvents(message, [member, member], static _ => false).Allowed);
    }
}
