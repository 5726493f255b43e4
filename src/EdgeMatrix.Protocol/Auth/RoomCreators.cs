using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>Who created a room: one user, and since version 12 also those whom the create event names beside its sender.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules</remarks>
internal readonly struct RoomCreators(Pdu create)
{
    /// <summary>The user who sent the create event; up to version 10 whom its <c>content.creator</c> names.</summary>
    public string? First => create.Version.CreatorInContent ? create.Content.StringOrNull("creator"u8) : create.Sender;

    public bool Contains(string userId) => userId == First || (create.Version.PrivilegedCreators && IsAdditional(userId));

    // "Any user IDs contained in the additional_creators array in content of the m.room.create event in the room"
    private bool IsAdditional(string userId)
    {
        if (create.Content.ArrayOrNull("additional_creators"u8) is { } additional)
        {
            foreach (var creator in additional.EnumerateArray())
            {
                if (creator.ValueKind == JsonValueKind.String && creator.ValueEquals(userId))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
