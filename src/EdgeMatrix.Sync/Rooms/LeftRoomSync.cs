using System.Text.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>The last news of a room that the user left, was banned from, or whose invite or knock came to nothing.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync_response-200_left-room</remarks>
internal static class LeftRoomSync
{
    /// <summary>Writes the room, or nothing if the client need not hear of it.</summary>
    public static bool Write(SyncRound round, Utf8JsonWriter json, RoomNews news, AccountDataNews accountData)
    {
        var (room, _, own) = news;
        var before = round.Since is { } since ? round.StateAt(room, since.Position) : null;
        var membershipBefore = before is null ? null : round.OwnMembership(room, before.Value);
        if (membershipBefore != Membership.Join)
        {
            // Of an invite to a room that this server is not in, no state has anything.
            membershipBefore = round.AtStart(room, own)?.Membership ?? membershipBefore;
        }

        // A forgotten room is shown no more, but for one that the client still takes the user to be in.
        if (own.Forgotten && membershipBefore is not (Membership.Join or Membership.Invite or Membership.Knock))
        {
            return false;
        }

        if (EventTable.Find(round.Db, own.Event) is not { } departure)
        {
            return false;
        }

        var visibility = new RoomVisibility(round.Db, round.Engine, room, news.Row, round.Request.User, round.Request.UserId);
        var delta = Read(round, news, visibility, departure, membershipBefore == Membership.Join ? before : null);
        json.WriteStartObject(room.Id);
        delta.Write(round, json);
        AccountDataNews.Write(json, accountData.OfRoom(round, room.Nid, room.Id, all: false));
        json.WriteEndObject();
        return true;
    }

    /// <param name="departure">The member event by which the user is out.</param>
    /// <param name="before">The node of the state that the client knows, if the user was joined then.</param>
    private static RoomDelta Read(SyncRound round, RoomNews news, RoomVisibility visibility, StoredEvent departure, long? before)
    {
        var room = news.Room;

        // The user may have come back since, or been banned after having left.
        var joinedUntil = Math.Min(visibility.JoinedUntil, departure.Nid);
        if (joinedUntil <= (round.Since?.Position ?? 0) || EventTable.Find(round.Db, joinedUntil) is not { Timeline: { } order } last)
        {
            // Not joined in all the time that is synced: the user's own part in it is all there is to tell. It is in no timeline where it became
            // state by the resolution of branches alone.
            var nothing = new RoomDelta(room, visibility, new RoomTimeline([], false, (departure.Timeline ?? departure.Nid) - 1), []);
            return Append(round, nothing, departure);
        }

        var timeline = RoomTimeline.Read(round, room, visibility, before is null ? long.MinValue : round.Since!.Value.Position, order, news.Row.PurgedTo);
        var delta = RoomDelta.Read(
            round, room, visibility, timeline, round.Request.FullState ? null : before, last.State, []);
        return last.Nid == departure.Nid ? delta : Append(round, delta, departure);
    }

    private static RoomDelta Append(SyncRound round, RoomDelta delta, StoredEvent departure)
    {
        var filter = round.Filter.Timeline;
        var shown = filter.MatchesRoom(delta.Room.Id) && filter.Matches(SyncRound.Parse(delta.Room, departure));
        if (shown)
        {
            delta = delta with { Timeline = delta.Timeline with { Events = [.. delta.Timeline.Events, departure] } };
        }

        if ((!shown || round.Request.StateProperty != StateProperty.State)
            && round.Filter.State.MatchesRoom(delta.Room.Id)
            && round.MemberKey(round.Request.UserId) is { } key)
        {
            delta = delta with { State = [.. delta.State.Where(entry => entry.StateKey != key), new StateEntry(key, departure.Nid)] };
        }

        return delta;
    }
}
