using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.StateResolution;

/// <summary>
/// The quarrels of Synapse's tests/state/test_v2.py as facts: who did what on which fork, and which of it stands in the end.
/// </summary>
/// <remarks>Facts from https://github.com/element-hq/synapse. Each room begins with everybody joined to alice's public room.</remarks>
public sealed class SynapseScenarioTests
{
    private const string Alice = "@alice:example.com";
    private const string Bob = "@bob:example.com";
    private const string Charlie = "@charlie:example.com";
    private const string Evelyn = "@evelyn:example.com";
    private const string Zara = "@zara:example.com";

    private static readonly Act[] Beginning =
    [
        new("CREATE", Alice, EventTypes.Create, "", $$"""{"creator":"{{Alice}}"}"""),
        Join("IMA", Alice),
        Powers("IPOWER", Alice, (Alice, 100)),
        new("IJR", Alice, EventTypes.JoinRules, "", """{"join_rule":"public"}"""),
        Join("IMB", Bob),
        Join("IMC", Charlie),
        Join("IMZ", Zara),
        Message("START"),
    ];

    [Fact]
    public void A_ban_outdoes_what_the_banned_does_with_their_power() => Check(
        [
            Powers("PA", Alice, (Alice, 100), (Bob, 50)), Join("MA", Alice), Ban("MB", Alice, Bob),
            Powers("PB", Bob, (Alice, 100), (Bob, 50)),
        ],
        ["END MB MA PA START", "END PB PA"],
        ["PA", "MA", "MB"]);

    [Fact]
    public void Nobody_joins_past_join_rules_that_close_the_room() => Check(
        [new("JR", Alice, EventTypes.JoinRules, "", """{"join_rules":"private"}"""), Join("ME", Evelyn)],
        ["END JR START", "END ME START"],
        ["JR"]);

    [Fact]
    public void Power_levels_of_one_branch_stand_over_older_ones() => Check(
        [
            Powers("PA", Alice, (Alice, 100), (Bob, 50)), Powers("PB", Bob, (Alice, 100), (Bob, 50), (Charlie, 50)),
            Powers("PC", Charlie, (Alice, 100), (Bob, 50), (Charlie, 0)),
        ],
        ["END PC PB PA START", "END PA"],
        ["PC"]);

    [Fact]
    public void A_topic_of_who_was_demoted_falls() => Check(
        [
            Topic("T1", Alice), Powers("PA1", Alice, (Alice, 100), (Bob, 50)), Topic("T2", Alice),
            Powers("PA2", Alice, (Alice, 100), (Bob, 0)), Powers("PB", Bob, (Alice, 100), (Bob, 50)), Topic("T3", Bob),
        ],
        ["END PA2 T2 PA1 T1 START", "END T3 PB PA1"],
        ["PA2", "T2"]);

    [Fact]
    public void A_topic_of_who_was_banned_gives_way_to_an_older_one() => Check(
        [Topic("T1", Alice), Powers("PA", Alice, (Alice, 100), (Bob, 50)), Topic("T2", Bob), Ban("MB", Alice, Bob)],
        ["END MB T2 PA T1 START", "END T1"],
        ["T1", "MB", "PA"]);

    [Fact]
    public void A_topic_after_the_forks_have_met_stands() => Check(
        [
            Topic("T1", Alice), Powers("PA1", Alice, (Alice, 100), (Bob, 50)), Topic("T2", Alice),
            Powers("PA2", Alice, (Alice, 100), (Bob, 0)), Powers("PB", Bob, (Alice, 100), (Bob, 50)), Topic("T3", Bob), Message("MZ1"),
            Topic("T4", Alice),
        ],
        ["END T4 MZ1 PA2 T2 PA1 T1 START", "END MZ1 T3 PB PA1"],
        ["T4", "PA2"]);

    [Fact]
    public void The_topic_that_rests_on_the_latest_power_levels_stands_though_it_is_older() => Check(
        [
            Topic("T1", Alice), Powers("PA1", Alice, (Alice, 100), (Bob, 50)), Topic("T2", Alice),
            new("PA2", Alice, EventTypes.PowerLevels, "", $$$"""{"events":{"m.room.power_levels":100},"users":{"{{{Alice}}}":100,"{{{Bob}}}":50}}"""),
            Powers("PB", Bob, (Alice, 100), (Bob, 50)), Topic("T3", Bob), Topic("T4", Alice),
        ],
        ["END T3 PA2 T2 PA1 T1 START", "END T4 PB PA1"],
        ["T3", "PA2"]);

