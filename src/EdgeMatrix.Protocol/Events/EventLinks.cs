using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Events;

/// <summary>Where in the graph of a room a new event stands.</summary>
/// <param name="PrevEvents">The events that it follows.</param>
/// <param name="AuthEvents">The events that allow it.</param>
/// <param name="Depth">One more than the greatest depth of the events that it follows.</param>
public sealed record EventLinks(IReadOnlyList<EventReference> PrevEvents, IReadOnlyList<EventReference> AuthEvents, long Depth)
{
    /// <summary>In a version with a state DAG, instead of any auth events, the newest state events before it; else null.</summary>
    public IReadOnlyList<EventReference>? PrevStateEvents { get; init; }

    /// <summary>The links of a room's first event.</summary>
    public static EventLinks FirstIn(RoomVersion version) =>
        new([], [], 1) { PrevStateEvents = version.StateSource == StateSource.PrevStateEvents ? [] : null };

    /// <param name="greatestDepth">Of the events that it follows.</param>
    /// <returns>"If the room's depth is already at the limit, the depth must be set to the limit."</returns>
    public static long NextDepth(long greatestDepth, RoomVersion version) =>
        greatestDepth < version.MaxDepth ? greatestDepth + 1 : version.MaxDepth;
}
