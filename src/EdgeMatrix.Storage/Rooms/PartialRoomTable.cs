using System.Text.Json;

namespace EdgeMatrix.Storage.Rooms;

/// <summary>A row of <c>partial_rooms</c>.</summary>
/// <param name="Entry">Nid of the join by which this server came in.</param>
/// <param name="Unknown">The state node under all states of the room since then, which stands for what is not known of the state before that join.</param>
/// <param name="Servers">Who is in the room, as the first of them told.</param>
public sealed record PartialRoom(long Room, long Entry, long Unknown, IReadOnlyList<string> Servers);

/// <summary>
/// The <c>partial_rooms</c> table: rooms that this server came into without most of their members. As long as those are not known, the servers
/// that are said to be in the room count as one member each (<see cref="RoomServerTable"/>): they hear of what is sent, and may ask.
/// </summary>
public static class PartialRoomTable
{
    private const string InsertSql = "INSERT INTO partial_rooms (room, entry, unknown, servers) VALUES (?, ?, ?, ?)";
    private const string FindSql = "SELECT room, entry, unknown, servers FROM partial_rooms WHERE room = ?";
    private const string AllSql = "SELECT room FROM partial_rooms ORDER BY room";
    private const string DeleteSql = "DELETE FROM partial_rooms WHERE room = ?";

    public static void Begin(WriteTransaction db, PartialRoom partial)
    {
        using (var insert = db.Prepare(InsertSql).Bind(partial.Room).Bind(partial.Entry).Bind(partial.Unknown).Bind(Json(partial.Servers)))
        {
            insert.Run();
        }

        foreach (var server in partial.Servers)
        {
            RoomServerTable.Joined(db, partial.Room, server);
        }

        RoomTable.SetPartial(db, partial.Room, partial: true, wholeSince: 0);
    }

    public static PartialRoom? Find(Session db, long room)
    {
        using var query = db.Prepare(FindSql).Bind(room);
        return query.Step() ? new PartialRoom(query.Int64(0), query.Int64(1), query.Int64(2), Names(query.Blob(3))) : null;
    }

    /// <summary>Nids of the rooms.</summary>
    public static List<long> All(Session db)
    {
        using var query = db.Prepare(AllSql);
        var rooms = new List<long>();
        while (query.Step())
        {
            rooms.Add(query.Int64(0));
        }

        return rooms;
    }

    /// <summary>All of the state is known, or the room is come into anew.</summary>
    /// <param name="wholeSince">Stream position at which it is known.</param>
    public static void End(WriteTransaction db, PartialRoom partial, long wholeSince)
    {
        using (var delete = db.Prepare(DeleteSql).Bind(partial.Room))
        {
            delete.Run();
        }

        foreach (var server in partial.Servers)
        {
            RoomServerTable.Left(db, partial.Room, server);
        }

        RoomTable.SetPartial(db, partial.Room, partial: false, wholeSince);
    }

    private static byte[] Json(IEnumerable<string> servers)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartArray();
            foreach (var server in servers)
            {
                json.WriteStringValue(server);
            }

            json.WriteEndArray();
        }

        return bytes.ToArray();
    }

    private static List<string> Names(ReadOnlySpan<byte> json)
    {
        var names = new List<string>();
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.String)
            {
                names.Add(reader.GetString()!);
            }
        }

        return names;
    }
}
