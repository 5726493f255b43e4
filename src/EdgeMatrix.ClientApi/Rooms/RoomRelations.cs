using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Sync;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Rooms.Relations;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>The child events of an event.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#relationships-api</remarks>
internal static class RoomRelations
{
    private const int DefaultLimit = 20;
    private const int MaxLimit = 1_000;

    /// <summary><c>GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}</c></summary>
    public static IResult Of(string roomId, string eventId, HttpRequest request, Requester requester, RoomEngine engine, AnswerSpool spool) =>
        Answer(roomId, eventId, null, null, request, requester, engine, spool);

    /// <summary><c>GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}</c></summary>
    public static IResult OfType(string roomId, string eventId, string relType, HttpRequest request, Requester requester, RoomEngine engine, AnswerSpool spool) =>
        Answer(roomId, eventId, relType, null, request, requester, engine, spool);

    /// <summary><c>GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}/{eventType}</c></summary>
    public static IResult OfEventType(
        string roomId, string eventId, string relType, string eventType, HttpRequest request, Requester requester, RoomEngine engine, AnswerSpool spool) =>
        Answer(roomId, eventId, relType, eventType, request, requester, engine, spool);

    private static IResult Answer(
        string roomId, string eventId, string? relType, string? eventType, HttpRequest request, Requester requester, RoomEngine engine, AnswerSpool spool)
    {
        var (query, error) = Read(request, relType, eventType);
        if (query is null)
        {
            return error!;
        }

        var (view, closed) = RoomView.Open(engine, requester, roomId);
        if (view is null)
        {
            return closed!;
        }

        using (view)
        {
            if (view.FindVisible(eventId) is null)
            {
                return MatrixError.NotFound("The event is not in the room, or you may not see it");
            }

            var page = RelatedEvents.Page(view.Db, view.Room, view.Visibility, eventId, query, stored => !view.IsIgnored(stored));
            view.Bundle(page.Events);
            return LongJson.Write(spool, json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("chunk"u8);
                page.Events.ForEach(stored => view.WriteEvent(json, stored));
                json.WriteEndArray();
                if (page.End is { } end)
                {
                    json.WriteString("next_batch"u8, TimelineToken.Format(end));
                }

                // The absence of this token means this is the start of the result set.
                if (query.From is { } from)
                {
                    json.WriteString("prev_batch"u8, TimelineToken.Format(from));
                }

                if (query.Recurse)
                {
                    json.WriteNumber("recursion_depth"u8, RelatedEvents.MaxDepth);
                }

                json.WriteEndObject();
            });
        }
    }

    private static (RelatedQuery? Query, MatrixError? Error) Read(HttpRequest request, string? relType, string? eventType)
    {
        var (limit, badLimit) = request.QueryInteger("limit", min: 0);
        var (recurse, badRecurse) = request.QueryBoolean("recurse");
        var (dir, badDir) = request.QueryOneOf("dir", "b", "f");
        if ((badLimit ?? badRecurse ?? badDir) is { } bad)
        {
            return (null, bad);
        }

        if (!TryReadToken(request, "from", out var from) || !TryReadToken(request, "to", out var to))
        {
            return (null, MatrixError.InvalidParam("from and to must be tokens of this endpoint, of /sync or of /messages"));
        }

        var size = (int)Math.Clamp(limit ?? DefaultLimit, 1, MaxLimit);
        return (new RelatedQuery(relType, eventType, recurse ?? false, dir != "f", from, to, size), null);
    }

    private static bool TryReadToken(HttpRequest request, string name, out long? token)
    {
        token = null;
        if (request.QueryToken(name) is not { } text)
        {
            return true;
        }

        var read = TimelineToken.TryParse(text, out var order);
        token = order;
        return read;
    }
}
