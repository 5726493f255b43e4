using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>Which state events bring a client's picture of a room from the last sync to its timeline.</summary>
/// <remarks>
/// A client applies <c>state</c>, then the state events of the timeline. So <c>state</c> is what changed up to the
/// timeline's start, and whatever changed since then without an event that the client sees in the timeline: state resets,
/// events that the filter or the visibility hides. With <c>state_after</c> the timeline does not count, and it is simply
/// what changed up to the timeline's end.
/// </remarks>
internal sealed class RoomStateChanges
{
    private readonly SyncRound _round;
    private readonly Room _room;
    private readonly StoredEvent? _first;

    // State key to event.
    private readonly Dictionary<long, long> _changes = [];

    // What is told besides those: where it is all of the state, there are as many as the room has members.
    private readonly List<StateEntry> _rest = [];

    private RoomStateChanges(SyncRound round, Room room, StoredEvent? first)
    {
        _round = round;
        _room = room;
        _first = first;
    }

    /// <param name="before">The node of the state that the client knows; null to tell it all of the state.</param>
    /// <param name="end">The node of the state at the end of the timeline.</param>
    /// <param name="members">State keys of the members that lazy loading must not leave out; null without lazy loading.</param>
    /// <returns>The events, oldest first, each with its state key.</returns>
    public static List<StateEntry> Collect(
        SyncRound round, Room room, long? before, RoomTimeline timeline, long end, IReadOnlyCollection<long>? members)
    {
        if (round.Filter.State.MatchesNothing || !round.Filter.State.MatchesRoom(room.Id))
        {
            return [];
        }

        var after = round.Request.StateProperty != StateProperty.State || timeline.Events.Count == 0;
        var changes = new RoomStateChanges(round, room, after ? null : timeline.Events[0]);
        var start = changes._first?.State ?? end;

        // First, for it is newer than what the start has of a key.
        if (start != end)
        {
            changes.AddHidden(start, end, timeline);
        }

        changes.AddStart(before, start, members);
        if (members is not null)
        {
            changes.AddMembers(before is null, start, members);
        }

        changes._rest.AddRange(changes._changes.Select(c => new StateEntry(c.Key, c.Value)));
        changes._rest.Sort((one, other) => one.Event.CompareTo(other.Event));
        return changes._rest;
    }

    private void AddStart(long? before, long start, IReadOnlyCollection<long>? members)
    {
        if (before is null)
        {
            StateNodes.ForEach(_round.Db, start, entry =>
            {
                var @event = BeforeFirst(entry.Event);
                if (@event != 0 && (members is null || !_round.IsMemberKey(entry.StateKey)) && !_changes.ContainsKey(entry.StateKey))
                {
                    _rest.Add(entry with { Event = @event });
                }
            });
        }
        else if (before != start)
        {
            foreach (var (key, known, now) in StateNodes.Difference(_round.Db, before.Value, start))
            {
                var @event = BeforeFirst(now);
                if (@event != known && @event != 0)
                {
                    _changes.TryAdd(key, @event);
                }
            }
        }
    }

    private void AddHidden(long start, long end, RoomTimeline timeline)
    {
        var shown = timeline.Events.Where(e => e.IsState).Select(e => e.Nid).ToHashSet();
        foreach (var (key, _, now) in StateNodes.Difference(_round.Db, start, end))
        {
            if (!shown.Contains(now))
            {
                Add(key, now);
            }
        }
    }

    private void AddMembers(bool whole, long start, IReadOnlyCollection<long> members)
    {
        var request = _round.Request;
        foreach (var (key, found) in StateNodes.FindMany(_round.Db, start, [.. members]))
        {
            var @event = BeforeFirst(found);
            if (@event == 0 || _changes.ContainsKey(key))
            {
                continue;
            }

            var redundant = !whole
                && !_round.Filter.State.IncludeRedundantMembers
                && _round.LazyMembers.IsKnown(request.Device, _room.Nid, key, @event, request.Since?.Position ?? 0);
            if (!redundant)
            {
                Add(key, @event);
            }
        }
    }

    // The start of the timeline is before its first event; the node at hand is that after it.
    private long BeforeFirst(long @event) => _first is not null && @event == _first.Nid ? _first.Replaces ?? 0 : @event;

    // A key that a state reset took away cannot be told: there is no event to tell it by.
    private void Add(long key, long @event)
    {
        if (@event != 0)
        {
            _changes[key] = @event;
        }
    }
}
