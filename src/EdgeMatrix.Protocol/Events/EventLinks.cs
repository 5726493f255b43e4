namespace EdgeMatrix.Protocol.Events;

/// <summary>Where in the graph of a room a new event stands.</summary>
/// <param name="PrevEvents">The events that it follows.</param>
/// <param name="AuthEvents">The events that allow it.</param>
/// <param name="Depth">One more than the greatest depth of the events that it follows.</param>
public sealed record EventLinks(IReadOnlyList<EventReference> PrevEvents, IReadOnlyList<EventReference> AuthEvents, long Depth)
{
    /// <summary>The links of a room's first event.</summary>
    public static EventLinks First { get; } = new([], [], 1);

    /// <param name="greatestDepth">Of the events that it follows.</param>
    /// <returns>"If the room's depth is already at the limit, the depth must be set to the limit."</returns>
    public static long NextDepth(long greatestDepth, RoomVersions.RoomVersion version) =>
        greatestDepth < version.MaxDepth ? greatestDepth + 1 : version.MaxDepth;
}
