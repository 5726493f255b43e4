using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>The threads of a room.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#querying-threads-in-a-room</remarks>
internal static class RoomThreads
{
    private const int DefaultLimit = 20;
    private const int MaxLimit = 100;

    // What one request looks at: a page of a room of whose threads most are not wanted ends early, with a token to go on.
    private const int MaxScanned = 500;

    /// <summary><c>GET /_matrix/client/v1/rooms/{roomId}/threads</c></summary>
    public static IResult List(string roomId, string? from, HttpRequest request, Requester requester, RoomEngine engine, AnswerSpool spool)
    {
        var (limit, badLimit) = request.QueryInteger("limit", min: 1);
        var (include, badInclude) = request.QueryOneOf("include", "all", "participated");
        if ((badLimit ?? badInclude) is { } bad)
        {
            return bad;
        }

        var start = long.MaxValue;
        if (from is not null && !TimelineToken.TryParse(from, out start))
        {
            return MatrixError.InvalidParam("from must be the next_batch of an earlier answer");
        }

        var (view, closed) = RoomView.Open(engine, requester, roomId);
        if (view is null)
        {
            return closed!;
        }

        using (view)
        {
            var size = (int)Math.Min(limit ?? DefaultLimit, MaxLimit);
            var (roots, next) = Find(view, requester, start, size, participated: include == "participated");
            view.Bundle(roots);
            return LongJson.Write(spool, json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("chunk"u8);
                foreach (var root in roots)
                {
                    // If the thread root event was sent by an ignored user, the event is returned redacted to the caller.
                    view.WriteEvent(json, root, redacted: view.IsIgnored(root));
                }

                json.WriteEndArray();
                if (next is { } end)
                {
                    json.WriteString("next_batch"u8, TimelineToken.Format(end));
                }

                json.WriteEndObject();
            });
        }
    }

    private static (List<StoredEvent> Roots, long? Next) Find(RoomView view, Requester requester, long from, int size, bool participated)
    {
        var roots = new List<StoredEvent>();
        for (var scanned = 0; scanned < MaxScanned;)
        {
            var batch = ThreadTable.Page(view.Db, view.Room.Nid, from, size);
            var replies = EventTable.FindMany(view.Db, batch.Select(reply => reply.Event));
            foreach (var reply in batch)
            {
                from = reply.Timeline - 1;
                scanned++;
                if (replies.GetValueOrDefault(reply.Event) is { } stored
                    && EventRelation.Of(view.Parse(stored)) is { } relation
                    && view.FindVisible(relation.EventId) is { } root
                    && EventRelation.Of(view.Parse(root)) is null
                    && (!participated || HasParticipated(view, requester, root)))
                {
                    roots.Add(root);
                    if (roots.Count == size)
                    {
                        return (roots, reply != batch[^1] || batch.Count == size ? from : null);
                    }
                }
            }

            if (batch.Count < size)
            {
                return (roots, null);
            }
        }

        return (roots, from);
    }

    // The sender of the thread root event, or of an event which references the thread root with a rel_type of m.thread.
    private static bool HasParticipated(RoomView view, Requester requester, StoredEvent root) =>
        view.Parse(root).Sender == requester.UserId
        || (EventTypeTable.Find(view.Db, EventRelation.Thread) is { } thread
            && RelationTable.HasSender(view.Db, view.Room.Nid, RelationTable.Key(root.EventId), thread, requester.UserNid));
}
