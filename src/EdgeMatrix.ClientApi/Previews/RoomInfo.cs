using System.Text.Json;
using EdgeMatrix.ClientApi.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;

namespace EdgeMatrix.ClientApi.Previews;

/// <summary>Writes a room with its state and its newest messages: as it is, or for the departed as it was when they left.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidinitialsync</remarks>
internal static class RoomInfo
{
    /// <param name="limit">The greatest number of messages.</param>
    /// <param name="position">The stream position that the answer holds everything up to.</param>
    /// <param name="more">Writes further properties.</param>
    public static void Write(Utf8JsonWriter json, RoomView view, Requester requester, int limit, long position, Action? more = null)
    {
        var visibility = view.Visibility;
        var newest = visibility.WasJoined ? Math.Min(position, visibility.JoinedUntil) : position;
        var page = limit == 0
            ? new HistoryPage([], newest, newest)
            : RoomHistory.Page(view.Db, view.Room, visibility, backward: true, newest, null, limit, stored => !view.IsIgnored(stored));
        page.Events.Reverse();
        view.Bundle(page.Events);
        view.Writer.NamesUser = true;

        json.WriteStartObject();
        json.WriteString("room_id"u8, view.Room.Id);

        // Whoever looks in from outside has none, and a knock is not among those that the specification has here.
        if (visibility.Current is { Membership: not Membership.Knock } own)
        {
            json.WriteString("membership"u8, Memberships.Name(own.Membership));
        }

        json.WriteString("visibility"u8, RoomTable.IsListed(view.Db, view.Room.Nid) ? "public"u8 : "private"u8);
        json.WriteStartObject("messages"u8);
        json.WriteStartArray("chunk"u8);
        page.Events.ForEach(stored => view.WriteEvent(json, stored));
        json.WriteEndArray();

        // Where there is nothing earlier it may be omitted, and those who read it unseen would have nothing to page back from.
        json.WriteString("start"u8, TimelineToken.Format(page.End ?? (page.Events.Count > 0 ? page.Events[0].Timeline!.Value - 1 : newest)));
        json.WriteString("end"u8, new SyncToken(newest, 0, 0).ToString());
        json.WriteEndObject();
        json.WriteStartArray("state"u8);
        RoomStateReader.ForEach(view.Db, view.State, stored => view.WriteState(json, stored));
        json.WriteEndArray();
        AccountDataJson.Write(json, "account_data"u8, AccountDataTable.OfRoom(view.Db, requester.UserNid, view.Room.Nid));
        more?.Invoke();
        json.WriteEndObject();
    }
}
