using System.Text;
using System.Text.Json.Nodes;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Events;

/// <summary>The event formats that are no longer used for new rooms, each on both sides of the version that ended it.</summary>
public sealed class OldEventFormatTests
{
    [Theory]
    [InlineData("event_id", null)]
    [InlineData("event_id", "1")]
    [InlineData("event_id", "\"x:test\"")]
    [InlineData("event_id", "\"$x\"")]
    [InlineData("event_id", "\"$x:not a server\"")]
    [InlineData("prev_events", """["$x:test"]""")]
    [InlineData("prev_events", """[["$x:test"]]""")]
    [InlineData("prev_events", """[["$x:test",{"sha256":"x"},1]]""")]
    [InlineData("prev_events", """[["$x:test","x"]]""")]
    [InlineData("prev_events", """[[{"sha256":"x"},{"sha256":"x"}]]""")]
    [InlineData("auth_events", """[["x:test",{"sha256":"x"}]]""")]
    public void Versions_1_and_2_have_ids_in_events_and_hashes_beside_those_cited(string field, string? value)
    {
        foreach (var version in new[] { Versions.V1, Versions.V2 })
        {
            var json = Sample(version);
            json.Remove(field);
            if (value is not null)
            {
                json[field] = JsonNode.Parse(value);
            }

            Assert.Contains(field, Refusal(json, version), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Ids_are_read_out_of_the_pairs()
    {
        var json = Sample(Versions.V1);
        json["event_id"] = "$a:b:8448";
        json["prev_events"] = JsonNode.Parse("""[["$p:x",{"sha256":"x"}],["$q:x",{}]]""");
        json["auth_events"] = JsonNode.Parse("""[["$r:x",{"sha256":"x","more":[[1]]}]]""");

        var pdu = Parse(json, Versions.V1).Event!;

        Assert.Equal("$a:b:8448", pdu.EventId);
        Assert.Equal(["$p:x", "$q:x"], pdu.PrevEvents);
        Assert.Equal(["$r:x"], pdu.AuthEvents);
    }

    [Theory]
    [MemberData(nameof(TestRoom.VersionIds), MemberType = typeof(TestRoom))]
    public void Pairs_are_no_ids_since_version_3(string versionId)
    {
        var version = Versions.Find(versionId)!;
        var json = Sample(version);
        json["prev_events"] = JsonNode.Parse("""[["$p:x",{"sha256":"x"}]]""");

        Assert.Equal(version.EventIdFormat != EventIdFormat.Chosen, Parse(json, version).Refusal is not null);
    }

    [Fact]
    public void An_event_of_version_3_and_one_of_version_4_differ_in_how_their_hash_is_spelled()
    {
        var (third, fourth) = (Parse(Sample(Versions.V3), Versions.V3).Event!.EventId, Parse(Sample(Versions.V3), Versions.V4).Event!.EventId);

        Assert.Equal(44, third.Length);
        Assert.Equal(fourth, third.Replace('+', '-').Replace('/', '_'));
    }

    [Theory]
    [InlineData("9007199254740992")]
    [InlineData("9223372036854775807")]
    public void Depth_reached_2_to_the_63rd_up_to_version_5(string depth)
    {
        foreach (var version in Versions.All)
        {
            var json = Sample(version);
            json["depth"] = JsonNode.Parse(depth);

            Assert.Equal(version.MaxDepth == long.MaxValue ? null : "depth", Refusal(json, version) is { } refusal ? refusal[..5] : null);
        }
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("9223372036854775808")]
    [InlineData("1.0")]
    public void Depth_is_no_other_number_in_any_version(string depth)
    {
        foreach (var version in Versions.All)
        {
            var json = Sample(version);
            json["depth"] = JsonNode.Parse(depth);

            Assert.Contains("depth", Refusal(json, version), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""{"a":1.50,"b":1e3,"c":-0,"d":100000000000000000000}""", """{"a":1.5,"b":1000.0,"c":0,"d":100000000000000000000}""")]
    public void Any_number_is_hashed_as_it_is_written_up_to_version_5(string content, string canonical)
    {
        foreach (var version in Versions.All)
        {
            var json = Encoding.UTF8.GetString(new TestRoom(version).Event("m.room.name", "", TestRoom.Alice, "{}").Json.Span)
                .Replace("\"content\":{}", $"\"content\":{content}", StringComparison.Ordinal);

            var parsed = Pdu.Parse(Encoding.UTF8.GetBytes(json), version);

            Assert.Equal(version.CanonicalForm == Protocol.Json.CanonicalForm.Lenient, parsed.Refusal is null);
            Assert.Equal(parsed.Refusal is null ? canonical : null, parsed.Event?.Content.GetRawText());
        }
    }

    [Fact]
    public void The_next_event_is_one_deeper_up_to_the_limit()
    {
        foreach (var version in Versions.All)
        {
            Assert.Equal(8, EventLinks.NextDepth(7, version));
            Assert.Equal(version.MaxDepth, EventLinks.NextDepth(version.MaxDepth - 1, version));
            Assert.Equal(version.MaxDepth, EventLinks.NextDepth(version.MaxDepth, version));
        }
    }

    private static JsonObject Sample(RoomVersion version) =>
        JsonNode.Parse(new TestRoom(version).Event("m.room.name", "", TestRoom.Alice, """{"name":"x"}""").Json.Span)!.AsObject();

    private static PduParse Parse(JsonObject json, RoomVersion version) => Pdu.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), version);

    private static string? Refusal(JsonObject json, RoomVersion version) => Parse(json, version).Refusal;
}
