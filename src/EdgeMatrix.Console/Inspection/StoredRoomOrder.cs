using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Console.Inspection;

/// <summary>Every event of a stored room, each after those of its prev and auth events that are stored.</summary>
/// <remarks>
/// The timeline is nearly in that order. Where an event cites one that is still to come, or that is no part of the timeline, that one goes
/// before it; so what is kept in memory is a page of events, and the numbers of those that went out of turn. No snapshot is open while
/// the caller has the page: a reader of an export that stands still must not hold up a running server.
/// </remarks>
public sealed class StoredRoomOrder(ReadOnlyDatabase database, RoomRow room, RoomVersion version)
{
    private const int PageEvents = 256;

    private readonly Queue<(long Nid, long? Timeline)> _turns = [];

    // What must go first lies above what cites it.
    private readonly Stack<long> _path = [];
    private readonly HashSet<long> _citing = [];
    private readonly HashSet<long> _outOfTurn = [];
    private long _timeline = long.MinValue;
    private long _outside;
    private bool _timelineEnded;

    /// <summary>The events that are there when the walk begins; it can be done once.</summary>
    public IEnumerable<StoredEvent> Walk()
    {
        var last = LastTimeline();
        while (NextPage(last) is { Count: > 0 } page)
        {
            foreach (var stored in page)
            {
                yield return stored;
            }
        }
    }

    private long LastTimeline()
    {
        using var snapshot = database.OpenSnapshot();
        return EventTable.LastTimeline(snapshot, room.Nid) ?? long.MinValue;
    }

    private List<StoredEvent> NextPage(long last)
    {
        using var snapshot = database.OpenSnapshot();
        var page = new List<StoredEvent>(PageEvents);
        while (page.Count < PageEvents && (_path.Count > 0 || TakeTurn(snapshot, last)))
        {
            var nid = _path.Peek();
            if (_outOfTurn.Contains(nid) || EventTable.Find(snapshot, nid) is not { } stored)
            {
                _path.Pop();
            }
            else if (!_citing.Add(nid) || !PushCited(snapshot, stored))
            {
                _path.Pop();
                _citing.Remove(nid);
                if (!(stored.Timeline <= _timeline))
                {
                    _outOfTurn.Add(nid);
                }

                page.Add(stored);
            }
        }

        return page;
    }

    // Puts the next event whose turn it is on the path.
    private bool TakeTurn(Session db, long last)
    {
        while (_turns.Count > 0 || FindTurns(db, last))
        {
            var (nid, timeline) = _turns.Dequeue();
            _timeline = timeline ?? _timeline;

            // From here on the timeline itself tells that it was written. What is outside of it stays remembered.
            if (timeline is null ? !_outOfTurn.Contains(nid) : !_outOfTurn.Remove(nid))
            {
                _path.Push(nid);
                return true;
            }
        }

        return false;
    }

    private bool FindTurns(Session db, long last)
    {
        if (!_timelineEnded)
        {
            foreach (var (nid, timeline) in EventTable.NidsForward(db, room.Nid, _timeline, last, PageEvents))
            {
                _turns.Enqueue((nid, timeline));
            }

            _timelineEnded = _turns.Count == 0;
        }

        if (_timelineEnded)
        {
            foreach (var nid in EventTable.NidsOutside(db, room.Nid, _outside, PageEvents))
            {
                _turns.Enqueue((nid, null));
                _outside = nid;
            }
        }

        return _turns.Count > 0;
    }

    private bool PushCited(Session db, StoredEvent stored)
    {
        var pdu = Pdu.FromStored(stored.Json, version, stored.EventId);
        var before = _path.Count;
        foreach (var cited in pdu.PrevEvents.Concat(pdu.AuthEvents))
        {
            if (EventTable.FindPlace(db, cited) is { } place
                && place.Room == room.Nid
                && !(place.Timeline <= _timeline)
                && !_outOfTurn.Contains(place.Nid)
                && !_citing.Contains(place.Nid))
            {
                _path.Push(place.Nid);
            }
        }

        return _path.Count > before;
    }
}
