using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.History;

/// <summary>Which state outsiders are shown who are invited or knock: enough to say what the room is.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#stripped-state</remarks>
public static class StrippedState
{
    private static readonly string[] _types =
    [
        "m.room.create",
        "m.room.name",
        "m.room.avatar",
        "m.room.topic",
        "m.room.join_rules",
        "m.room.canonical_alias",
        "m.room.encryption",
    ];

    /// <summary>The events, with who it is that invites, by name and face, and the member event itself at the end.</summary>
    /// <param name="member">The invite or knock.</param>
    /// <param name="sender">Of the member event.</param>
    /// <param name="userId">Whom it is about.</param>
    public static List<StoredEvent> Of(Session db, StoredEvent member, string sender, string userId)
    {
        var events = _types.Select(type => RoomStateReader.FindStored(db, member.State, type, "")).OfType<StoredEvent>().ToList();
        if (sender != userId && RoomStateReader.FindStored(db, member.State, "m.room.member", sender) is { } inviter)
        {
            events.Add(inviter);
        }

        events.Add(member);
        return events;
    }
}
