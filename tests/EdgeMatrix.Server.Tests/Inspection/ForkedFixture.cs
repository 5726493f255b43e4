using System.Text.Json.Nodes;

namespace EdgeMatrix.Server.Tests.Inspection;

/// <summary>A room of the state resolution's fixtures, with an event that merges its forks.</summary>
internal sealed record ForkedFixture(List<JsonObject> Events, string RoomVersion, IReadOnlyDictionary<string, string[]> GivenStates, string[] Resolved)
{
    public const string Merge = "$merge";

    public static ForkedFixture Read(string name)
    {
        var fixture = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Inspection", "Fixtures", $"{name}.json")))!.AsObject();
        var events = fixture["events"]!.AsArray().Select(static e => e!.DeepClone().AsObject()).ToList();
        var cited = events.SelectMany(static e => Strings(e["prev_events"]!)).ToHashSet();
        string[] leaves = [.. events.Select(static e => (string)e["event_id"]!).Where(id => !cited.Contains(id))];
        var given = new Dictionary<string, string[]>();
        if (fixture["states"] is JsonArray states)
        {
            for (var i = 0; i < leaves.Length; i++)
            {
                given.Add(leaves[i], [.. Strings(states[i]!)]);
            }
        }

        events.Add(new JsonObject
        {
            ["event_id"] = Merge,
            ["room_id"] = events[^1]["room_id"]!.DeepClone(),
            ["type"] = "m.room.message",
            ["sender"] = "@alice:example.com",
            ["origin_server_ts"] = 1000,
            ["content"] = new JsonObject { ["body"] = "merged" },
            ["prev_events"] = new JsonArray([.. leaves.Select(static id => (JsonNode)id)]),
            ["auth_events"] = new JsonArray(),
        });
        return new ForkedFixture(
            events, (string)events[0]["content"]!["room_version"]!, given, [.. Strings(fixture["resolved"]!).Order(StringComparer.Ordinal)]);
    }

    /// <summary>As a TARDIS scenario.</summary>
    public string ToScenario() => new JsonObject
    {
        ["tardis_version"] = 1,
        ["room_version"] = RoomVersion,
        ["calculate_event_ids"] = false,
        ["events"] = new JsonArray([.. Events.Select(static e => e.DeepClone())]),
        ["precalculated_state_after"] = new JsonObject(GivenStates.Select(static state =>
            KeyValuePair.Create(state.Key, (JsonNode?)new JsonArray([.. state.Value.Select(static id => (JsonNode)id)])))),
    }.ToJsonString();

    private static IEnumerable<string> Strings(JsonNode list) => list.AsArray().Select(static item => (string)item!);
}
