using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Storage.Rooms;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Storage.Tests.AuthChains;

/// <summary>A stored room of state events that mean nothing but what they cite.</summary>
internal sealed class AuthGraph
{
    private readonly WriteTransaction _db;
    private readonly Dictionary<long, (string Type, string StateKey, long[] Auth)> _events = [];

    public AuthGraph(WriteTransaction db, string roomId)
    {
        _db = db;
        RoomId = roomId;
        Room = RoomTable.Insert(db, roomId, Version.Id);
    }

    public static RoomVersion Version => Versions.V11;

    public string RoomId { get; }

    public long Room { get; }

    public IEnumerable<long> All => _events.Keys;

    public (string Type, string StateKey) Key(long nid) => (_events[nid].Type, _events[nid].StateKey);

    public static string Id(long nid) => $"$event{nid}";

    /// <param name="lost">Ids of auth events that are not here.</param>
    public long Add(string type, string stateKey, IEnumerable<long> auth, params string[] lost)
    {
        var nid = _db.NextPosition();
        long[] known = [.. auth];
        var cited = string.Join(',', known.Select(Id).Concat(lost).Select(static id => $"\"{id}\""));
        var json = $$"""
            {"auth_events":[{{cited}}],"content":{},"depth":1,"hashes":{"sha256":""},"origin_server_ts":1,"prev_events":[],"room_id":"{{RoomId}}",
            "sender":"@a:b","signatures":{},"state_key":"{{stateKey}}","type":"{{type}}"}
            """.ReplaceLineEndings("");
        var typeNid = EventTypeTable.Intern(_db, type);
        var row = new NewEvent(
            Room, Timeline: null, Id(nid), typeNid, StateKeyTable.Intern(_db, typeNid, stateKey), UserTable.Intern(_db, "@a:b"),
            nid % 7 == 0 ? EventFlags.Rejected : EventFlags.Outlier, StateNodes.Empty, Replaces: null, Device: null, TransactionId: null);
        EventTable.Insert(_db, nid, row, System.Text.Encoding.UTF8.GetBytes(json));
        _events.Add(nid, (type, stateKey, known));
        return nid;
    }

    /// <summary>The event and all it leads to.</summary>
    public HashSet<long> WithChain(long nid)
    {
        var found = new HashSet<long> { nid };
        var toVisit = new Stack<long>(found);
        while (toVisit.TryPop(out var next))
        {
            foreach (var auth in _events[next].Auth)
            {
                if (found.Add(auth))
                {
                    toVisit.Push(auth);
                }
            }
        }

        return found;
    }
}
