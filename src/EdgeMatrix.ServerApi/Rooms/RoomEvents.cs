using System.Text.Json;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary>Events for servers that are in their room: one, those before others, and those between others.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events</remarks>
internal static class RoomEvents
{
    private const int MaxBackfill = 100;
    private const int MaxMissing = 20;
    private const int DefaultMissing = 10;
    private const int MaxNamed = 100;

    /// <summary><c>GET /_matrix/federation/v1/event/{eventId}</c></summary>
    public static IResult Get(string eventId, string origin, RoomEngine engine)
    {
        var (asked, error) = AskedRoom.OfEvent(engine, eventId, origin);
        if (asked is null)
        {
            return error!;
        }

        using (asked)
        {
            return EventTable.Find(asked.Db, eventId) is not { } stored
                ? MatrixError.NotFound("The event is not known here")
                : JsonText.Write(json => WriteTransaction(json, engine, new ServerVisibility(asked.Db, asked.Room, origin), [stored]));
        }
    }

    /// <summary><c>GET /_matrix/federation/v1/backfill/{roomId}</c>: the named events and what is before them, the newest first.</summary>
    public static IResult Backfill(string roomId, string origin, HttpRequest request, RoomEngine engine, AnswerSpool spool)
    {
        var (limit, badLimit) = request.QueryInteger("limit", min: 1);
        string[] from = [.. request.Query["v"].OfType<string>().Where(id => id.Length > 0)];
        if (badLimit is not null || limit is null || from.Length is 0 or > MaxNamed)
        {
            return badLimit ?? (limit is null ? MatrixError.MissingParam("limit") : from.Length == 0
                ? MatrixError.MissingParam("v")
                : MatrixError.InvalidParam($"v names more than {MaxNamed} events"));
        }

        var (asked, error) = AskedRoom.Open(engine, roomId, origin);
        if (asked is null)
        {
            return error!;
        }

        using (asked)
        {
            var events = EarlierEvents.From(asked, from, stopAt: [], (int)Math.Min(limit.Value, MaxBackfill), minDepth: 0);
            return LongJson.Write(spool, json => WriteTransaction(json, engine, new ServerVisibility(asked.Db, asked.Room, origin), events));
        }
    }

    /// <summary><c>POST /_matrix/federation/v1/get_missing_events/{roomId}</c>: what is before the latest and not before the earliest, the oldest first.</summary>
    public static IResult GetMissing(string roomId, string origin, JsonElement body, RoomEngine engine, AnswerSpool spool)
    {
        if (Ids(body, "latest_events") is not { } latest || Ids(body, "earliest_events") is not { } earliest)
        {
            return MatrixError.BadJson($"latest_events and earliest_events must be lists of at most {MaxNamed} event ids");
        }

        var (asked, error) = AskedRoom.Open(engine, roomId, origin);
        if (asked is null)
        {
            return error!;
        }

        using (asked)
        {
            // The draft of the forward extremities has a flag for whoever knows no more of the latest than their ids.
            var withLatest = body.TryGetProperty("include_latest_events"u8, out var include) && include.ValueKind == JsonValueKind.True;
            IEnumerable<string> from = withLatest ? latest
                : [.. latest.Select(asked.Find).OfType<StoredEvent>().SelectMany(stored => stored.Parse(asked.Room.Version).PrevEvents)];
            var limit = (int)Math.Clamp(Number(body, "limit") ?? DefaultMissing, 1, MaxMissing);
            var events = EarlierEvents.From(
                asked, from, withLatest ? earliest : [.. earliest, .. latest], limit, Number(body, "min_depth") ?? 0);
            events.Reverse();
            return LongJson.Write(spool, json =>
            {
                json.WriteStartObject();
                WritePdus(json, "events"u8, new ServerVisibility(asked.Db, asked.Room, origin), events);
                json.WriteEndObject();
            });
        }
    }

    /// <summary>
    /// <c>GET /_matrix/federation/unstable/org.matrix.msc4370/extremities/{roomId}</c>: what an event of this server would follow, "the same
    /// information which would be supplied in the prev_events for an event".
    /// </summary>
    /// <remarks>MSC4370: https://github.com/matrix-org/matrix-spec-proposals/pull/4370</remarks>
    public static IResult Extremities(string roomId, string origin, RoomEngine engine)
    {
        var (asked, error) = AskedRoom.Open(engine, roomId, origin);
        if (asked is null)
        {
            return error!;
        }

        using (asked)
        {
            var ids = ForwardExtremities.Of(asked.Db, asked.Row);
            return ids.Count == 0 ? MatrixError.NotFound("That is not known here") : JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("prev_events"u8);
                ids.ForEach(json.WriteStringValue);
                json.WriteEndArray();
                json.WriteEndObject();
            });
        }
    }

    private static void WriteTransaction(Utf8JsonWriter json, RoomEngine engine, ServerVisibility visibility, IEnumerable<StoredEvent> events)
    {
        json.WriteStartObject();
        json.WriteString("origin"u8, engine.Server.Name);
        json.WriteNumber("origin_server_ts"u8, engine.Time.GetUtcNow().ToUnixTimeMilliseconds());
        WritePdus(json, "pdus"u8, visibility, events);
        json.WriteEndObject();
    }

    private static void WritePdus(Utf8JsonWriter json, ReadOnlySpan<byte> name, ServerVisibility visibility, IEnumerable<StoredEvent> events)
    {
        json.WriteStartArray(name);
        foreach (var stored in events)
        {
            json.WriteRawValue(visibility.Shown(stored).Json.Span, skipInputValidation: true);
        }

        json.WriteEndArray();
    }

    private static List<string>? Ids(JsonElement body, string name)
    {
        if (!body.TryGetProperty(name, out var list))
        {
            return [];
        }

        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > MaxNamed)
        {
            return null;
        }

        var ids = new List<string>();
        foreach (var id in list.EnumerateArray())
        {
            if (id.ValueKind != JsonValueKind.String)
            {
                return null;
            }

            ids.Add(id.GetString()!);
        }

        return ids;
    }

    private static long? Number(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;
}
