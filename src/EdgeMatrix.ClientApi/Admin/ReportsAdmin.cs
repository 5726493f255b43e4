using System.Globalization;
using System.Text.Json;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>What users reported: events, and beyond Synapse's list rooms and users too, whose <c>event_id</c> or <c>room_id</c> is null.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/event_reports.html</remarks>
internal static class ReportsAdmin
{
    private const long DefaultLimit = 100;
    private const long MaxLimit = 1_000;

    /// <summary><c>GET /_synapse/admin/v1/event_reports</c></summary>
    public static IResult List(HttpRequest request, Database database)
    {
        var (from, badFrom) = request.QueryInteger("from");
        var (limit, badLimit) = request.QueryInteger("limit", min: 1);
        var (dir, badDir) = request.QueryOneOf("dir", "f", "b");
        if ((badFrom ?? badLimit ?? badDir) is { } bad)
        {
            return bad;
        }

        using var db = database.OpenSnapshot();
        var (page, total) = ReportTable.List(
            db, request.QueryText("user_id"), request.QueryText("room_id"), dir != "f", Math.Min(limit ?? DefaultLimit, MaxLimit), from ?? 0);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("event_reports"u8);
            page.ForEach(report => Write(json, db, report, whole: false));
            json.WriteEndArray();
            if ((from ?? 0) + page.Count < total)
            {
                json.WriteNumber("next_token"u8, (from ?? 0) + page.Count);
            }

            json.WriteNumber("total"u8, total);
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /_synapse/admin/v1/event_reports/{reportId}</c></summary>
    public static IResult Get(string reportId, Database database)
    {
        using var db = database.OpenSnapshot();
        return Parse(reportId) is not { } nid ? BadId()
            : ReportTable.Find(db, nid) is { } report ? JsonText.Write(json => Write(json, db, report, whole: true))
            : MatrixError.NotFound("There is no such report");
    }

    /// <summary><c>DELETE /_synapse/admin/v1/event_reports/{reportId}</c></summary>
    public static async Task<IResult> Delete(string reportId, Database database) =>
        Parse(reportId) is not { } nid ? BadId()
        : await database.WriteAsync(db => ReportTable.Delete(db, nid)) ? JsonText.Empty
        : MatrixError.NotFound("There is no such report");

    private static long? Parse(string reportId) =>
        long.TryParse(reportId, NumberStyles.None, CultureInfo.InvariantCulture, out var nid) ? nid : null;

    private static MatrixError BadId() => MatrixError.InvalidParam("A report is named by a number");

    private static void Write(Utf8JsonWriter json, Session db, ReportRow report, bool whole)
    {
        json.WriteStartObject();
        json.WriteNumber("id"u8, report.Nid);
        json.WriteNumber("received_ts"u8, report.ReceivedTs);
        json.WriteString("user_id"u8, report.Reporter);
        json.WriteString("room_id"u8, report.RoomId);
        json.WriteString("event_id"u8, report.EventId);
        json.WriteString(report.EventId is null && report.RoomId is null ? "target_user_id"u8 : "sender"u8, report.UserId);
        json.WriteString("reason"u8, report.Reason);
        json.WritePropertyName("score"u8);
        if (report.Score is { } score)
        {
            json.WriteNumberValue(score);
        }
        else
        {
            json.WriteNullValue();
        }

        var room = report.RoomId is null ? null : RoomTable.Find(db, report.RoomId);
        var version = room is null ? null : RoomVersions.Find(room.Version);
        var name = version is null ? default : RoomStateReader.Find(db, version, room!.State, "m.room.name", "")?.Content ?? default;
        json.WriteString("name"u8, JsonContent.Text(name, "name"));
        var alias = version is null ? default : RoomStateReader.Find(db, version, room!.State, "m.room.canonical_alias", "")?.Content ?? default;
        json.WriteString("canonical_alias"u8, JsonContent.Text(alias, "alias"));
        if (whole && report.EventId is not null && version is not null && EventTable.Find(db, report.EventId) is { } stored)
        {
            json.WritePropertyName("event_json"u8);
            json.WriteRawValue(stored.Json, skipInputValidation: true);
        }

        json.WriteEndObject();
    }
}
