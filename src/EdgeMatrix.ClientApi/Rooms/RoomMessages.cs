using System.Text.Json;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>Paging through the timeline.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages</remarks>
internal static class RoomMessages
{
    private const int DefaultLimit = 10;
    private const int MaxLimit = 1_000;

    /// <summary><c>GET /_matrix/client/v3/rooms/{roomId}/messages</c></summary>
    public static async Task<IResult> PageAsync(
        string roomId,
        string? from,
        string? to,
        string? dir,
        string? filter,
        HttpRequest request,
        Requester requester,
        RoomEngine engine,
        RoomBackfill backfill,
        AnswerSpool spool)
    {
        var (limit, badLimit) = request.QueryInteger("limit", min: 0);
        if (badLimit is not null)
        {
            return badLimit;
        }

        if (dir is null)
        {
            return MatrixError.MissingParam("dir");
        }

        if (dir is not ("b" or "f"))
        {
            return MatrixError.InvalidParam("dir must be b or f");
        }

        var backward = dir == "b";
        long start = 0;
        if (from is not null && !TimelineToken.TryParse(from, out start))
        {
            return MatrixError.InvalidParam("from must be a token of /sync or /messages");
        }

        long stop = 0;
        if (to is not null && !TimelineToken.TryParse(to, out stop))
        {
            return MatrixError.InvalidParam("to must be a token of /sync or /messages");
        }

        if (ParseFilter(filter, out var events) is { } badFilter)
        {
            return badFilter;
        }

        if (from is null)
        {
            start = backward ? engine.Database.CommittedPosition : BackwardExtremityTable.Beginning;
        }

        var size = (int)Math.Clamp(limit ?? events.Limit ?? DefaultLimit, 1, MaxLimit);
        var (view, page, error) = await FilledHistory.ReadAsync(
            engine, requester, roomId, backfill, backward, start, to is null ? null : stop, size,
            (room, stored) => events.MatchesRoom(roomId) && events.Matches(room.Parse(stored)), request.HttpContext.RequestAborted);
        if (view is null || page is null)
        {
            return error!;
        }

        using (view)
        {
            view.Bundle(page.Events);
            return LongJson.Write(spool, json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("chunk"u8);
                foreach (var stored in page.Events)
                {
                    view.WriteEvent(json, stored);
                }

                json.WriteEndArray();

                // "If no further events are available (either because we have reached the start of the timeline, or because the user does not
                // have permission to see any more events), this property is omitted": after the newest event there will be others.
                if ((page.End ?? (!backward && page.Events.Count > 0 ? page.Events[^1].Timeline : null)) is { } end)
                {
                    json.WriteString("end"u8, TimelineToken.Format(end));
                }

                json.WriteString("start"u8, from ?? TimelineToken.Format(start));
                if (events.LazyLoadMembers)
                {
                    WriteMembers(json, view, page.Events);
                }

                json.WriteEndObject();
            });
        }
    }

    public static MatrixError? ParseFilter(string? text, out RoomEventFilter filter)
    {
        filter = RoomEventFilter.All;
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        try
        {
            var element = JsonElement.Parse(text);
            if (element.ValueKind != JsonValueKind.Object)
            {
                return MatrixError.InvalidParam("filter must be a JSON object");
            }

            filter = RoomEventFilter.Parse(element, out var problem);
            return problem is null ? null : MatrixError.InvalidParam(problem);
        }
        catch (JsonException)
        {
            return MatrixError.InvalidParam("filter must be JSON");
        }
    }

    /// <summary>The members who sent the events, as <c>state</c>.</summary>
    public static void WriteMembers(Utf8JsonWriter json, RoomView view, IEnumerable<StoredEvent> events)
    {
        json.WriteStartArray("state"u8);
        foreach (var sender in events.Select(e => view.Parse(e).Sender).Distinct())
        {
            if (view.FindState("m.room.member", sender) is { } member)
            {
                view.WriteState(json, member);
            }
        }

        json.WriteEndArray();
    }
}