    // Each event cites what auth event selection finds in the state before it; its time is its place in the order of processing.
    private static void Check(Act[] acts, string[] edges, string[] expected)
    {
        var all = Beginning.Concat(acts).Append(Message("END")).ToDictionary(static act => act.Id);
        var prevEvents = all.Keys.ToDictionary(static id => id, static _ => new SortedSet<string>(StringComparer.Ordinal));
        foreach (var path in edges.Prepend("START IMZ IMC IMB IJR IPOWER IMA CREATE"))
        {
            foreach (var (later, earlier) in path.Split(' ').Zip(path.Split(' ').Skip(1)))
            {
                prevEvents[later].Add(earlier);
            }
        }

        var events = new List<Pdu>();
        var room = new ForkedRoom(Versions.V10, [Event(all["CREATE"], [], [], 0)]);
        while (events.Count < all.Count)
        {
            var next = prevEvents
                .Where(entry => events.TrueForAll(pdu => pdu.EventId != $"${entry.Key}")
                    && entry.Value.All(prev => events.Exists(pdu => pdu.EventId == $"${prev}")))
                .Min(static entry => entry.Key)!;
            string[] prevs = [.. prevEvents[next].Select(static id => $"${id}")];
            var before = room.Resolve([.. prevs.Select(room.StateAfter)], trace: null);
            events.Add(Event(all[next], prevs, AuthEvents(all[next], before), events.Count));
            room = new ForkedRoom(Versions.V10, events);
        }

        var start = room.StateAfter("$START");
        var expectedIds = expected.Select(static id => $"${id}").ToHashSet();
        var expectedKeys = room.StateOf(expectedIds).Keys.ToHashSet();
        var changed = room.StateAfter("$END").Where(entry => expectedKeys.Contains(entry.Key) || start.GetValueOrDefault(entry.Key) != entry.Value);

        Assert.Equal(expectedIds.Order(StringComparer.Ordinal), changed.Select(static entry => entry.Value).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> AuthEvents(Act act, State before) =>
        AuthEventSelection.Needed(Versions.V10, act.Type, act.Sender, act.StateKey, System.Text.Json.JsonElement.Parse(act.Content))
            .Where(before.ContainsKey).Select(key => before[key]);

    private static Pdu Event(Act act, IEnumerable<string> prevEvents, IEnumerable<string> authEvents, int originServerTs)
    {
        var stateKey = act.StateKey is null ? "" : $",\"state_key\":\"{act.StateKey}\"";
        var json = $$"""
            {"auth_events":[{{Ids(authEvents)}}],"content":{{act.Content}},"origin_server_ts":{{originServerTs}},"prev_events":[{{Ids(prevEvents)}}],
            "room_id":"!test:example.com","sender":"{{act.Sender}}","type":"{{act.Type}}"{{stateKey}}}
            """;
        return ForkedRoom.Event(Versions.V10, json, $"${act.Id}");
    }

    private static string Ids(IEnumerable<string> ids) => string.Join(',', ids.Select(static id => $"\"{id}\""));

    private static Act Join(string id, string user) => new(id, user, EventTypes.Member, user, """{"membership":"join"}""");

    private static Act Ban(string id, string sender, string target) => new(id, sender, EventTypes.Member, target, """{"membership":"ban"}""");

    private static Act Topic(string id, string sender) => new(id, sender, "m.room.topic", "", "{}");

    private static Act Message(string id) => new(id, Zara, "m.room.message", null, "{}");

    private static Act Powers(string id, string sender, params (string User, int Level)[] users) => new(
        id, sender, EventTypes.PowerLevels, "", $$$"""{"users":{{{{string.Join(',', users.Select(static u => $"\"{u.User}\":{u.Level}"))}}}}}""");

    private sealed record Act(string Id, string Sender, string Type, string? StateKey, string Content);
}
