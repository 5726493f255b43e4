using System.Text.Json;
using EdgeMatrix.Federation;
using EdgeMatrix.Federation.Sending;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Federation;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>How it stands with other servers.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/usage/administration/admin_api/federation.html</remarks>
internal static class FederationAdmin
{
    private const long DefaultLimit = 100;
    private const long MaxLimit = 1_000;

    /// <summary><c>GET /_synapse/admin/v1/federation/destinations</c></summary>
    public static IResult List(HttpRequest request, Database database, Destinations destinations)
    {
        var (from, badFrom) = request.QueryInteger("from");
        var (limit, badLimit) = request.QueryInteger("limit", min: 1);
        var (dir, badDir) = request.QueryOneOf("dir", "f", "b");
        var (order, badOrder) = request.QueryOneOf(
            "order_by", "destination", "retry_last_ts", "retry_interval", "failure_ts", "last_successful_stream_ordering");
        if ((badFrom ?? badLimit ?? badDir ?? badOrder) is { } bad)
        {
            return bad;
        }

        var (start, size) = (from ?? 0, Math.Min(limit ?? DefaultLimit, MaxLimit));
        var part = request.QueryText("destination") is { Length: > 0 } text ? text : null;
        List<KnownDestination> page;
        long total;
        using (var db = database.OpenSnapshot())
        {
            page = DestinationListing.Page(db, part, OrderOf(order), dir == "b", start, size);
            total = DestinationListing.Count(db, part);
        }

        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("destinations"u8);
            page.ForEach(one => Write(json, destinations, one.Server, one.Cursor));
            json.WriteEndArray();
            json.WriteNumber("total"u8, total);
            if (start + page.Count < total)
            {
                json.WriteString("next_token"u8, $"{start + page.Count}");
            }

            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /_synapse/admin/v1/federation/destinations/{destination}</c></summary>
    public static IResult Get(string destination, Database database, Destinations destinations)
    {
        OutgoingCursor cursor;
        using (var db = database.OpenSnapshot())
        {
            if (!DestinationListing.Contains(db, destination))
            {
                return Unknown();
            }

            cursor = OutgoingCursorTable.Find(db, destination);
        }

        return JsonText.Write(json => Write(json, destinations, destination, cursor));
    }

    /// <summary><c>GET /_synapse/admin/v1/federation/destinations/{destination}/rooms</c></summary>
    public static IResult Rooms(string destination, HttpRequest request, Database database)
    {
        var (from, badFrom) = request.QueryInteger("from");
        var (limit, badLimit) = request.QueryInteger("limit", min: 1);
        var (dir, badDir) = request.QueryOneOf("dir", "f", "b");
        if ((badFrom ?? badLimit ?? badDir) is { } bad)
        {
            return bad;
        }

        using var db = database.OpenSnapshot();
        if (!DestinationListing.Contains(db, destination))
        {
            return Unknown();
        }

        var rooms = RoomServerTable.RoomsOf(db, destination).Select(room => RoomTable.Find(db, room)).OfType<RoomRow>();
        var sorted = (dir == "b"
            ? rooms.OrderByDescending(room => room.RoomId, StringComparer.Ordinal)
            : rooms.OrderBy(room => room.RoomId, StringComparer.Ordinal)).ToList();
        var (start, size) = (Math.Min(from ?? 0, int.MaxValue), Math.Min(limit ?? DefaultLimit, MaxLimit));
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("rooms"u8);
            foreach (var room in sorted.Skip((int)start).Take((int)size))
            {
                json.WriteStartObject();
                json.WriteString("room_id"u8, room.RoomId);
                json.WriteNumber("stream_ordering"u8, room.LastEvent);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteNumber("total"u8, sorted.Count);
            if (start + size < sorted.Count)
            {
                json.WriteString("next_token"u8, $"{start + size}");
            }

            json.WriteEndObject();
        });
    }

    /// <summary><c>POST /_synapse/admin/v1/federation/destinations/{destination}/reset_connection</c>: tries it at once.</summary>
    public static IResult Reset(string destination, Database database, Destinations destinations, Outbox outbox)
    {
        using (var db = database.OpenSnapshot())
        {
            if (!DestinationListing.Contains(db, destination))
            {
                return Unknown();
            }
        }

        if (!destinations.Reset(destination))
        {
            return MatrixError.BadRequest("The server is not being left alone");
        }

        outbox.RetryNow(destination);
        return JsonText.Empty;
    }

    private static DestinationOrder OrderOf(string? order) => order switch
    {
        "retry_last_ts" or "retry_interval" => DestinationOrder.Next,
        "failure_ts" => DestinationOrder.FailingSince,
        "last_successful_stream_ordering" => DestinationOrder.Position,
        _ => DestinationOrder.Server,
    };

    private static MatrixError Unknown() => MatrixError.NotFound("The server is not known");

    /// <remarks>When it was last tried is not kept: it is reckoned back from when it will be.</remarks>
    private static void Write(Utf8JsonWriter json, Destinations destinations, string server, OutgoingCursor cursor)
    {
        var standing = destinations.Find(server);
        var interval = standing.Failures > 0 ? destinations.LongestWait(standing.Failures) : 0;
        json.WriteStartObject();
        json.WriteString("destination"u8, server);
        json.WriteNumber("retry_last_ts"u8, interval > 0 ? standing.NextTs - interval : 0);
        json.WriteNumber("retry_interval"u8, interval);
        WriteNumber("failure_ts"u8, standing.FailingSinceTs);
        WriteNumber("last_successful_stream_ordering"u8, cursor.Position > 0 ? cursor.Position : null);
        json.WriteEndObject();

        void WriteNumber(ReadOnlySpan<byte> name, long? number)
        {
            if (number is { } value)
            {
                json.WriteNumber(name, value);
            }
            else
            {
                json.WriteNull(name);
            }
        }
    }
}
