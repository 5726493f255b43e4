using System.Text.Json;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Spaces;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>Asks other servers of the rooms of spaces that are not known here.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid</remarks>
public sealed class RemoteSpaces(FederationClient client)
{
    /// <summary>How many of the children that a server tells of are looked at.</summary>
    private const int MaxChildren = 1000;

    // Somebody waits for it, who would see a few rooms more at most.
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);

    /// <summary>What the servers of a child tell of it, and of the rooms right below it: those that this server may know of.</summary>
    /// <param name="child">A room that is not known here.</param>
    /// <param name="suggestedOnly">Only of children that it suggests.</param>
    /// <returns>By room ID; empty where nobody knows.</returns>
    public async Task<IReadOnlyDictionary<string, ToldSpaceRoom>> AskAsync(SpaceChild child, bool suggestedOnly, CancellationToken cancellation)
    {
        foreach (var server in child.Servers)
        {
            var target = $"/_matrix/federation/v1/hierarchy/{PathSegment.Of(child.RoomId)}";
            var request = FederationRequest.Get(server, suggestedOnly ? target + "?suggested_only=true" : target) with { Lane = FederationLane.Queries, Timeout = _timeout };
            if ((await client.SendAsync(request, cancellation)).Json is { } answer && Read(answer, child.RoomId, suggestedOnly) is { } told)
            {
                return told;
            }
        }

        return new Dictionary<string, ToldSpaceRoom>();
    }

    private static Dictionary<string, ToldSpaceRoom>? Read(JsonElement answer, string roomId, bool suggestedOnly)
    {
        if (answer.ObjectOrNull("room"u8) is not { } room || IdOf(room) != roomId)
        {
            return null;
        }

        var children = SpaceChild.InOrder(Items(room, "children_state").Select(ChildOf).OfType<SpaceChild>(), suggestedOnly);
        var told = new Dictionary<string, ToldSpaceRoom>(StringComparer.Ordinal) { [roomId] = new(room, children) };
        foreach (var summary in Items(answer, "children"))
        {
            if (IdOf(summary) is { } id)
            {
                told.TryAdd(id, new ToldSpaceRoom(summary, JsonContent.Text(summary, "room_type") == "m.space" ? null : []));
            }
        }

        return told;
    }

    /// <summary>The room that a summary is of; null if it has not what every summary has.</summary>
    private static string? IdOf(JsonElement summary) =>
        JsonContent.Text(summary, "room_id") is { } id
        && summary.TryGetProperty("num_joined_members"u8, out var joined) && joined.ValueKind == JsonValueKind.Number
        && summary.TryGetProperty("world_readable"u8, out var readable) && readable.ValueKind is JsonValueKind.True or JsonValueKind.False
        && summary.TryGetProperty("guest_can_join"u8, out var guests) && guests.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? id
            : null;

    private static SpaceChild? ChildOf(JsonElement stripped) =>
        JsonContent.Text(stripped, "type") == "m.space.child"
        && JsonContent.Text(stripped, "state_key") is { } roomId
        && JsonContent.Text(stripped, "sender") is { } sender
        && stripped.TryGetProperty("origin_server_ts"u8, out var time) && time.ValueKind == JsonValueKind.Number && time.TryGetInt64(out var milliseconds)
        && stripped.ObjectOrNull("content"u8) is { } content
            ? new SpaceChild(roomId, sender, milliseconds, content)
            : null;

    private static IEnumerable<JsonElement> Items(JsonElement holder, string name) =>
        holder.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().Take(MaxChildren) : [];
}
