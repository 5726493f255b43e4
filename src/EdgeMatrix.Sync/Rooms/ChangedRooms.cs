using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>Finds the rooms in which there may be news, at a cost that follows what changed.</summary>
internal static class ChangedRooms
{
    // Up to so many changed rooms are looked up one by one; beyond, it is cheaper to go through the user's own.
    private const int MaxLookups = 64;

    private static readonly Membership[] _notJoined = [Membership.Invite, Membership.Knock, Membership.Leave, Membership.Ban];

    /// <summary>The user's memberships of those rooms, whatever the filter leaves out.</summary>
    public static List<MembershipRow> Rows(SyncRound round, ChangeNotifier notifier, AccountDataNews accountData)
    {
        var rows = new Dictionary<long, MembershipRow>();
        if (round.Since is not { } since)
        {
            AddAll(round, rows);
        }
        else
        {
            AddChanged(round, notifier, since.Position, rows);
            AddLookups(round, round.Typing.RoomsSince(since.Typing).Concat(accountData.Rooms), since.Position, rows);
        }

        return [.. rows.Values];
    }

    public static List<RoomNews> Find(SyncRound round, List<MembershipRow> rows)
    {
        var news = new List<RoomNews>(rows.Count);
        foreach (var row in rows)
        {
            if (round.FindRoom(row.Room) is var (room, roomRow) && round.AtEnd(room, row) is { } own && IsNews(round, own))
            {
                news.Add(new RoomNews(room, roomRow, own));
            }
        }

        return news;
    }

    private static void AddAll(SyncRound round, Dictionary<long, MembershipRow> rows)
    {
        Add(rows, MembershipTable.OfUser(round.Db, round.Request.User, Membership.Join));
        foreach (var membership in _notJoined)
        {
            if (round.Filter.IncludeLeave || membership is Membership.Invite or Membership.Knock)
            {
                Add(rows, MembershipTable.OfUser(round.Db, round.Request.User, membership).Where(row => !row.Forgotten));
            }
        }
    }

    private static void AddChanged(SyncRound round, ChangeNotifier notifier, long since, Dictionary<long, MembershipRow> rows)
    {
        var user = round.Request.User;
        var changed = notifier.RoomsChangedSince(since, round.UpTo.Position);
        if (changed is { Count: <= MaxLookups } && !round.Request.FullState)
        {
            AddLookups(round, changed, since, rows);
            return;
        }

        if (changed is null && !round.Request.FullState)
        {
            Add(rows, MembershipTable.Moved(round.Db, user, since));
        }
        else
        {
            var joined = MembershipTable.OfUser(round.Db, user, Membership.Join);
            Add(rows, round.Request.FullState ? joined : joined.Where(row => changed!.Contains(row.Room)));
        }

        foreach (var membership in _notJoined)
        {
            Add(rows, MembershipTable.ChangedOfUser(round.Db, user, membership, since));
        }
    }

    private static void AddLookups(SyncRound round, IEnumerable<long> rooms, long since, Dictionary<long, MembershipRow> rows)
    {
        foreach (var room in rooms)
        {
            if (!rows.ContainsKey(room)
                && MembershipTable.Find(round.Db, room, round.Request.User) is { } row
                && (row.Membership == Membership.Join || row.Position > since))
            {
                rows[room] = row;
            }
        }
    }

    private static void Add(Dictionary<long, MembershipRow> rows, IEnumerable<MembershipRow> found)
    {
        foreach (var row in found)
        {
            rows[row.Room] = row;
        }
    }

    private static bool IsNews(SyncRound round, MembershipRow own) =>
        own.Membership == Membership.Join || round.Since is not { } since || own.Position > since.Position;
}
