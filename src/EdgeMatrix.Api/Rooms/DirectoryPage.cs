using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Api.Rooms;

/// <summary>A page of the published room directory, for users and for other servers.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#published-room-directory</remarks>
internal static class DirectoryPage
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 500;

    public static IResult Answer(RoomEngine engine, AnswerSpool spool, RoomDirectory directory, PublicRoomsRequest request)
    {
        if (request.Limit < 0)
        {
            return MatrixError.InvalidParam("limit must not be negative");
        }

        if (!TryParse(request.Since, out var place))
        {
            return MatrixError.InvalidParam("since must be a next_batch or prev_batch of an earlier answer");
        }

        using var snapshot = engine.Database.OpenSnapshot();
        var limit = (int)Math.Clamp(request.Limit ?? DefaultLimit, 1, MaxLimit);
        // One more than is asked for tells whether there is another page.
        var found = Find(snapshot, directory, request.Filter, place, limit + 1);
        var more = found.Count > limit;
        var page = found.Take(limit).ToList();
        if (place.Backward)
        {
            page.Reverse();
        }

        var hasNext = page.Count > 0 && (place.Backward || more);
        var hasPrevious = page.Count > 0 && (place.Backward ? more : request.Since is not null);
        return LongJson.Write(spool, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("chunk"u8);
            page.ForEach(entry => entry.Write(json));
            json.WriteEndArray();
            if (hasNext)
            {
                json.WriteString("next_batch"u8, $"n{page[^1].Row.Joined}_{page[^1].Row.Nid}");
            }

            if (hasPrevious)
            {
                json.WriteString("prev_batch"u8, $"p{page[0].Row.Joined}_{page[0].Row.Nid}");
            }

            json.WriteNumber("total_room_count_estimate"u8, RoomTable.CountListed(snapshot, directory));
            json.WriteEndObject();
        });
    }

    private static List<PublishedRoom> Find(Session db, RoomDirectory directory, PublicRoomsFilter? filter, Place place, int count)
    {
        var found = new List<PublishedRoom>();
        while (true)
        {
            var rows = place.Backward
                ? RoomTable.ListedBefore(db, directory, place.Joined, place.Nid, count)
                : RoomTable.ListedAfter(db, directory, place.Joined, place.Nid, count);
            foreach (var row in rows)
            {
                place = place with { Joined = row.Joined, Nid = row.Nid };
                var entry = new PublishedRoom(db, row, RoomVersions.Find(row.Version)!);
                if (entry.Matches(filter))
                {
                    found.Add(entry);
                    if (found.Count == count)
                    {
                        return found;
                    }
                }
            }

            if (rows.Count < count)
            {
                return found;
            }
        }
    }

    private static bool TryParse(string? since, out Place place)
    {
        place = new Place(false, long.MaxValue, 0);
        if (since is null)
        {
            return true;
        }

        if (since is not ['n' or 'p', .. var rest] || rest.IndexOf('_') is not (> 0 and var split)
            || !long.TryParse(rest.AsSpan(0, split), out var joined) || !long.TryParse(rest.AsSpan(split + 1), out var nid))
        {
            return false;
        }

        place = new Place(since[0] == 'p', joined, nid);
        return true;
    }

    private readonly record struct Place(bool Backward, long Joined, long Nid);
}
