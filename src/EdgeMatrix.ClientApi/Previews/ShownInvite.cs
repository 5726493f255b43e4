using System.Text.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.ClientApi.Previews;

/// <summary>An invite as clients are shown it that have no <c>/sync</c>: the member event alone.</summary>
internal sealed class ShownInvite(Session db, Room room, StoredEvent invite, long device, long now)
{
    public Room Room => room;

    public StoredEvent Event => invite;

    /// <summary>The invite of a membership; null for one of somebody whom the user ignores, and of a user who wants none.</summary>
    public static ShownInvite? Find(Session db, RoomEngine engine, Requester requester, MembershipRow own) =>
        own.Membership == Membership.Invite
        && RoomTable.Find(db, own.Room) is { } row
        && engine.Find(db, row) is { } room
        && EventTable.Find(db, own.Event) is { } invite
        && !IgnoredUsers.Read(db, requester.UserNid).Contains(invite.Parse(room.Version).Sender)
        && !InvitePermission.Blocks(db, requester.UserNid)
            ? new ShownInvite(db, room, invite, requester.DeviceNid, engine.Time.GetUtcNow().ToUnixTimeMilliseconds())
            : null;

    public void Write(Utf8JsonWriter json) => new ClientEventWriter(db, room, device, now).Write(json, invite, withRoomId: true);
}
