using System.Text.Json;
using EdgeMatrix.ClientApi.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;

namespace EdgeMatrix.ClientApi.Previews;

/// <summary>One look for events that a user may see and has not been told of, in one room or in all of the user's.</summary>
internal sealed class NewEvents : IDisposable
{
    private readonly Snapshot _db;
    private readonly List<Found> _events = [];

    private NewEvents(Snapshot db) => (_db, End) = (db, db.Position);

    /// <summary>The stream position up to which this look is complete.</summary>
    public long End { get; private set; }

    public MatrixError? Error { get; private set; }

    public bool Any => _events.Count > 0;

    /// <param name="roomId">Null for all rooms of the user.</param>
    /// <param name="after">The stream position after which events are new.</param>
    public static NewEvents Look(RoomEngine engine, SyncEngine sync, Requester requester, string? roomId, long after)
    {
        // Looked up first: it may need a snapshot of its own, and one must not wait for another.
        var known = roomId is null || engine.Find(roomId) is not null;
        var look = new NewEvents(engine.Database.OpenSnapshot());
        try
        {
            if (roomId is null)
            {
                look.ReadAll(engine, sync, requester, after);
            }
            else if (known && RoomTable.Find(look._db, roomId) is { } row && RoomView.In(look._db, engine, requester, row) is { } view)
            {
                look.Read(view, after);
            }
            else
            {
                look.Error = MatrixError.Forbidden("The room is not one that you may look into, or it does not exist");
            }

            look.Cut();
            return look;
        }
        catch
        {
            look.Dispose();
            throw;
        }
    }

    public void Write(Utf8JsonWriter json, SyncToken start)
    {
        foreach (var ofRoom in _events.Where(found => found.View is not null).GroupBy(found => found.View!))
        {
            ofRoom.Key.Bundle(ofRoom.Select(found => found.Event));
        }

        json.WriteStartObject();
        json.WriteString("start"u8, start.ToString());
        json.WriteString("end"u8, new SyncToken(End, 0, 0).ToString());
        json.WriteStartArray("chunk"u8);
        foreach (var found in _events)
        {
            found.View?.WriteEvent(json, found.Event);
            found.Invite?.Write(json);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    public void Dispose() => _db.Dispose();

    private void ReadAll(RoomEngine engine, SyncEngine sync, Requester requester, long after)
    {
        foreach (var own in sync.ChangedRoomsOf(_db, requester.UserNid, requester.UserId, after, _db.Position))
        {
            if (own.Membership != Membership.Join && own.Position <= after)
            {
                continue;
            }

            if (RoomTable.Find(_db, own.Room) is { } row && RoomView.In(_db, engine, requester, row) is { } view)
            {
                Read(view, after);
            }

            if (ShownInvite.Find(_db, engine, requester, own) is { } invite && !_events.Exists(found => found.Event.Nid == own.Event))
            {
                _events.Add(new Found(invite.Event, null, invite));
            }
        }
    }

    private void Read(RoomView view, long after)
    {
        var page = RoomHistory.Page(
            _db, view.Room, view.Visibility, backward: false, after, _db.Position, EventStream.MaxEvents, stored => !view.IsIgnored(stored));
        _events.AddRange(page.Events.Select(stored => new Found(stored, view, null)));
        End = Math.Min(End, page.End ?? _db.Position);
    }

    // In the order in which they came, and none that is newer than what was left unread of another room.
    private void Cut()
    {
        _events.RemoveAll(found => found.Event.Nid > End);
        _events.Sort((one, other) => one.Event.Nid.CompareTo(other.Event.Nid));
        if (_events.Count > EventStream.MaxEvents)
        {
            _events.RemoveRange(EventStream.MaxEvents, _events.Count - EventStream.MaxEvents);
            End = _events[^1].Event.Nid;
        }
    }

    /// <param name="View">The room that the event is read in; null for an invite into one that the user cannot read.</param>
    private sealed record Found(StoredEvent Event, RoomView? View, ShownInvite? Invite);
}
