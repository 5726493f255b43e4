using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary>A room that a server which is in it asks about, in one snapshot.</summary>
internal sealed class AskedRoom : IDisposable
{
    private AskedRoom(Snapshot db, Room room, RoomRow row) => (Db, Room, Row) = (db, room, row);

    public Snapshot Db { get; }

    public Room Room { get; }

    public RoomRow Row { get; }

    /// <returns>The room; or why the server is told nothing of it.</returns>
    public static (AskedRoom? Asked, MatrixError? Error) Open(RoomEngine engine, string roomId, string origin) =>
        Open(engine, db => RoomTable.Find(db, roomId), origin);

    /// <summary>As above, of the room of an event.</summary>
    public static (AskedRoom? Asked, MatrixError? Error) OfEvent(RoomEngine engine, string eventId, string origin) =>
        Open(engine, db => EventTable.FindPlace(db, eventId) is { } place ? RoomTable.Find(db, place.Room) : null, origin);

    /// <summary>An event of the room of which it is known what the room was at it: one that was rejected never was part of it.</summary>
    public StoredEvent? Find(string eventId) =>
        EventTable.Find(Db, eventId) is { } stored && stored.Room == Row.Nid && (stored.Flags & (EventFlags.Outlier | EventFlags.Rejected)) == 0
            ? stored
            : null;

    public void Dispose() => Db.Dispose();

    private static (AskedRoom? Asked, MatrixError? Error) Open(RoomEngine engine, Func<Session, RoomRow?> find, string origin)
    {
        var db = engine.Database.OpenSnapshot();
        if (find(db) is not { } row || engine.Find(db, row) is not { } room)
        {
            db.Dispose();
            return (null, MatrixError.NotFound("That is not known here"));
        }

        if (ServerAccess.Refuse(db, row, room.Version, origin) is { } refused)
        {
            db.Dispose();
            return (null, refused);
        }

        return (new AskedRoom(db, room, row), null);
    }
}
