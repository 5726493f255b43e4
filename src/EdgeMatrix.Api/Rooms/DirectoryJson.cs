using System.Text.Json.Serialization;

namespace EdgeMatrix.Api.Rooms;

/// <summary>The body with which a room directory is searched.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(PublicRoomsRequest))]
internal sealed partial class DirectoryJson : JsonSerializerContext;

internal sealed record PublicRoomsRequest
{
    public long? Limit { get; init; }

    public string? Since { get; init; }

    public PublicRoomsFilter? Filter { get; init; }

    public bool? IncludeAllNetworks { get; init; }

    public string? ThirdPartyInstanceId { get; init; }
}

internal sealed record PublicRoomsFilter
{
    public string? GenericSearchTerm { get; init; }

    /// <summary>Room types to list; null in it stands for rooms without a type.</summary>
    public string?[]? RoomTypes { get; init; }
}
