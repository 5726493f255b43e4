using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Console.Inspection;

/// <summary>How the events of an exported room are joined.</summary>
public enum ExportFormat
{
    /// <summary>One JSON array.</summary>
    Array,

    /// <summary>An event a line.</summary>
    Ndjson,

    /// <summary>A scenario of TARDIS, which alone of the three says the room version. It is JSON, too; TARDIS knows it by the ending <c>.json5</c>.</summary>
    Scenario,
}

/// <summary>
/// Writes every event of a room as servers exchange it, with its <c>event_id</c> added, as the TARDIS debugger and
/// <c>room explain</c> read it: each event after all that it cites.
/// </summary>
/// <remarks>See https://github.com/matrix-org/tardis for the formats.</remarks>
public static class RoomExport
{
    /// <summary>The room of an id or of an alias of this server; null if there is none.</summary>
    public static RoomRow? Find(Session db, string room) =>
        RoomAliasTable.Find(db, room) is { } alias ? RoomTable.Find(db, alias.Room) : RoomTable.Find(db, room);

    /// <exception cref="IOException">Whoever reads the output has closed it, or the disk is full.</exception>
    public static void Write(ReadOnlyDatabase database, RoomRow room, RoomVersion version, ExportFormat format, Stream output)
    {
        var (start, separator, end) = format switch
        {
            ExportFormat.Ndjson => ("", "\n", "\n"),
            ExportFormat.Scenario => (ScenarioStart(room), ",\n", "\n]}\n"),
            _ => ("[\n", ",\n", "\n]\n"),
        };
        output.Write(Encoding.UTF8.GetBytes(start));
        var first = true;
        foreach (var stored in new StoredRoomOrder(database, room, version).Walk())
        {
            if (!first)
            {
                output.Write(Encoding.UTF8.GetBytes(separator));
            }

            first = false;
            WriteWithId(stored.Json, stored.EventId, output);
        }

        output.Write(Encoding.UTF8.GetBytes(end));
        output.Flush();
    }

    // Its ids are the real ones: those that TARDIS would calculate are unknown to the other servers from version 12 on.
    private static string ScenarioStart(RoomRow room) =>
        $$"""{"tardis_version":1,"room_version":"{{Escape(room.Version)}}","room_id":"{{Escape(room.RoomId)}}","calculate_event_ids":false,"events":[{{"\n"}}""";

    /// <summary>Splices the id into canonical JSON, in the place of one that may stand there already.</summary>
    private static void WriteWithId(ReadOnlySpan<byte> json, string eventId, Stream output)
    {
        var (start, end) = FindEventId(json);
        output.Write(Encoding.UTF8.GetBytes($"{{\"event_id\":\"{Escape(eventId)}\","));
        output.Write(json[1..start]);
        output.Write(json[end..]);
    }

    // The bytes of the property with one of its commas; none where there is no such property.
    private static (int Start, int End) FindEventId(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var start = (int)reader.TokenStartIndex;
            var found = reader.ValueTextEquals("event_id"u8);
            reader.Read();
            reader.Skip();
            if (found)
            {
                var end = (int)reader.BytesConsumed;
                return json[end] == ',' ? (start, end + 1) : (start - 1, end);
            }
        }

        return (1, 1);
    }

    private static string Escape(string text) => JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString();
}
