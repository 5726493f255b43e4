using System.Text.Json;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Storage.Checks;

/// <summary>Holds rooms to their events: the head stands on events that are there, and the members are those of the state.</summary>
internal static class RoomChecks
{
    private const string RoomsSql = "SELECT nid, partial_state FROM rooms ORDER BY nid";
    private const string EventsSql = "SELECT nid FROM events ORDER BY nid";

    private const string MembersSql = """
        SELECT u.user_id, m.membership, m.event FROM memberships m JOIN users u ON u.nid = m.user WHERE m.room = ?
        """;

    public static IEnumerable<string> Findings(Session db) => EventFindings(db).Concat(RoomFindings(db));

    private static IEnumerable<string> EventFindings(Session db)
    {
        using var events = db.Prepare(EventsSql);
        while (events.Step())
        {
            var nid = events.Int64(0);
            string? fault = null;
            try
            {
                using var parsed = JsonDocument.Parse(EventTable.Find(db, nid)!.Json);
            }
            catch (Exception exception) when (exception is DatabaseException or JsonException)
            {
                fault = $"The body of event {nid} cannot be read: {exception.Message}";
            }

            if (fault is not null)
            {
                yield return fault;
            }
        }
    }

    private static IEnumerable<string> RoomFindings(Session db)
    {
        using var rooms = db.Prepare(RoomsSql);
        while (rooms.Step())
        {
            var row = RoomTable.Find(db, rooms.Int64(0))!;
            foreach (var fault in HeadFaults(db, row).Concat(rooms.Int64(1) == 0 ? MemberFaults(db, row) : []))
            {
                yield return $"Room {row.RoomId} {fault}.";
            }
        }
    }

    private static IEnumerable<string> HeadFaults(Session db, RoomRow row)
    {
        // One that is known by an invite alone has none.
        if (row.Extremities.Length == 0 && row.State != StateNodes.Empty)
        {
            yield return "has no forward extremity";
        }

        foreach (var extremity in row.Extremities)
        {
            if (EventTable.Find(db, extremity) is not { } stored || stored.Room != row.Nid)
            {
                yield return $"has the forward extremity {extremity}, which is not there";
            }
        }
    }

    /// <remarks>A room that is known by an invite alone has no state here, and so nothing to compare.</remarks>
    private static IEnumerable<string> MemberFaults(Session db, RoomRow row)
    {
        if (RoomVersions.Find(row.Version) is not { } version || row.State == StateNodes.Empty)
        {
            yield break;
        }

        var (state, unreadable) = State(db, row.State);
        if (state is null)
        {
            yield return $"has a state that cannot be read: {unreadable}";
            yield break;
        }

        var members = Members(db, row.Nid);
        foreach (var entry in state)
        {
            if (EventTable.StateKeyOf(db, entry.Event) is not { Type: "m.room.member", StateKey: var user } || EventTable.Find(db, entry.Event) is not { } stored)
            {
                continue;
            }

            if (!members.Remove(user, out var member)
                || (!IsOutside(db, member.Event) && (member.Event != entry.Event || member.Membership != MembershipOf(stored, version))))
            {
                yield return $"has {user} as a member otherwise than its state (event {entry.Event})";
            }
        }

        foreach (var user in members.Where(member => !IsOutside(db, member.Value.Event)).Select(member => member.Key))
        {
            yield return $"has {user} as a member, and its state has not";
        }
    }

    // What a user is in a room while the server is not in it, its state does not tell.
    private static bool IsOutside(Session db, long member) => EventTable.Find(db, member) is { } stored && stored.Flags.HasFlag(EventFlags.Outside);

    private static (List<StateEntry>? State, string? Unreadable) State(Session db, long node)
    {
        try
        {
            return (StateNodes.All(db, node), null);
        }
        catch (DatabaseException exception)
        {
            return (null, exception.Message);
        }
    }

    private static Dictionary<string, (Membership Membership, long Event)> Members(Session db, long room)
    {
        var members = new Dictionary<string, (Membership, long)>(StringComparer.Ordinal);
        using var query = db.Prepare(MembersSql).Bind(room);
        while (query.Step())
        {
            members[query.Text(0)] = ((Membership)query.Int64(1), query.Int64(2));
        }

        return members;
    }

    private static Membership? MembershipOf(StoredEvent member, RoomVersion version)
    {
        try
        {
            return Memberships.Of(member.Parse(version));
        }
        catch (DatabaseException)
        {
            return null;
        }
    }
}
