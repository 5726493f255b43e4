using System.Globalization;
using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Protocol.Tests.StateResolution.Differential;

/// <summary>
/// A room in which people quarrel on several servers that do not hear one another: bans, kicks, demotions and join rules on forks of forks,
/// with equal times and levels, outdated states from other servers, and auth events from another branch. The same for the same seed.
/// </summary>
internal sealed class RoomGenerator
{
    private static readonly string[] People = ["@alice:a", "@bob:b", "@carol:c", "@dave:a", "@eve:b"];
    private static readonly string[] Rules = ["public", "invite", "knock", "restricted"];
    private static readonly string[] Scalars = ["ban", "kick", "invite", "state_default", "users_default"];
    private static readonly long[] Levels = [0, 0, 25, 50, 50, 75, 100];

    private readonly Random _random;
    private readonly RoomVersion _version;
    private readonly bool _withRejected;
    private string _roomId = "!room:a";
    private readonly Dictionary<string, State> _stateAfter = [];
    private readonly Dictionary<string, State> _merged = [];
    private readonly List<string> _timeline = [];
    private readonly List<string> _heads = [];

    /// <param name="withRejected">Whether some events are rejected by the state before them, and stand in a state all the same.</param>
    public RoomGenerator(int seed, RoomVersion version, bool withRejected)
    {
        _random = new Random(seed);
        _version = version;
        _withRejected = withRejected;
        Begin();
        var steps = 8 + _random.Next(30);
        for (var step = 0; step < steps; step++)
        {
            Step();
        }

        AddInputs();
    }

    public ListedEvents Events { get; } = new();

    public RoomVersion Version => _version;

    public string RoomId => _roomId;

    /// <summary>States to resolve: of every merge in the room, of its ends, and some that no honest server would have.</summary>
    public List<IReadOnlyList<State>> Inputs { get; } = [];

    private void Begin()
    {
        var additional = _version.PrivilegedCreators && Chance(30) ? ""","additional_creators":["@bob:b"]""" : "";
        var create = $$"""{"creator":"{{People[0]}}","room_version":"{{_version.Id}}"{{additional}}}""";
        Apply(Build(EventTypes.Create, "", People[0], create, [], []));
        Send(EventTypes.Member, People[0], People[0], """{"membership":"join"}""");
        if (Chance(90))
        {
            var creator = _version.PrivilegedCreators ? "" : $"\"{People[0]}\":100,";
            Send(EventTypes.PowerLevels, "", People[0], $$$"""{"users":{{{{creator}}}"{{{People[2]}}}":{{{Levels[_random.Next(Levels.Length)]}}}}}""");
        }

        if (Chance(90))
        {
            Send(EventTypes.JoinRules, "", People[0], """{"join_rule":"public"}""");
        }

        foreach (var person in People[1..])
        {
            if (Chance(80))
            {
                Send(EventTypes.Member, person, person, """{"membership":"join"}""");
            }
        }
    }

    private void Step()
    {
        if (_heads.Count < 4 && Chance(25))
        {
            _heads.Add(_timeline[_random.Next(Math.Max(0, _timeline.Count - 12), _timeline.Count)]);
        }
        else if (_heads.Count > 1 && Chance(15))
        {
            var first = Take(_heads);
            var second = Take(_heads);
            Act(first == second ? [first] : [first, second]);
            return;
        }

        Act([Take(_heads)]);
    }

    // The heads that were taken are replaced by the new event; if nobody may do anything, they stay.
    private void Act(string[] prevEvents)
    {
        var before = _heads.ToList();
        for (var attempt = 0; attempt < 8; attempt++)
        {
            var sender = People[_random.Next(People.Length)];
            var (type, stateKey, content) = Action(sender, StateBefore(prevEvents));
            if (Send(type, stateKey, sender, content, prevEvents))
            {
                return;
            }
        }

        _heads.Clear();
        _heads.AddRange([.. before, .. prevEvents]);
    }

