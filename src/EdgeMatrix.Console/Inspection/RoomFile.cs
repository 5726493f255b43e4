using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Console.Inspection;

/// <summary>An exported room, from any server: an event a line, or one array, or a TARDIS scenario written as plain JSON.</summary>
public sealed class RoomFile
{
    private readonly List<JsonElement> _events = [];
    private readonly Dictionary<string, IReadOnlyList<string>> _givenStates = [];
    private string? _scenarioVersion;

    /// <summary>Null, and why, where the file holds no room that can be looked at.</summary>
    /// <param name="roomVersion">Null: the one that the create event, or else the scenario, names.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static RoomGraph? Read(string path, string? roomVersion, out string? problem)
    {
        var content = new RoomFile();
        try
        {
            using var file = File.OpenRead(path);
            foreach (var value in JsonSerializer.DeserializeAsyncEnumerable(
                file, InspectionJson.Default.JsonElement, topLevelValues: true).ToBlockingEnumerable())
            {
                content.Take(value);
            }
        }
        catch (JsonException failure)
        {
            problem = $"{path} is no exported room: {failure.Message}";
            return null;
        }

        var room = content.Read(roomVersion, out problem);
        problem = problem is null ? null : $"{path}: {problem}";
        return room;
    }

    private void Take(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Array)
        {
            _events.AddRange(value.EnumerateArray());
        }
        else if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("tardis_version", out _)
            && value.TryGetProperty("events", out var events) && events.ValueKind == JsonValueKind.Array)
        {
            _scenarioVersion = GivenEvent.StringOf(value, "room_version");
            _events.AddRange(events.EnumerateArray());
            TakeGivenStates(value);
        }
        else
        {
            _events.Add(value);
        }
    }

    private void TakeGivenStates(JsonElement scenario)
    {
        if (!scenario.TryGetProperty("precalculated_state_after", out var states) || states.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (var state in states.EnumerateObject())
        {
            if (state.Value.ValueKind == JsonValueKind.Array)
            {
                _givenStates[state.Name] =
                    [.. state.Value.EnumerateArray().Where(static id => id.ValueKind == JsonValueKind.String).Select(static id => id.GetString()!)];
            }
        }
    }

    private RoomGraph? Read(string? roomVersion, out string? problem)
    {
        if (_events.Count == 0)
        {
            problem = "there is no event in it";
            return null;
        }

        if ((roomVersion is null ? OwnVersion() : RoomVersions.Find(roomVersion)) is not { } version)
        {
            problem = roomVersion is null
                ? "its room version is not one that this EdgeMatrix knows; name one with --room-version"
                : $"this EdgeMatrix does not know the room version {roomVersion}";
            return null;
        }

        var events = new List<Pdu>(_events.Count);
        foreach (var json in _events)
        {
            if (GivenEvent.Read(json, version, out problem) is not { } pdu)
            {
                return null;
            }

            events.Add(pdu);
        }

        problem = null;
        return new RoomGraph(version, events, newest: events[^1], _givenStates);
    }

    // As the create event says; scenarios, whose create events may say nothing, say it themselves.
    private RoomVersion? OwnVersion()
    {
        var create = _events.Find(static json => GivenEvent.StringOf(json, "type") == EventTypes.Create);
        return (GivenEvent.VersionNamedBy(create) ?? _scenarioVersion ?? (create.ValueKind == JsonValueKind.Undefined ? null : "1")) is { } named
            ? RoomVersions.Find(named)
            : null;
    }
}
