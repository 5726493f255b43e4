using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Api.Rooms;

/// <summary>The servers that a directory names, for whoever wants to come into a room.</summary>
internal static class ResidentServers
{
    private const int MaxServers = 50;

    /// <returns>This server first.</returns>
    public static List<string> Of(Session db, RoomEngine engine, string roomId) =>
        [engine.Server.Name, .. RoomTable.Find(db, roomId) is { } row ? RoomServerTable.InRoom(db, row.Nid).Take(MaxServers) : []];
}
