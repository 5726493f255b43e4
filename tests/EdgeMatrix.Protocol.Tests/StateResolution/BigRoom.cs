using System.Globalization;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.StateResolution;
using EdgeMatrix.Protocol.Tests.StateResolution.Differential;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.StateResolution;

/// <summary>A public room of version 12 with many members, whose unconflicted state counts how it is asked.</summary>
internal sealed class BigRoom : IUnconflictedState
{
    private const string Creator = "@creator:a";

    private readonly Dictionary<(string Type, string StateKey), long> _state = [];
    private readonly string _roomId;
    private string _powerLevels;

    public BigRoom(int members)
    {
        var createId = "$create";
        _roomId = "!create";
        Add(createId, EventTypes.Create, "", Creator, """{"room_version":"12"}""", []);
        Add("$creator", EventTypes.Member, Creator, Creator, """{"membership":"join"}""", []);
        _powerLevels = "$levels";
        Add(_powerLevels, EventTypes.PowerLevels, "", Creator, "{}", ["$creator"]);
        Add("$rules", EventTypes.JoinRules, "", Creator, """{"join_rule":"public"}""", [_powerLevels, "$creator"]);
        foreach (var pdu in Events.All)
        {
            _state[(pdu.Type, pdu.StateKey!)] = Events.NumberOf(pdu.EventId);
        }

        for (var member = 0; member < members; member++)
        {
            _state[(EventTypes.Member, Member(member))] = Join($"$join{member}", Member(member), []);
        }
    }

    public ListedEvents Events { get; } = new();

    /// <summary>How often the unconflicted state was asked for an event.</summary>
    public int Finds { get; private set; }

    /// <summary>How many of its events were visited one after another.</summary>
    public int Visited { get; private set; }

    public static string Member(int member) => string.Create(CultureInfo.InvariantCulture, $"@member{member}:a");

    /// <summary>The member again, with the join before among its auth events.</summary>
    public long Rename(int member, string fork) =>
        Join($"$rename{member}{fork}", Member(member), [$"$join{member}"]);

    public long Join(string eventId, string userId, string[] membership) =>
        Add(eventId, EventTypes.Member, userId, userId, """{"membership":"join"}""", [_powerLevels, "$rules", .. membership]);

    /// <summary>New power levels on top of those that stand.</summary>
    public long ChangePowerLevels(string eventId)
    {
        var number = Add(eventId, EventTypes.PowerLevels, "", Creator, "{}", [_powerLevels, "$creator"]);
        _state[(EventTypes.PowerLevels, "")] = number;
        _powerLevels = eventId;
        return number;
    }

    public StateConflict Conflict(params ConflictedKey[] keys) => new(Versions.V12, _roomId, keys[0].Candidates.Count, keys, this);

    public long Find(string type, string stateKey)
    {
        Finds++;
        return _state.GetValueOrDefault((type, stateKey));
    }

    public IEnumerable<long> After(long number)
    {
        foreach (var other in _state.Values.Where(other => other > number))
        {
            Visited++;
            yield return other;
        }
    }

    private long Add(string eventId, string type, string stateKey, string sender, string content, IEnumerable<string> authEvents)
    {
        var roomId = type == EventTypes.Create ? "" : $"\"room_id\":\"{_roomId}\",";
        var json = $$"""
            {"auth_events":[{{string.Join(',', authEvents.Select(static id => $"\"{id}\""))}}],"content":{{content}},"depth":1,
            "origin_server_ts":{{Events.All.Count}},"prev_events":[],{{roomId}}"sender":"{{sender}}","state_key":"{{stateKey}}","type":"{{type}}"}
            """;
        Events.Add(ForkedRoom.Event(Versions.V12, json, eventId));
        return Events.NumberOf(eventId);
    }
}
