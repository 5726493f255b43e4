using System.Text.Json;
using System.Text.Json.Serialization;

namespace EdgeMatrix.Rooms.Creation;

/// <summary>The body of <c>POST /createRoom</c>.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom</remarks>
public sealed record CreateRoomRequest
{
    public string? Visibility { get; init; }

    public string? RoomAliasName { get; init; }

    public string? Name { get; init; }

    public string? Topic { get; init; }

    public string[]? Invite { get; init; }

    [JsonPropertyName("invite_3pid")]
    public JsonElement[]? Invite3pid { get; init; }

    public string? RoomVersion { get; init; }

    public JsonElement? CreationContent { get; init; }

    public InitialState?[]? InitialState { get; init; }

    public string? Preset { get; init; }

    public bool IsDirect { get; init; }

    public JsonElement? PowerLevelContentOverride { get; init; }
}

/// <param name="StateKey">"Defaults to an empty string": as a parameter, since a generated reader leaves null in a property that is not given.</param>
public sealed record InitialState(string Type, JsonElement Content, string StateKey = "");
