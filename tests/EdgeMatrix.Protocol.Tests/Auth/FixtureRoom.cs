using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Auth;

/// <summary>The room of a fixture in one room version: what its events leave out is filled in.</summary>
internal sealed class FixtureRoom
{
    private const string SomeHash = "GbmCrCoS6hg7+rHjhc+kTlcVaHN8T34OUcQTlThoGh0";

    private readonly AuthFixture _fixture;
    private readonly RoomVersion _version;
    private readonly Dictionary<(string Type, string StateKey), Pdu> _state = [];
    private Pdu? _create;

    public FixtureRoom(AuthFixture fixture, string versionId)
    {
        _fixture = fixture;
        _version = Versions.Find(versionId)!;
        foreach (var item in fixture.Room.GetProperty("state").EnumerateArray())
        {
            var (pdu, refusal) = Parse(item);
            Assert.Null(refusal);
            _state.Add((pdu!.Type, pdu.StateKey!), pdu);
            _create ??= pdu;
        }
    }

    public StateLookup State => Find;

    public PduParse Candidate() => Parse(_fixture.Event);

    public IReadOnlyList<Pdu> AuthEventsOf(Pdu candidate) =>
    [
        .. AuthEventSelection.Needed(_version, candidate.Type, candidate.Sender, candidate.StateKey, candidate.Content)
            .Select(pair => Find(pair.Type, pair.StateKey)).OfType<Pdu>(),
    ];

    /// <summary>A state of these events, and of the create event, which a version may leave out of them.</summary>
    public StateLookup Only(IReadOnlyList<Pdu> authEvents) =>
        (type, stateKey) => Find(type, stateKey) is { } found && (authEvents.Contains(found) || found == _create) ? found : null;

    private Pdu? Find(string type, string stateKey) => _state.GetValueOrDefault((type, stateKey));

    private PduParse Parse(JsonElement item)
    {
        var json = JsonNode.Parse(item.GetRawText())!.AsObject();
        json["prev_events"] = new JsonArray([.. (json["prev_events"]?.AsArray() ?? []).Select(id => Cite((string)id!))]);
        json["auth_events"] = new JsonArray();
        json["hashes"] = JsonNode.Parse($$"""{"sha256":"{{SomeHash}}"}""");
        json["signatures"] = new JsonObject();
        json["depth"] = 1;
        json["origin_server_ts"] = 1;
        if (!(_version.CreateEventIsRoomId && (string?)json["type"] == EventTypes.Create))
        {
            json["room_id"] ??= _version.CreateEventIsRoomId ? _create!.RoomId : "!r1:a";
        }

        if (_version.EventIdFormat == EventIdFormat.Chosen)
        {
            json["event_id"] ??= string.Create(CultureInfo.InvariantCulture, $"$e{_state.Count}:a");
        }

        return Pdu.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), _version);
    }

    // "$create" is the create event, and anything else an event that the room does not show.
    private JsonNode Cite(string id)
    {
        var hash = TestRoom.SomeEventId;
        if (_version.EventIdFormat == EventIdFormat.Chosen)
        {
            return new JsonArray(id == "$create" ? _create?.EventId ?? "$e0:a" : "$other:a", JsonNode.Parse($$"""{"sha256":"{{SomeHash}}"}"""));
        }

        return id == "$create" ? _create!.EventId : hash;
    }
}