    private (string Type, string StateKey, string Content) Action(string sender, State state)
    {
        var target = People[_random.Next(People.Length)];
        return _random.Next(100) switch
        {
            < 22 => (EventTypes.PowerLevels, "", NewPowerLevels(state)),
            < 40 => (EventTypes.Member, target, Membership("ban")),
            < 52 => (EventTypes.Member, target, Membership("leave")),
            < 66 => (EventTypes.Member, sender, Join(state)),
            < 72 => (EventTypes.Member, target, Membership("invite")),
            < 75 => (EventTypes.Member, sender, Membership("knock")),
            < 84 => (EventTypes.JoinRules, "", $$"""{"join_rule":"{{Rules[_random.Next(Rules.Length)]}}"}"""),
            < 86 => (EventTypes.PowerLevels, "odd", "{}"),
            < 88 => (EventTypes.JoinRules, "odd", """{"join_rule":"public"}"""),
            < 94 => ("m.room.topic", "", $$"""{"topic":"{{_random.Next(1000)}}"}"""),
            _ => ("org.example.thing", sender, "{}"),
        };
    }

    private static string Membership(string membership) => $$"""{"membership":"{{membership}}"}""";

    private string Join(State state) =>
        Chance(30) && state.ContainsKey((EventTypes.Member, "@bob:b"))
            ? """{"join_authorised_via_users_server":"@bob:b","membership":"join"}"""
            : Membership("join");

    // One change or two to the levels that stand.
    private string NewPowerLevels(State state)
    {
        var users = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var levels = new SortedDictionary<string, long>(StringComparer.Ordinal);
        if (state.TryGetValue((EventTypes.PowerLevels, ""), out var current))
        {
            foreach (var property in Events[current].Content.EnumerateObject())
            {
                if (property.Value.ValueKind != JsonValueKind.Object)
                {
                    levels[property.Name] = NaiveResolutionV2.Level(property.Value);
                }
                else if (property.Name == "users")
                {
                    foreach (var user in property.Value.EnumerateObject())
                    {
                        users[user.Name] = NaiveResolutionV2.Level(user.Value);
                    }
                }
            }
        }

        for (var change = _random.Next(1, 3); change > 0; change--)
        {
            var level = Levels[_random.Next(Levels.Length)];
            if (Chance(75))
            {
                users[People[_random.Next(_version.PrivilegedCreators ? 1 : 0, People.Length)]] = level;
            }
            else
            {
                levels[Scalars[_random.Next(Scalars.Length)]] = level;
            }
        }

        var entries = users.Select(user => $"\"{user.Key}\":{Written(user.Value)}");
        var scalars = levels.Select(level => $"\"{level.Key}\":{Written(level.Value)},");
        return "{" + string.Concat(scalars) + "\"users\":{" + string.Join(',', entries) + "}}";
    }

    // Before version 10, a power level may be a string.
    private string Written(long level) =>
        level.ToString(_version.IntegerPowerLevels || Chance(90) ? "D" : "'\"'0'\"'", CultureInfo.InvariantCulture);

    private bool Send(string type, string stateKey, string sender, string content, string[]? prevEvents = null)
    {
        prevEvents ??= [_timeline[^1]];
        var before = StateBefore(prevEvents);

        // Now and then a server cites what another branch has, or had.
        var authState = Chance(6) ? _stateAfter[_timeline[_random.Next(_timeline.Count)]] : before;
        var authEvents = AuthEventSelection.Needed(_version, type, sender, stateKey, JsonElement.Parse(content))
            .Where(authState.ContainsKey).Select(key => authState[key]).Distinct().ToList();
        return Apply(Build(type, stateKey, sender, content, prevEvents, authEvents));
    }

    private bool Apply(Pdu pdu)
    {
        string[] prevEvents = [.. pdu.PrevEvents];
        var before = StateBefore(prevEvents);
        var cited = ForkedRoom.StateOf(pdu.AuthEvents.Select(id => Events[id]));
        if (_version.CreateEventIsRoomId && pdu.Type != EventTypes.Create)
        {
            cited[(EventTypes.Create, "")] = "$" + _roomId[1..];
        }

        if (!Check(pdu, cited) || pdu.AuthEvents.Any(Events.Rejected.Contains))
        {
            return false;
        }

        var allowed = Check(pdu, before);
        if (!allowed && !(_withRejected && Chance(50)))
        {
            return false;
        }

        Events.Add(pdu);
        var after = new State(before);
        if (allowed)
        {
            after[(pdu.Type, pdu.StateKey!)] = pdu.EventId;
        }
        else
        {
            Events.Rejected.Add(pdu.EventId);
        }

        _timeline.Add(pdu.EventId);
        _heads.RemoveAll(prevEvents.Contains);
        _heads.Add(pdu.EventId);
        _stateAfter[pdu.EventId] = Chance(4) ? Outdated(after) : after;
        return true;
    }

