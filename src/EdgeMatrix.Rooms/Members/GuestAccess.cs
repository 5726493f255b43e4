using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Members;

/// <summary>
/// "Servers MUST only allow guest users to join rooms if the m.room.guest_access state event is present on the room, and has the
/// guest_access value can_join."
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#guest-access</remarks>
public static class GuestAccess
{
    /// <summary>The type of the state event that says whether guests may join.</summary>
    public const string Type = "m.room.guest_access";

    /// <summary>The refusal of a guest's join; null for whatever else is drafted.</summary>
    internal static Refusal? Check(Database database, StateLookup state, EventDraft draft)
    {
        if (draft is not { Type: "m.room.member", StateKey: { } userId } || JsonContent.Text(draft.Content, "membership") != "join")
        {
            return null;
        }

        using var snapshot = database.OpenSnapshot();
        return AccountTable.Find(snapshot, userId) is { Standing.Guest: true } && !MayJoin(state(Type, ""))
            ? new Refusal(RefusalKind.GuestAccessForbidden, "Guests may not join the room")
            : null;
    }

    /// <summary>"the server MUST set those users' m.room.member state to leave", where the room lets guests in no longer.</summary>
    public static async Task RemoveGuestsAsync(RoomEngine engine, Room room, CancellationToken cancellationToken)
    {
        List<string> guests;
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            if (RoomTable.Find(snapshot, room.Id) is not { } row || MayJoin(RoomStateReader.Find(snapshot, room.Version, row.State, Type, "")))
            {
                return;
            }

            guests = AccountTable.GuestsIn(snapshot, row.Nid);
        }

        foreach (var guest in guests)
        {
            await RemoveAsync(engine, room, guest, cancellationToken);
        }
    }

    /// <summary>As <see cref="RemoveGuestsAsync"/> of one guest.</summary>
    public static Task RemoveAsync(RoomEngine engine, Room room, string guest, CancellationToken cancellationToken) => engine.SendAsync(
        room,
        state => MayJoin(state(Type, "")) || state("m.room.member", guest) is not { } member || Memberships.Of(member) != Membership.Join
            ? default(Outcome<EventDraft>)
            : new EventDraft("m.room.member", guest, guest, MemberContent.Bare("leave", "The room lets guests in no longer")),
        null,
        cancellationToken);

    private static bool MayJoin(Pdu? access) => access is not null && JsonContent.Text(access.Content, "guest_access") == "can_join";
}
