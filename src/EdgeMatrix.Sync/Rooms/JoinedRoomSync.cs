using System.Text.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>The news of a room that the user is joined to.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync_response-200_joined-room</remarks>
internal static class JoinedRoomSync
{
    /// <summary>Writes the room, or nothing if there is no news of it.</summary>
    public static bool Write(SyncRound round, Utf8JsonWriter json, RoomNews news, AccountDataNews accountData)
    {
        var (room, row, own) = news;
        var since = round.Since?.Position;
        var upTo = round.UpTo.Position;
        var isLazy = round.Filter.State.LazyLoadMembers;
        if (!isLazy && (row.IsPartial || row.WholeSince > upTo))
        {
            // Who wants all members is told of the room when they are known. MSC3902.
            return false;
        }

        var becameWhole = row.WholeSince > since && row.WholeSince <= upTo;
        var before = since is null ? null : round.StateAt(room, since.Value);

        // Who was not joined at the last sync is told all of the room, as in an initial sync.
        var isNew = before is null || (becameWhole && !isLazy) || (own.Position > since && round.OwnMembership(room, before.Value) != Membership.Join);
        var end = row.LastEvent <= upTo ? row.State : round.StateAt(room, upTo) ?? StateNodes.Empty;
        var full = isNew || round.Request.FullState;

        var visibility = new RoomVisibility(round.Db, round.Engine, room, row, round.Request.User, round.Request.UserId);
        var timeline = !isNew && row.LastEvent <= since
            ? new RoomTimeline([], false, since.Value)
            : RoomTimeline.Read(round, room, visibility, isNew ? long.MinValue : since!.Value, upTo, row.PurgedTo, shownState: end);
        if (isNew && since is not null)
        {
            // Of what the client has of the room from before, if it has, this is no continuation: the two overlap, or have something between them.
            timeline = timeline with { Limited = true };
        }

        var summary = full || becameWhole || SummaryChanged(round, room, before!.Value, end) ? RoomSummary.Read(round, room, row, end) : null;
        var delta = RoomDelta.Read(round, room, visibility, timeline, full ? null : before, end, summary?.Heroes ?? []);
        var ephemeral = EphemeralEvents.Read(round, room, isNew);
        var ownData = accountData.OfRoom(round, room.Nid, room.Id, isNew);
        if (!full && !delta.Any && summary is null && !ephemeral.Any && ownData.Count == 0 && !UnreadNotifications.Changed(round, room))
        {
            return false;
        }

        json.WriteStartObject(room.Id);
        summary?.Write(json);
        delta.Write(round, json);
        ephemeral.Write(json);
        AccountDataNews.Write(json, ownData);
        UnreadNotifications.Write(round, json, room);
        json.WriteEndObject();
        return true;
    }

    private static bool SummaryChanged(SyncRound round, Room room, long before, long end)
    {
        if (before == end)
        {
            return false;
        }

        foreach (var change in StateNodes.Difference(round.Db, before, end))
        {
            if (RoomSummary.DependsOn(round, room, change))
            {
                return true;
            }
        }

        return false;
    }
}
