using EdgeMatrix.Api.Rooms;
using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Spaces;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>What rooms are, for those who are not in them yet: one room, or the rooms of a space.</summary>
internal static class RoomSummaries
{
    private const int DefaultLimit = 50;
    private const int MaxLimit = 50;
    private const int MaxDepth = 10;

    /// <summary>How many rooms of a space can be paged through: every page walks the tree from its root.</summary>
    private const int MaxRooms = 5_000;

    /// <summary>Rooms that other servers are asked of for one page, and how many at once.</summary>
    private const int MaxAsked = 32;
    private const int MaxAskedAtOnce = 8;

    /// <summary><c>GET /_matrix/client/v1/room_summary/{roomIdOrAlias}</c></summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias</remarks>
    public static IResult Get(string roomIdOrAlias, Requester requester, RoomEngine engine)
    {
        using var db = engine.Database.OpenSnapshot();
        var roomId = roomIdOrAlias is ['#', ..] ? RoomAliasTable.Find(db, roomIdOrAlias)?.RoomId : roomIdOrAlias;
        if (roomId is null
            || RoomTable.Find(db, roomId) is not { } row
            || RoomVersions.Find(row.Version) is not { } version
            || !RoomAccess.MayKnow(db, row, version, requester.UserNid))
        {
            return MatrixError.NotFound("The room is not known here, or not to you");
        }

        var membership = MembershipTable.Find(db, row.Nid, requester.UserNid)?.Membership;
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            new PublishedRoom(db, row, version).WriteSummary(json);
            if (membership is { } own)
            {
                json.WriteString("membership"u8, Memberships.Name(own));
            }

            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /_matrix/client/v1/rooms/{roomId}/hierarchy</c></summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy</remarks>
    public static async Task<IResult> GetHierarchy(
        string roomId, string? from, HttpRequest request, Requester requester, RoomEngine engine, RemoteSpaces remote, AnswerSpool spool)
    {
        var (limit, badLimit) = request.QueryInteger("limit", min: 1);
        var (depth, badDepth) = request.QueryInteger("max_depth", min: 0);
        var (suggestedOnly, badSuggested) = request.QueryBoolean("suggested_only");
        if ((badLimit ?? badDepth ?? badSuggested) is { } bad)
        {
            return bad;
        }

        var query = new HierarchyQuery(suggestedOnly ?? false, (int)Math.Min(depth ?? MaxDepth, MaxDepth));
        var skip = 0;
        if (from is not null && !TryReadToken(from, query, out skip))
        {
            return MatrixError.InvalidParam("from must be a next_batch; suggested_only and max_depth cannot change on paginated requests");
        }

        var told = new Dictionary<string, ToldSpaceRoom?>(StringComparer.Ordinal);
        var asked = 0;
        while (true)
        {
            List<SpaceChild> unknown;
            using (var db = engine.Database.OpenSnapshot())
            {
                var size = (int)Math.Min(limit ?? DefaultLimit, MaxLimit);
                long? user = requester.ReadsEverything ? null : requester.UserNid;
                if (SpaceHierarchy.Page(db, roomId, user, query, told, skip, size) is not { } page)
                {
                    return requester.ReadsEverything
                        ? MatrixError.NotFound("The room is not known here")
                        : MatrixError.Forbidden("The room is not known here, or not to you");
                }

                unknown = [.. page.Unknown.Take(Math.Min(MaxAskedAtOnce, MaxAsked - asked))];
                if (unknown.Count == 0)
                {
                    return WriteHierarchy(page, query, skip, db, spool);
                }
            }

            asked += unknown.Count;
            var cancellation = request.HttpContext.RequestAborted;
            var answers = await Task.WhenAll(unknown.Select(child => remote.AskAsync(child, query.SuggestedOnly, cancellation)));
            foreach (var (child, answer) in unknown.Zip(answers))
            {
                // Nobody is asked twice: what is not told now is not there.
                told[child.RoomId] = answer.GetValueOrDefault(child.RoomId)
                    ?? (told.GetValueOrDefault(child.RoomId) is { } before ? before with { Children = [] } : null);
                foreach (var (id, room) in answer)
                {
                    told.TryAdd(id, room);
                }
            }
        }
    }

    private static LongJson WriteHierarchy(HierarchyPage page, HierarchyQuery query, int skip, Session db, AnswerSpool spool) =>
        LongJson.Write(spool, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("rooms"u8);
            foreach (var room in page.Rooms)
            {
                if (room.Here is { } here)
                {
                    PublishedRoom.WriteOfSpace(json, db, here);
                }
                else
                {
                    PublishedRoom.WriteOfSpace(json, room.Told!);
                }
            }

            json.WriteEndArray();
            if (page.More && skip + page.Rooms.Count < MaxRooms)
            {
                json.WriteString("next_batch"u8, Token(query, skip + page.Rooms.Count));
            }

            json.WriteEndObject();
        });

    private static string Token(HierarchyQuery query, int skip) => $"h{skip}_{query.MaxDepth}_{(query.SuggestedOnly ? "s" : "a")}";

    private static bool TryReadToken(string token, HierarchyQuery query, out int skip)
    {
        skip = 0;
        return token is ['h', .. var rest]
            && rest.IndexOf('_') is > 0 and var end
            && int.TryParse(rest.AsSpan(0, end), out skip)
            && skip is > 0 and < MaxRooms
            && token == Token(query, skip);
    }
}
