using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Rooms.Relations;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>A room as one user may read it now: state as of now for members and for whoever looks in, as of their leaving for the departed.</summary>
internal sealed class RoomView : IDisposable
{
    private readonly Requester _requester;
    private HashSet<string>? _ignored;

    private RoomView(Snapshot db, Room room, Requester requester, RoomVisibility visibility, long state, ClientEventWriter writer)
    {
        _requester = requester;
        Db = db;
        Room = room;
        Visibility = visibility;
        State = state;
        Writer = writer;
        writer.Visibility = visibility;
    }

    public Snapshot Db { get; }

    public Room Room { get; }

    public RoomVisibility Visibility { get; }

    /// <summary>The node of the state that the user sees as the room's.</summary>
    public long State { get; }

    public ClientEventWriter Writer { get; }

    public bool IsJoined => Visibility.Current?.Membership == Membership.Join;

    /// <summary>Opens the room for reading, or says why not; whoever may not look learns nothing of whether it exists.</summary>
    public static (RoomView? View, MatrixError? Error) Open(RoomEngine engine, Requester requester, string roomId)
    {
        // Looked up first: it may need a snapshot of its own, and one must not wait for another.
        var room = engine.Find(roomId);
        var db = engine.Database.OpenSnapshot();
        RoomView? view = null;
        try
        {
            if (room is not null && RoomTable.Find(db, roomId) is { } row)
            {
                view = In(db, engine, requester, room, row);
                if (view is not null)
                {
                    return (view, null);
                }
            }

            return (null, requester.ReadsEverything
                ? MatrixError.NotFound("The room is not known here")
                : MatrixError.Forbidden("You are not in the room, and never were, or it does not exist"));
        }
        finally
        {
            if (view is null)
            {
                db.Dispose();
            }
        }
    }

    /// <summary>As <see cref="Open"/>, for whoever reads many rooms in one snapshot, and disposes of that alone.</summary>
    /// <returns>Null if the user may not look.</returns>
    public static RoomView? In(Snapshot db, RoomEngine engine, Requester requester, RoomRow row) =>
        engine.Find(db, row) is { } room ? In(db, engine, requester, room, row) : null;

    private static RoomView? In(Snapshot db, RoomEngine engine, Requester requester, Room room, RoomRow row)
    {
        var visibility = new RoomVisibility(db, engine, room, row, requester.UserNid, requester.UserId) { SeesEverything = requester.ReadsEverything };
        return VisibleState(db, room, row, visibility) is { } state
            ? new RoomView(
                db, room, requester, visibility, state,
                new ClientEventWriter(db, room, requester.DeviceNid, engine.Time.GetUtcNow().ToUnixTimeMilliseconds()))
            : null;
    }

    public StoredEvent? FindState(string type, string stateKey) => RoomStateReader.FindStored(Db, State, type, stateKey);

    public Pdu Parse(StoredEvent stored) => stored.Parse(Room.Version);

    /// <summary>The event, if it is of this room and the user may see it.</summary>
    public StoredEvent? FindVisible(string eventId) =>
        EventTable.Find(Db, eventId) is { Timeline: not null } stored && stored.Room == Room.Nid && Visibility.MaySee(stored) ? stored : null;

    /// <summary>Whether an event is by somebody whom the user ignores; state events count whoever they are by.</summary>
    public bool IsIgnored(StoredEvent stored) =>
        !stored.IsState && (_ignored ??= IgnoredUsers.Read(Db, _requester.UserNid)).Contains(Parse(stored).Sender);

    /// <summary>Reads what is to be bundled with the events, which are to be written next.</summary>
    public void Bundle(IEnumerable<StoredEvent> events) =>
        Writer.Relations = BundledRelations.Read(Db, Room, Visibility, _requester.UserNid, _requester.UserId, events);

    public void WriteEvent(Utf8JsonWriter json, StoredEvent stored) => WriteEvent(json, stored, redacted: false);

    /// <param name="redacted">In the form that a redaction would leave.</param>
    public void WriteEvent(Utf8JsonWriter json, StoredEvent stored, bool redacted)
    {
        var membership = Visibility.MembershipAt(stored) ?? Membership.Leave;
        if (redacted)
        {
            Writer.WriteRedacted(json, stored, withRoomId: true, membership);
        }
        else
        {
            Writer.Write(json, stored, withRoomId: true, membership);
        }
    }

    /// <summary>
    /// As <see cref="WriteEvent"/> for the lists of a room's state, without the user's membership at each: every event of
    /// them has a state of its own to look it up in, and the specification lets it be left out where it is expensive.
    /// </summary>
    public void WriteState(Utf8JsonWriter json, StoredEvent stored) => Writer.Write(json, stored, withRoomId: true);

    public void Dispose() => Db.Dispose();

    private static long? VisibleState(Snapshot db, Room room, RoomRow row, RoomVisibility visibility)
    {
        if (visibility.SeesEverything || visibility.Current?.Membership == Membership.Join)
        {
            return row.State;
        }

        // "If the user has left the room then the state is taken from the state of the room when they left", whoever may read it since.
        if (visibility.WasJoined)
        {
            return EventTable.Find(db, visibility.JoinedUntil)?.State;
        }

        var visibilityEvent = RoomStateReader.Find(db, room.Version, row.State, "m.room.history_visibility", "");
        return visibilityEvent is not null && EdgeMatrix.Rooms.JsonContent.Text(visibilityEvent.Content, "history_visibility") == "world_readable"
            ? row.State
            : null;
    }
}
