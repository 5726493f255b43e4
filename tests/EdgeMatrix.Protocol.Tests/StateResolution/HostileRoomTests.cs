using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;
using EdgeMatrix.Protocol.Tests.StateResolution.Differential;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.StateResolution;

/// <summary>What no honest server sends has an outcome like anything else, and takes no longer.</summary>
public sealed class HostileRoomTests
{
    private const string Alice = "@alice:a";

    private static readonly Pdu[] Room =
    [
        Event("$create", EventTypes.Create, "", """{"creator":"@alice:a"}""", []),
        Event("$alice", EventTypes.Member, Alice, """{"membership":"join"}""", ["$create"]),
        Event("$levels", EventTypes.PowerLevels, "", """{"users":{"@alice:a":100}}""", ["$create", "$alice"]),
    ];

    public static TheoryData<string> Algorithms => ["1", "2"];

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Events_that_cite_one_another_in_a_circle_end_in_a_state(string version)
    {
        Pdu[] circle =
        [
            Event("$p1", EventTypes.PowerLevels, "", """{"users":{"@alice:a":100}}""", ["$create", "$alice", "$p2"]),
            Event("$p2", EventTypes.PowerLevels, "", """{"users":{"@alice:a":100}}""", ["$create", "$alice", "$p3"]),
            Event("$p3", EventTypes.PowerLevels, "", """{"users":{"@alice:a":100}}""", ["$create", "$alice", "$p1"]),
            Event("$self", "m.room.topic", "", "{}", ["$create", "$alice", "$p1", "$self"]),
            Event("$topic", "m.room.topic", "", "{}", ["$create", "$alice", "$p3"]),
        ];

        var resolved = Resolve(version, [.. Room, .. circle], ["$p1", "$self"], ["$p2", "$topic"]);

        Assert.Equal(resolved, Resolve(version, [.. circle.Reverse(), .. Room], ["$p2", "$topic"], ["$p1", "$self"]));
        Assert.Equal(4, resolved.Count());
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void A_source_whose_numbers_do_not_fall_ends_in_a_state(string version)
    {
        var source = new Circle();
        var conflict = new StateConflict(
            Versions.Find(version)!, "!room:a", 2, [new ConflictedKey(EventTypes.PowerLevels, "", [1, 2])], new NoState());

        Assert.InRange(StateResolver.Resolve(conflict, source).Count, 0, 1);
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Events_of_another_room_and_events_without_a_state_key_are_in_no_state(string version)
    {
        Pdu[] strange =
        [
            Event("$elsewhere", "m.room.topic", "", "{}", ["$create", "$alice", "$levels"], room: "!other:a"),
            Event("$message", "m.room.topic", null, "{}", ["$create", "$alice", "$levels"]),
        ];

        Assert.Equal(["$alice", "$create", "$levels"], Resolve(version, [.. Room, .. strange], ["$levels", "$elsewhere"], ["$levels", "$message"]));
    }

    /// <summary>"… the appropriate state event from the event's auth_events is used if the auth event is not rejected."</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_rejected_auth_event_lets_nobody_in(bool rejected)
    {
        Pdu[] events =
        [
            .. Room,
            Event("$rules", EventTypes.JoinRules, "", """{"join_rule":"public"}""", ["$create", "$alice", "$levels"]),
            Event("$bob", EventTypes.Member, "@bob:a", """{"membership":"join"}""", ["$create", "$levels", "$rules"], sender: "@bob:a"),
            Event("$topic", "m.room.topic", "", "{}", ["$create", "$alice", "$levels"]),
        ];
        var graph = new EventGraph(events, rejected ? ["$rules"] : []);
        var conflict = StateConflict.Between(Versions.V2, "!room:a", [State("$levels", "$rules", "$bob"), State("$levels", "$topic")]);

        var resolved = StateResolver.Resolve(conflict, graph).Select(entry => graph[entry.Number].EventId).Order(StringComparer.Ordinal);

        // The rejected rules are replayed themselves, as the text has it; they are in the state then, and count for nothing in it.
        Assert.Equal(rejected ? ["$rules", "$topic"] : ["$bob", "$rules", "$topic"], resolved);

        Dictionary<(string Type, string StateKey), long> State(params string[] ids) =>
            ids.Prepend("$alice").Prepend("$create").Select(graph.NumberOf).ToDictionary(number => (graph[number].Type, graph[number].StateKey!));
    }

    [Fact]
    public void More_states_than_a_word_has_bits_are_states_like_others()
    {
        Pdu[] topics = [.. Enumerable.Range(0, 200).Select(static n =>
            Event($"$topic{n:d3}", "m.room.topic", "", "{}", ["$create", "$alice", "$levels"]))];

        var resolved = Resolve("2", [.. Room, .. topics], [.. topics.Select(static topic => new[] { "$levels", topic.EventId })]);

        Assert.Equal(["$alice", "$create", "$levels", "$topic199"], resolved);
    }

    /// <remarks>Facts from https://github.com/matrix-org/gomatrixserverlib, stateresolution_test.go, commit ffcbbd38fba6.</remarks>
    [Fact]
    public void Version_1_picks_the_deepest_and_of_two_as_deep_the_one_of_the_lower_hash()
    {
        Pdu[] topics =
        [
            Event("@1:a", "m.room.topic", "", "{}", ["$create"], depth: 1), Event("@2:a", "m.room.topic", "", "{}", ["$create"], depth: 2),
            Event("@3:b", "m.room.topic", "", "{}", ["$create"], depth: 2),
        ];

        var resolved = Resolve("1", [.. Room, .. topics], ["$levels", "@1:a"], ["$levels", "@3:b"], ["$levels", "@2:a"]);

        Assert.Contains("@2:a", resolved);
    }

    [Theory]
    [InlineData("$a", "$b")]
    [InlineData("$a", "$aa")]
    [InlineData("$\uFFFD", "$\U0001F600")]
    [InlineData("$\U0001F600", "$\U0001F601")]
    [InlineData("$Z", "$a")]
    public void Event_ids_are_ordered_by_code_point(string smaller, string greater)
    {
        Assert.True(EventIdOrder.Compare(smaller, greater) < 0);
        Assert.True(EventIdOrder.Compare(greater, smaller) > 0);
        Assert.Equal(0, EventIdOrder.Compare(smaller, smaller));
    }

    [Fact]
    public void A_key_that_is_in_no_conflict_is_a_mistake_of_the_caller() => Assert.Throws<ArgumentException>(() =>
        new StateConflict(Versions.V11, "!room:a", 2, [new ConflictedKey("m.room.topic", "", [1, 1])], new NoState()));

    private static IEnumerable<string> Resolve(string version, IReadOnlyList<Pdu> events, params string[][] states)
    {
        var graph = new EventGraph(events, rejected: []);
        return TestedResolution.Resolve(Versions.Find(version)!, "!room:a", [.. states.Select(StateOf)], graph, number => graph[number].EventId, trace: null)
            .SortedIds;

        State StateOf(string[] ids) => ForkedRoom.StateOf(ids.Prepend("$alice").Prepend("$create").Select(id => AsState(graph[graph.NumberOf(id)])));
    }

    // A state that claims to have an event without a state key.
    private static Pdu AsState(Pdu pdu) => pdu.IsState ? pdu : Event(pdu.EventId, pdu.Type, "", "{}", []);

    private static Pdu Event(
        string eventId, string type, string? stateKey, string content, string[] authEvents, string room = "!room:a", int depth = 1, string sender = Alice)
    {
        var auth = string.Join(',', authEvents.Select(static id => $$"""["{{id}}",{}]"""));
        var key = stateKey is null ? "" : $",\"state_key\":\"{stateKey}\"";
        var json = $$"""
            {"auth_events":[{{auth}}],"content":{{content}},"depth":{{depth}},"event_id":"{{eventId}}","origin_server_ts":1,"prev_events":[],
            "room_id":"{{room}}","sender":"{{sender}}","type":"{{type}}"{{key}}}
            """;
        return ForkedRoom.Event(Versions.V1, json, eventId);
    }

    private sealed class NoState : IUnconflictedState
    {
        public long Find(string type, string stateKey) => 0;

        public IEnumerable<long> After(long number) => [];
    }

    // Two power levels events, each after the other.
    private sealed class Circle : IEventSource
    {
        private static readonly long[] First = [1];
        private static readonly long[] Second = [2];

        public long NumberOf(string eventId) => 0;

        public ReadOnlySpan<long> AuthEventsOf(long number) => number == 1 ? Second : First;

        public Pdu? Find(long number) => Event($"$p{number}", EventTypes.PowerLevels, "", "{}", []);

        public bool IsRejected(long number) => false;
    }
}
