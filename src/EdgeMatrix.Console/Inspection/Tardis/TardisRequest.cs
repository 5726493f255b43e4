using System.Text.Json;

namespace EdgeMatrix.Console.Inspection.Tardis;

/// <summary>What TARDIS wants resolved: the states after the prev events of an event, each event as its id.</summary>
internal sealed record TardisRequest(string RoomVersion, IReadOnlyList<IReadOnlyDictionary<(string Type, string StateKey), string>> States, JsonElement Event)
{
    /// <summary>More prev events than any event may have.</summary>
    private const int MaxStates = 64;

    /// <exception cref="TardisException">It is not what TARDIS would ask.</exception>
    public static TardisRequest Read(JsonElement data)
    {
        if (!data.TryGetProperty("state", out var states) || states.ValueKind != JsonValueKind.Array || states.GetArrayLength() > MaxStates)
        {
            throw new TardisException($"data.state is not an array of at most {MaxStates} states");
        }

        if (!data.TryGetProperty("event", out var atEvent) || atEvent.ValueKind != JsonValueKind.Object)
        {
            throw new TardisException("data.event is not an event");
        }

        return new TardisRequest(
            GivenEvent.StringOf(data, "room_version") ?? throw new TardisException("data.room_version is not a string"),
            [.. states.EnumerateArray().Select(ReadState)],
            atEvent);
    }

    private static Dictionary<(string Type, string StateKey), string> ReadState(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new TardisException("data.state holds something that is not a state");
        }

        var state = new Dictionary<(string Type, string StateKey), string>();
        foreach (var entry in json.EnumerateObject())
        {
            state[TardisStateKey.Read(entry.Name) ?? throw new TardisException($"{entry.Name} is not a type and a state key")] =
                entry.Value.ValueKind == JsonValueKind.String
                    ? entry.Value.GetString()!
                    : throw new TardisException($"data.state has no event id for {entry.Name}");
        }

        return state;
    }
}

/// <summary>A request cannot be answered; the message goes to TARDIS.</summary>
internal sealed class TardisException(string message) : Exception(message);
