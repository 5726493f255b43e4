using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>Who is in a room.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmembers</remarks>
internal static class RoomMemberLists
{
    /// <summary><c>GET /_matrix/client/v3/rooms/{roomId}/members</c></summary>
    /// <param name="at">A place in the timeline: the members as of then.</param>
    public static IResult All(
        string roomId, string? at, string? membership, HttpRequest request, Requester requester, RoomEngine engine, AnswerSpool spool)
    {
        string? without = request.Query["not_membership"];
        if ((membership is not null && Memberships.Parse(membership) is null) || (without is not null && Memberships.Parse(without) is null))
        {
            return MatrixError.InvalidParam("membership and not_membership must be join, invite, knock, leave or ban");
        }

        long place = 0;
        if (at is not null && !TimelineToken.TryParse(at, out place))
        {
            return MatrixError.InvalidParam("at must be a token of /sync or /messages");
        }

        var (view, error) = RoomView.Open(engine, requester, roomId);
        if (view is null)
        {
            return error!;
        }

        using (view)
        {
            var state = view.State;
            if (at is not null)
            {
                // Whoever looks in from outside sees the members of when the room could be looked into.
                var outside = !view.Visibility.WasJoined;
                var newest = outside ? place : Math.Min(place, view.Visibility.JoinedUntil);
                state = EventTable.Backward(view.Db, view.Room.Nid, newest, long.MinValue, 1) is [var last] && (!outside || view.Visibility.MaySee(last))
                    ? last.State
                    : 0;
            }

            return LongJson.Write(spool, json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("chunk"u8);
                RoomStateReader.ForEach(view.Db, state, stored =>
                {
                    var pdu = view.Parse(stored);
                    if (pdu.Type == "m.room.member" && Wanted(Memberships.Name(Memberships.Of(pdu))))
                    {
                        view.WriteState(json, stored);
                    }
                });

                json.WriteEndArray();
                json.WriteEndObject();
            });
        }

        // Both filters given: one of them must match.
        bool Wanted(string actual) =>
            (membership is null && without is null) || membership == actual || (without is not null && without != actual);
    }

    /// <summary><c>GET /_matrix/client/v3/rooms/{roomId}/joined_members</c></summary>
    public static IResult Joined(string roomId, Requester requester, RoomEngine engine, AnswerSpool spool)
    {
        // "The current user must be in the room for it to work, unless it is an Application Service in which case any of the AS's users must be
        // in the room."
        var (view, error) = RoomView.Open(engine, MemberOf(requester, engine, roomId), roomId);
        if (view is null)
        {
            return error!;
        }

        using (view)
        {
            if (!view.IsJoined)
            {
                return MatrixError.Forbidden("You are not in the room");
            }

            return LongJson.Write(spool, json =>
            {
                json.WriteStartObject();
                json.WriteStartObject("joined"u8);
                foreach (var row in MembershipTable.EachInRoom(view.Db, view.Room.Nid, Membership.Join))
                {
                    if (EventTable.Find(view.Db, row.Event) is { } stored)
                    {
                        var member = view.Writer.Shown(stored);
                        json.WriteStartObject(member.StateKey!);
                        if (JsonContent.Text(member.Content, "avatar_url") is { } avatarUrl)
                        {
                            json.WriteString("avatar_url"u8, avatarUrl);
                        }

                        if (JsonContent.Text(member.Content, "displayname") is { } displayName)
                        {
                            json.WriteString("display_name"u8, displayName);
                        }

                        json.WriteEndObject();
                    }
                }

                json.WriteEndObject();
                json.WriteEndObject();
            });
        }
    }

    private static Requester MemberOf(Requester requester, RoomEngine engine, string roomId)
    {
        if (requester.AppService is not { } service)
        {
            return requester;
        }

        using var db = engine.Database.OpenSnapshot();
        return RoomTable.Find(db, roomId) is { } room
            && MembershipTable.Find(db, room.Nid, requester.UserNid) is not { Membership: Membership.Join }
            && RoomInterest.FindMember(db, service, room.Nid) is { } member
                ? requester with { UserId = member.UserId, UserNid = member.User }
                : requester;
    }
}
