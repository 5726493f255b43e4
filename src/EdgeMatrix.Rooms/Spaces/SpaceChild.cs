using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;

namespace EdgeMatrix.Rooms.Spaces;

/// <summary>A room in a space, as an <c>m.space.child</c> event has it.</summary>
/// <param name="Content">The content of the event, an object.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#mspacechild-relationship</remarks>
public sealed record SpaceChild(string RoomId, string Sender, long OriginServerTs, JsonElement Content)
{
    /// <summary>Letters of a valid <c>order</c>.</summary>
    private const int MaxOrderLength = 50;

    /// <summary>Servers that are asked of one room.</summary>
    private const int MaxServers = 3;

    /// <summary>The names of servers that are in the room: those that are tried first.</summary>
    public List<string> Servers => [.. Content.GetProperty("via"u8).EnumerateArray()
        .Where(server => server.ValueKind == JsonValueKind.String)
        .Select(server => server.GetString()!)
        .Where(ServerName.IsValid)
        .Take(MaxServers)];

    /// <summary>Those that are valid, in their order.</summary>
    /// <param name="suggestedOnly">Only those that the space suggests.</param>
    public static List<SpaceChild> InOrder(IEnumerable<SpaceChild> children, bool suggestedOnly) =>
        [.. children.Where(child => child.IsValid && (!suggestedOnly || child.IsSuggested))
            .OrderBy(child => child.Order is null)
            .ThenBy(child => child.Order, StringComparer.Ordinal)
            .ThenBy(child => child.OriginServerTs)
            .ThenBy(child => child.RoomId, StringComparer.Ordinal)];

    // Child rooms can be removed from a space by omitting the via key of content.
    private bool IsValid =>
        Content.TryGetProperty("via"u8, out var via)
        && via.ValueKind == JsonValueKind.Array
        && via.EnumerateArray().Any(server => server.ValueKind == JsonValueKind.String);

    private bool IsSuggested => Content.TryGetProperty("suggested"u8, out var suggested) && suggested.ValueKind == JsonValueKind.True;

    // Strings outside of \x20 to \x7E, or of more than 50 characters, are as if there were none.
    private string? Order =>
        JsonContent.Text(Content, "order") is { Length: <= MaxOrderLength } order && order.All(letter => letter is >= ' ' and <= '~') ? order : null;
}
