using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>Keeps what rooms are called where lists of rooms find it.</summary>
public static class RoomNames
{
    private const int RoomsPerSlice = 50;

    /// <summary>Whether an event says what its room is called.</summary>
    internal static bool IsOne(Pdu pdu) => pdu.StateKey is { } stateKey && IsOne((pdu.Type, stateKey));

    internal static bool IsOne((string Type, string StateKey) key) => key is ("m.room.name" or "m.room.canonical_alias", "");

    /// <summary>Call when the current state of a room may have another name or alias.</summary>
    internal static void Note(WriteTransaction db, RoomRow row) => RoomNameTable.Set(
        db, row, TextOf(db, row, "m.room.name", "name"), TextOf(db, row, "m.room.canonical_alias", "alias"));

    /// <summary>Looks up the names of some of the rooms that an older EdgeMatrix stored.</summary>
    /// <returns>Whether there may be more.</returns>
    public static async Task<bool> SliceAsync(Database database)
    {
        List<long> rooms;
        using (var snapshot = database.OpenSnapshot())
        {
            rooms = RoomNameTable.Unknown(snapshot, RoomsPerSlice);
        }

        if (rooms.Count == 0)
        {
            return false;
        }

        await database.WriteAsync(db =>
        {
            foreach (var row in rooms.Select(room => RoomTable.Find(db, room)).OfType<RoomRow>())
            {
                Note(db, row);
            }
        });
        return rooms.Count == RoomsPerSlice;
    }

    private static string? TextOf(Session db, RoomRow row, string type, string member) =>
        RoomVersions.Find(row.Version) is { } version && RoomStateReader.Find(db, version, row.State, type, "") is { } state
            ? JsonContent.Text(state.Content, member)
            : null;
}
