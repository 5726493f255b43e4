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

    public string? Address { get; init; }

    /// <summary>Who is asked whose the address is.</summary>
    public string? IdServer { get; init; }

    /// <summary>The inviting user's, at that server.</summary>
    public string? IdAccessToken { get; init; }
}

internal sealed record CreateAliasRequest(string RoomId);

internal sealed record UpgradeRequest(string NewVersion)
{
    public string?[]? AdditionalCreators { get; init; }
}

internal sealed record DirectoryVisibilityRequest(string Visibility = "public");

internal sealed record NetworkVisibilityRequest(string Visibility);

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
