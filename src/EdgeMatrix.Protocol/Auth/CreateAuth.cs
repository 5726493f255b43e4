using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>"If type is <c>m.room.create</c>": rule 1 of every version.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules</remarks>
internal static class CreateAuth
{
    public static AuthVerdict Check(Pdu create)
    {
        var version = create.Version;

        // If it has any prev_events, reject.
        if (create.PrevEvents.Count > 0)
        {
            return AuthVerdict.Reject("a create event has prev_events");
        }

        // MSC4242: If it has any prev_state_events, reject.
        if (create.PrevStateEvents.Count > 0)
        {
            return AuthVerdict.Reject("a create event has prev_state_events");
        }

        if (version.CreateEventIsRoomId)
        {
            // v12: If the event has a room_id, reject.
            if (create.HasRoomId)
            {
                return AuthVerdict.Reject("a create event has a room_id");
            }
        }
        else if (!UserId.ServerOf(create.RoomId).SequenceEqual(UserId.ServerOf(create.Sender)))
        {
            // v1 to v11: If the domain of the room_id does not match the domain of the sender, reject.
            return AuthVerdict.Reject("the room_id is of another server than the sender");
        }

        // If content.room_version is present and is not a recognised version, reject.
        if (create.Content.Find("room_version"u8) is { } roomVersion && !IsRecognised(roomVersion, version))
        {
            return AuthVerdict.Reject("the room version is not one that this server knows");
        }

        // v1 to v10: If content has no creator property, reject.
        if (version.CreatorInContent && create.Content.Find("creator"u8) is null)
        {
            return AuthVerdict.Reject("a create event names no creator");
        }

        // v12: If additional_creators is present in content and is not an array of strings where each string passes the same user ID
        // validation applied to sender, reject.
        if (version.PrivilegedCreators && create.Content.Find("additional_creators"u8) is { } additional && !AreUserIds(additional))
        {
            return AuthVerdict.Reject("additional_creators is not an array of user ids");
        }

        // Otherwise, allow.
        return AuthVerdict.Allow;
    }

    private static bool IsRecognised(JsonElement roomVersion, RoomVersion own) =>
        roomVersion.ValueKind == JsonValueKind.String
        && roomVersion.GetString()! is var id
        && (id == own.Id || RoomVersions.RoomVersions.Find(id) is not null);

    private static bool AreUserIds(JsonElement additional)
    {
        if (additional.ValueKind != JsonValueKind.Array)
        {
            return false;
        }

        foreach (var creator in additional.EnumerateArray())
        {
            if (creator.ValueKind != JsonValueKind.String || !UserId.TryParse(creator.GetString(), out _))
            {
                return false;
            }
        }

        return true;
    }
}
