using System.Text.Json;
using EdgeMatrix.Rooms.History;

namespace EdgeMatrix.Sync.Filters;

/// <summary>A <c>Filter</c>: what of everything a client wants to hear of.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter_request_filter</remarks>
public sealed class SyncFilter
{
    /// <summary>Lets everything pass.</summary>
    public static readonly SyncFilter All = new();

    private HashSet<string>? _rooms;
    private HashSet<string> _notRooms = [];

    /// <summary>The properties of events that are wanted; null for all.</summary>
    public EventFields? Fields { get; private set; }

    /// <summary>Events are wanted as servers exchange them.</summary>
    public bool FederationFormat { get; private set; }

    /// <summary>Global account data.</summary>
    public EventFilter Presence { get; private set; } = EventFilter.All;

    public EventFilter AccountData { get; private set; } = EventFilter.All;

    public RoomEventFilter Timeline { get; private set; } = RoomEventFilter.All;

    public RoomEventFilter State { get; private set; } = RoomEventFilter.All;

    public RoomEventFilter Ephemeral { get; private set; } = RoomEventFilter.All;

    public RoomEventFilter RoomAccountData { get; private set; } = RoomEventFilter.All;

    /// <summary>Rooms that the user has left are wanted in an initial sync too.</summary>
    public bool IncludeLeave { get; private set; }

    /// <summary>Reads a filter; what it does not know in it is ignored.</summary>
    /// <param name="problem">What is wrong with it, for the client's developer; null if it was read.</param>
    public static SyncFilter Parse(JsonElement filter, out string? problem)
    {
        var parsed = new SyncFilter();
        problem = parsed.Read(filter);
        return problem is null ? parsed : All;
    }

    /// <summary>As <see cref="Parse(JsonElement, out string?)"/>, of the text of a filter.</summary>
    public static SyncFilter Parse(string text, out string? problem)
    {
        try
        {
            return Parse(JsonElement.Parse(text), out problem);
        }
        catch (JsonException)
        {
            problem = "a filter is not JSON";
            return All;
        }
    }

    // A matching room will be excluded even if it is listed in the rooms filter.
    public bool MatchesRoom(string roomId) => !_notRooms.Contains(roomId) && _rooms?.Contains(roomId) != false;

    private string? Read(JsonElement filter)
    {
        if (filter.ValueKind != JsonValueKind.Object)
        {
            return "a filter is not an object";
        }

        var fields = FilterJson.Strings(filter, "event_fields", out var problem);
        if (problem is not null)
        {
            return problem;
        }

        Fields = fields is null ? null : new EventFields(fields);
        if (FilterJson.Member(filter, "event_format") is { } format)
        {
            var name = FilterJson.Text(format);
            if (name is not ("client" or "federation"))
            {
                return "event_format is neither client nor federation";
            }

            FederationFormat = name == "federation";
        }

        if (FilterJson.Member(filter, "account_data") is { } accountData)
        {
            AccountData = EventFilter.Parse(accountData, out problem);
        }

        if (problem is null && FilterJson.Member(filter, "presence") is { } presence)
        {
            Presence = EventFilter.Parse(presence, out problem);
        }

        return problem is null && FilterJson.Member(filter, "room") is { } room ? ReadRoom(room) : problem;
    }

    private string? ReadRoom(JsonElement room)
    {
        if (room.ValueKind != JsonValueKind.Object)
        {
            return "room is not an object";
        }

        var rooms = FilterJson.Ids(room, "rooms", '!', out var problem);
        var notRooms = problem is null ? FilterJson.Ids(room, "not_rooms", '!', out problem) : null;
        var includeLeave = problem is null ? FilterJson.Bool(room, "include_leave", out problem) : null;
        _rooms = rooms is null ? null : [.. rooms];
        _notRooms = [.. notRooms ?? []];
        IncludeLeave = includeLeave ?? false;
        Timeline = ReadPart(room, "timeline", ref problem);
        State = ReadPart(room, "state", ref problem);
        Ephemeral = ReadPart(room, "ephemeral", ref problem);
        RoomAccountData = ReadPart(room, "account_data", ref problem);
        return problem;
    }

    private static RoomEventFilter ReadPart(JsonElement room, string name, ref string? problem) =>
        problem is null && FilterJson.Member(room, name) is { } part ? RoomEventFilter.Parse(part, out problem) : RoomEventFilter.All;
}