    private bool Check(Pdu pdu, State state) =>
        EventAuth.CheckAgainstState(pdu, (type, stateKey) => state.TryGetValue((type, stateKey), out var id) ? Events[id] : null).Allowed;

    private Pdu Build(string type, string stateKey, string sender, string content, string[] prevEvents, List<string> authEvents)
    {
        var roomId = _version.CreateEventIsRoomId && type == EventTypes.Create ? "" : $"\"room_id\":\"{_roomId}\",";
        var chosenId = _version.EventIdFormat == EventIdFormat.Chosen ? $"\"event_id\":\"${_random.NextInt64():x}:a\"," : "";
        var depth = Chance(10) ? _random.Next(20) : 1 + prevEvents.Select(id => Events[id].Depth).DefaultIfEmpty().Max();
        var json = $$$"""
            {"auth_events":[{{{References(authEvents)}}}],"content":{{{content}}},"depth":{{{depth}}},{{{chosenId}}}
            "hashes":{"sha256":"{{{_random.NextInt64()}}}"},"origin_server_ts":{{{_random.Next(12)}}},"prev_events":[{{{References(prevEvents)}}}],
            {{{roomId}}}"sender":"{{{sender}}}","signatures":{},"state_key":"{{{stateKey}}}","type":"{{{type}}}"}
            """;
        var eventId = EventHashes.EventId(JsonElement.Parse(json), _version);
        if (_version.CreateEventIsRoomId && type == EventTypes.Create)
        {
            _roomId = $"!{eventId[1..]}";
        }

        return ForkedRoom.Event(_version, json, eventId);
    }

    private string References(IEnumerable<string> ids) => string.Join(',', ids.Select(
        id => _version.EventIdFormat == EventIdFormat.Chosen ? $$"""["{{id}}",{"sha256":"x"}]""" : $"\"{id}\""));

    private State StateBefore(string[] prevEvents)
    {
        if (prevEvents.Length < 2)
        {
            return prevEvents.Length == 0 ? new State() : _stateAfter[prevEvents[0]];
        }

        var merge = string.Join(' ', prevEvents);
        if (!_merged.TryGetValue(merge, out var merged))
        {
            State[] states = [.. prevEvents.Select(id => _stateAfter[id])];
            Inputs.Add(states);
            merged = TestedResolution.Resolve(_version, _roomId, states, Events, trace: null);
            _merged.Add(merge, merged);
        }

        return merged;
    }

    private void AddInputs()
    {
        var ends = _heads.Distinct().Select(id => _stateAfter[id]).ToList();
        Inputs.Add(ends);
        Inputs.Add([.. ends.Select(end => Chance(60) ? Outdated(end) : end), _stateAfter[_timeline[_random.Next(_timeline.Count)]]]);
        Inputs.Add([Outdated(ends[0]), Outdated(Outdated(ends[^1]))]);
    }

    // As from a server that knows of an older event, of a rejected one, or of none for one key.
    private State Outdated(State state)
    {
        var outdated = new State(state);
        var (type, stateKey) = outdated.Keys.Order().ElementAt(_random.Next(outdated.Count));
        if (type == EventTypes.Create)
        {
            return outdated;
        }

        var all = Events.All.Where(pdu => pdu.Type == type && pdu.StateKey == stateKey).ToList();
        if (Chance(15) || all.Count == 0)
        {
            outdated.Remove((type, stateKey));
        }
        else
        {
            outdated[(type, stateKey)] = all[_random.Next(all.Count)].EventId;
        }

        return outdated;
    }

    private string Take(List<string> list) => list[_random.Next(list.Count)];

    private bool Chance(int percent) => _random.Next(100) < percent;
}
