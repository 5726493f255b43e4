using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>Reads the events of a state node.</summary>
public static class RoomStateReader
{
    public static Pdu? Find(Session db, RoomVersion version, long node, string type, string stateKey) =>
        FindStored(db, node, type, stateKey) ?.Parse(version);

    public static StoredEvent? FindStored(Session db, long node, string type, string stateKey) =>
        StateKeyTable.Find(db, type, stateKey) is { } key && StateNodes.Find(db, node, key) is { } nid ? EventTable.Find(db, nid) : null;

    /// <summary>Visits every event of the state, in no particular order, without holding them all.</summary>
    public static void ForEach(Session db, long node, Action<StoredEvent> visit) => StateNodes.ForEach(db, node, entry =>
    {
        if (EventTable.Find(db, entry.Event) is { } stored)
        {
            visit(stored);
        }
    });
}
