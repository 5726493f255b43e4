using System.Text.Json;
using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Rooms.History;

/// <summary>A <c>RoomEventFilter</c>: which events of which rooms; of <c>/sync</c>, <c>/messages</c> and <c>/context</c>.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter_request_roomeventfilter</remarks>
public sealed class RoomEventFilter
{
    /// <summary>Lets everything pass.</summary>
    public static readonly RoomEventFilter All = new();

    private EventFilter _events = EventFilter.All;
    private HashSet<string>? _rooms;
    private HashSet<string> _notRooms = [];
    private bool? _containsUrl;

    /// <summary>The greatest number of events wanted; null if the filter does not say.</summary>
    public int? Limit => _events.Limit;

    /// <summary>The rooms that are wanted; null: any.</summary>
    public IReadOnlyCollection<string>? Rooms => _rooms;

    /// <summary>No event can pass.</summary>
    public bool MatchesNothing => _events.MatchesNothing;

    /// <summary>Of the member events, only those of the senders of the events in the answer are wanted.</summary>
    public bool LazyLoadMembers { get; private init; }

    /// <summary>Member events that the device was sent before are wanted again.</summary>
    public bool IncludeRedundantMembers { get; private init; }

    /// <summary>Unread messages are wanted thread by thread.</summary>
    public bool UnreadThreadNotifications { get; private init; }

    /// <summary>Reads a filter; what it does not know in it is ignored.</summary>
    /// <param name="filter">A JSON object.</param>
    /// <param name="problem">What is wrong with it, for the client's developer; null if it was read.</param>
    public static RoomEventFilter Parse(JsonElement filter, out string? problem)
    {
        var events = EventFilter.Parse(filter, out problem);
        var rooms = problem is null ? FilterJson.Ids(filter, "rooms", '!', out problem) : null;
        var notRooms = problem is null ? FilterJson.Ids(filter, "not_rooms", '!', out problem) : null;
        var containsUrl = problem is null ? FilterJson.Bool(filter, "contains_url", out problem) : null;
        var lazy = problem is null ? FilterJson.Bool(filter, "lazy_load_members", out problem) : null;
        var redundant = problem is null ? FilterJson.Bool(filter, "include_redundant_members", out problem) : null;
        var threads = problem is null ? FilterJson.Bool(filter, "unread_thread_notifications", out problem) : null;
        return problem is not null
            ? All
            : new RoomEventFilter
            {
                LazyLoadMembers = lazy ?? false,
                IncludeRedundantMembers = redundant ?? false,
                UnreadThreadNotifications = threads ?? false,
                _events = events,
                _rooms = rooms is null ? null : [.. rooms],
                _notRooms = [.. notRooms ?? []],
                _containsUrl = containsUrl,
            };
    }

    // A matching room will be excluded even if it is listed in the rooms filter.
    public bool MatchesRoom(string roomId) => !_notRooms.Contains(roomId) && _rooms?.Contains(roomId) != false;

    /// <summary>Whether an event, of a room that <see cref="MatchesRoom"/>, passes.</summary>
    public bool Matches(Pdu pdu) =>
        _events.Matches(pdu.Type, pdu.Sender) && (_containsUrl is null || HasUrl(pdu.Content) == _containsUrl);

    /// <summary>Whether what is not a PDU passes: ephemeral events, account data.</summary>
    public bool Matches(string type, string? sender) => _events.Matches(type, sender);

    private static bool HasUrl(JsonElement content) =>
        content.ValueKind == JsonValueKind.Object && content.TryGetProperty("url", out var url) && url.ValueKind == JsonValueKind.String;
}
