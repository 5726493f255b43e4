using System.Globalization;
using System.Text;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Benchmarks.StateResolution;

/// <summary>
/// A room of version 12 as a store has it: the bytes of its events, read anew whenever one is asked for, so that what a resolution keeps in
/// memory is its own.
/// </summary>
internal sealed class StoredRoom : IEventSource, IUnconflictedState
{
    public const string Creator = "@creator:example.org";
    public const string RoomId = "!aJvLvjQ1dKZ5W0c1fHdGHY4cI2oD1kYB8zM3nQeRt7u";

    private static readonly RoomVersion Version = RoomVersions.V12;

    private readonly List<(string EventId, byte[] Json, long[] AuthEvents)> _events = [];
    private readonly Dictionary<string, long> _numbers = [];
    private readonly Dictionary<(string Type, string StateKey), long> _state = [];

    public StoredRoom()
    {
        Create = Add("$" + RoomId[1..], EventTypes.Create, "", Creator, """{"room_version":"12"}""", []);
        CreatorJoin = Add(NewId(), EventTypes.Member, Creator, Creator, """{"membership":"join"}""", []);
        PowerLevels = Add(NewId(), EventTypes.PowerLevels, "", Creator, """{"users":{}}""", [CreatorJoin]);
        JoinRules = Add(NewId(), EventTypes.JoinRules, "", Creator, """{"join_rule":"public"}""", [CreatorJoin, PowerLevels]);
        Set(EventTypes.Create, "", Create);
        Set(EventTypes.Member, Creator, CreatorJoin);
        Set(EventTypes.PowerLevels, "", PowerLevels);
        Set(EventTypes.JoinRules, "", JoinRules);
    }

    public long Create { get; }

    public long CreatorJoin { get; }

    public long PowerLevels { get; }

    public long JoinRules { get; }

    /// <summary>Bytes of all the events.</summary>
    public long StoredBytes => _events.Sum(static stored => (long)stored.Json.Length);

    public static string Member(int member) => string.Create(CultureInfo.InvariantCulture, $"@member-number-{member}:server{member % 50}.example.org");

    public long Join(string userId, string displayName, params long[] membership) => Add(
        NewId(), EventTypes.Member, userId, userId,
        $$"""{"avatar_url":"mxc://example.org/hvQ1dKZ5W0c1fHdGHY4cI2oD","displayname":"{{displayName}}","membership":"join"}""",
        [PowerLevels, JoinRules, .. membership]);

    public long Add(string eventId, string type, string stateKey, string sender, string content, long[] authEvents)
    {
        var roomId = type == EventTypes.Create ? "" : $"\"room_id\":\"{RoomId}\",";
        var cited = string.Join(',', authEvents.Select(number => $"\"{_events[(int)number - 1].EventId}\""));
        var json = $$$"""
            {"auth_events":[{{{cited}}}],"content":{{{content}}},"depth":{{{_events.Count}}},"hashes":{"sha256":"{{{eventId[1..]}}}"},
            "origin_server_ts":{{{1_700_000_000_000 + _events.Count}}},"prev_events":["{{{eventId}}}"],{{{roomId}}}"sender":"{{{sender}}}",
            "signatures":{"example.org":{"ed25519:auto":"{{{eventId[1..]}}}{{{eventId[1..]}}}"}},"state_key":"{{{stateKey}}}","type":"{{{type}}}"}
            """;
        _events.Add((eventId, Encoding.UTF8.GetBytes(json.ReplaceLineEndings("")), authEvents));
        _numbers.Add(eventId, _events.Count);
        return _events.Count;
    }

    public string NewId() => string.Create(CultureInfo.InvariantCulture, $"${_events.Count:d43}");

    public void Set(string type, string stateKey, long number) => _state[(type, stateKey)] = number;

    public StateConflict Conflict(IReadOnlyList<ConflictedKey> keys) => new(Version, RoomId, keys[0].Candidates.Count, keys, this);

    public long NumberOf(string eventId) => _numbers.GetValueOrDefault(eventId);

    public ReadOnlySpan<long> AuthEventsOf(long number) => _events[(int)number - 1].AuthEvents;

    public Pdu? Find(long number)
    {
        var (eventId, json, _) = _events[(int)number - 1];
        return Pdu.FromStored(json, Version, eventId);
    }

    public bool IsRejected(long number) => false;

    public long Find(string type, string stateKey) => _state.GetValueOrDefault((type, stateKey));

    public IEnumerable<long> After(long number) => _state.Values.Where(other => other > number);
}
