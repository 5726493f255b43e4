using System.Text.Json.Serialization;
using EdgeMatrix.Rooms.Creation;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>The bodies that room endpoints read.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(CreateRoomRequest))]
[JsonSerializable(typeof(ReasonRequest))]
[JsonSerializable(typeof(MemberRequest))]
[JsonSerializable(typeof(CreateAliasRequest))]
[JsonSerializable(typeof(UpgradeRequest))]
[JsonSerializable(typeof(DirectoryVisibilityRequest))]
[JsonSerializable(typeof(NetworkVisibilityRequest))]
[JsonSerializable(typeof(PublicRoomsRequest))]
[JsonSerializable(typeof(TypingRequest))]
[JsonSerializable(typeof(ReceiptRequest))]
[JsonSerializable(typeof(ReadMarkersRequest))]
internal sealed partial class RoomsJson : JsonSerializerContext;

internal sealed record ReasonRequest(string? Reason = null);

internal sealed record MemberRequest
{
    /// <summary>Null only of an invite by another address.</summary>
    public string? UserId { get; init; }

    public string? Reason { get; init; }

    /// <summary>Of an invite by another address, as <c>email</c>.</summary>
    public string? Medium { get; init; }
}

internal sealed record CreateAliasRequest(string RoomId);

internal sealed record UpgradeRequest(string NewVersion)
{
    public string?[]? AdditionalCreators { get; init; }
}

internal sealed record DirectoryVisibilityRequest(string Visibility = "public");

internal sealed record NetworkVisibilityRequest(string Visibility);

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

/// <param name="Timeout">ms.</param>
internal sealed record TypingRequest(bool Typing)
{
    public long? Timeout { get; init; }
}

internal sealed record ReceiptRequest
{
    public string? ThreadId { get; init; }
}

internal sealed record ReadMarkersRequest
{
    [JsonPropertyName("m.fully_read")]
    public string? FullyRead { get; init; }

    [JsonPropertyName("m.read")]
    public string? Read { get; init; }

    [JsonPropertyName("m.read.private")]
    public string? ReadPrivate { get; init; }
}
