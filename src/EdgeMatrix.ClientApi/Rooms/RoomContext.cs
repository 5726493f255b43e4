using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>What happened around an event.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidcontexteventid</remarks>
internal static class RoomContext
{
    private const int DefaultLimit = 10;
    private const int MaxLimit = 100;

    /// <summary><c>GET /_matrix/client/v3/rooms/{roomId}/context/{eventId}</c></summary>
    public static async Task<IResult> GetAsync(
        string roomId,
        string eventId,
        string? filter,
        HttpRequest request,
        Requester requester,
        RoomEngine engine,
        RoomBackfill backfill,
        AnswerSpool spool)
    {
        // How many events around it, half of them before and half after.
        var (limit, badLimit) = request.QueryInteger("limit", min: 0);
        if (badLimit is not null)
        {
            return badLimit;
        }

        if (RoomMessages.ParseFilter(filter, out var events) is { } badFilter)
        {
            return badFilter;
        }

        var (answer, gap) = Answer(roomId, eventId, events, limit ?? DefaultLimit, requester, engine, spool, mayFetch: true);
        if (gap is var (room, missing))
        {
            await backfill.FillAsync(room, missing, request.HttpContext.RequestAborted);
            (answer, _) = Answer(roomId, eventId, events, limit ?? DefaultLimit, requester, engine, spool, mayFetch: false);
        }

        return answer!;
    }

    /// <returns>The answer; or the gap that is to be filled before.</returns>
    private static (IResult? Answer, (Room Room, TimelineGap Gap)? Missing) Answer(
        string roomId,
        string eventId,
        RoomEventFilter events,
        long limit,
        Requester requester,
        RoomEngine engine,
        AnswerSpool spool,
        bool mayFetch)
    {
        var (view, error) = RoomView.Open(engine, requester, roomId);
        if (view is null)
        {
            return (error, null);
        }

        using (view)
        {
            if (view.FindVisible(eventId) is not { } stored)
            {
                return (MatrixError.NotFound("The event is not in the room, or you may not see it"), null);
            }

            var size = (int)Math.Min(limit, MaxLimit);
            var order = stored.Timeline!.Value;
            bool Wanted(StoredEvent e) => events.MatchesRoom(roomId) && events.Matches(view.Parse(e));
            HistoryPage Around(bool backward, long from, int count) => count == 0
                ? new HistoryPage([], from, from)
                : RoomHistory.Page(view.Db, view.Room, view.Visibility, backward, from, null, count, Wanted);

            var before = Around(true, order - 1, size / 2);
            if (size > 1 && FilledHistory.GapIn(view, before, backward: true, order - 1, null) is { } gap)
            {
                if (mayFetch)
                {
                    return (null, (view.Room, gap));
                }

                before = FilledHistory.Cut(before, gap, backward: true, order - 1);
            }

            var after = Around(false, order, size - (size / 2));
            // The state at the last event returned.
            var last = after.Events.Count > 0 ? after.Events[^1] : stored;
            view.Bundle([.. before.Events, stored, .. after.Events]);
            return (LongJson.Write(spool, json =>
            {
                json.WriteStartObject();
                json.WriteString("start"u8, TimelineToken.Format(before.End ?? (before.Events.Count > 0 ? before.Events[^1].Timeline!.Value - 1 : order - 1)));
                json.WriteString("end"u8, TimelineToken.Format(last.Timeline!.Value));
                json.WritePropertyName("event"u8);
                view.WriteEvent(json, stored);
                json.WriteStartArray("events_before"u8);
                before.Events.ForEach(e => view.WriteEvent(json, e));
                json.WriteEndArray();
                json.WriteStartArray("events_after"u8);
                after.Events.ForEach(e => view.WriteEvent(json, e));
                json.WriteEndArray();
                if (events.LazyLoadMembers)
                {
                    RoomMessages.WriteMembers(json, view, [.. before.Events, stored, .. after.Events]);
                }
                else
                {
                    json.WriteStartArray("state"u8);
                    RoomStateReader.ForEach(view.Db, last.State, state => view.WriteState(json, state));
                    json.WriteEndArray();
                }

                json.WriteEndObject();
            }), null);
        }
    }
}
