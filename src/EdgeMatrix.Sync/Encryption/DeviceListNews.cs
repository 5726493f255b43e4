using System.Text.Json;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Encryption;

/// <summary>Whose devices a client must ask for anew, and whose it need not follow any longer.</summary>
/// <param name="Changed">
/// "Users who have updated their device identity or cross-signing keys, or who now share an encrypted room with the client". Whether the
/// room is encrypted is not looked at: it may be soon.
/// </param>
/// <param name="Left">"Users with whom we do not share any encrypted rooms anymore".</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#e2e-extensions-to-sync</remarks>
public sealed record DeviceListNews(IReadOnlyList<string> Changed, IReadOnlyList<string> Left)
{
    private const int Chunk = 1_000;

    /// <summary>Nids of those who share a room with the asking user now, and did not before.</summary>
    public IReadOnlyCollection<long> Met { get; private init; } = [];

    public bool Any => Changed.Count > 0 || Left.Count > 0;

    /// <param name="rows">The asking user's memberships of all rooms in which there may be news.</param>
    internal static DeviceListNews Read(SyncRound round, IEnumerable<MembershipRow> rows)
    {
        // "Only present on an incremental sync."
        if (round.Since is not { } since)
        {
            return new DeviceListNews([], []);
        }

        var moved = MovedMembers(round, since.Position, rows);
        var updated = DeviceListTable.Between(round.Db, since.Position, round.UpTo.Position);
        var (shared, share) = Sharing(round, [.. updated.Concat(moved).Distinct()], since.Position);
        var changed = updated.Where(user => user == round.Request.User || share.Contains(user)).ToHashSet();

        // The signatures that a user made on keys of others are shown to that user alone.
        changed.UnionWith(KeySignatureTable.SignedBetween(round.Db, round.Request.User, since.Position, round.UpTo.Position));
        var own = DeviceListTable.LastOwnChange(round.Db, round.Request.User);
        if (own > since.Position && own <= round.UpTo.Position)
        {
            changed.Add(round.Request.User);
        }

        changed.UnionWith(Invited(round, since.Position, rows));
        var met = moved.Where(user => share.Contains(user) && !shared.Contains(user)).ToList();
        changed.UnionWith(met);
        var left = moved.Where(user => shared.Contains(user) && !share.Contains(user));
        return new DeviceListNews(Names(round.Db, changed), Names(round.Db, left)) { Met = met };
    }

    internal void Write(Utf8JsonWriter json)
    {
        if (Any)
        {
            json.WriteStartObject("device_lists"u8);
            WriteLists(json);
            json.WriteEndObject();
        }
    }

    /// <summary>Writes the properties <c>changed</c> and <c>left</c>.</summary>
    public void WriteLists(Utf8JsonWriter json)
    {
        WriteList(json, "changed"u8, Changed);
        WriteList(json, "left"u8, Left);
    }

    /// <summary>Who was invited to rooms of the asking user's: what is said from then on may be encrypted to them too.</summary>
    private static IEnumerable<long> Invited(SyncRound round, long since, IEnumerable<MembershipRow> rows) => rows
        .Where(own => round.IsJoined(own, round.UpTo.Position))
        .SelectMany(own => MembershipTable.ChangedInRoom(round.Db, own.Room, since)
            .Where(user => MembershipTable.Find(round.Db, own.Room, user) is { Membership: Membership.Invite }));

    /// <summary>Those with whom the asking user may have begun or ceased to share a room.</summary>
    private static HashSet<long> MovedMembers(SyncRound round, long since, IEnumerable<MembershipRow> rows)
    {
        var users = new HashSet<long>();
        foreach (var own in rows)
        {
            if (RoomTable.LastJoinChange(round.Db, own.Room) <= since)
            {
                continue;
            }

            var (was, @is) = (round.IsJoined(own, since), round.IsJoined(own, round.UpTo.Position));
            if (was || @is)
            {
                users.UnionWith(MembershipTable.ChangedInRoom(round.Db, own.Room, since));
            }

            if (was != @is)
            {
                users.UnionWith(MembershipTable.InRoom(round.Db, own.Room, Membership.Join, int.MaxValue).Select(row => row.User));
            }
        }

        users.Remove(round.Request.User);
        return users;
    }

    /// <summary>Which of the users shared a room with the asking user at the beginning of the stretch, and which do at its end.</summary>
    /// <remarks>A room of many thousands may have been joined: they are asked for some at a time, and the asking user once a room.</remarks>
    private static (HashSet<long> Before, HashSet<long> After) Sharing(SyncRound round, List<long> users, long since)
    {
        var (before, after) = (new HashSet<long>(), new HashSet<long>());
        var own = new Dictionary<long, (bool Was, bool Is)>();
        foreach (var some in users.Chunk(Chunk))
        {
            foreach (var row in MembershipTable.OfMany(round.Db, some, round.Request.User))
            {
                if (!own.TryGetValue(row.Room, out var here))
                {
                    var mine = MembershipTable.Find(round.Db, row.Room, round.Request.User)!.Value;
                    own[row.Room] = here = (round.IsJoined(mine, since), round.IsJoined(mine, round.UpTo.Position));
                }

                if (here.Was && !before.Contains(row.User) && round.IsJoined(row, since))
                {
                    before.Add(row.User);
                }

                if (here.Is && !after.Contains(row.User) && round.IsJoined(row, round.UpTo.Position))
                {
                    after.Add(row.User);
                }
            }
        }

        return (before, after);
    }

    private static List<string> Names(Session db, IEnumerable<long> users) =>
        [.. users.Chunk(Chunk).SelectMany(some => UserTable.Names(db, some)).Order(StringComparer.Ordinal)];

    private static void WriteList(Utf8JsonWriter json, ReadOnlySpan<byte> name, IReadOnlyList<string> users)
    {
        json.WriteStartArray(name);
        foreach (var user in users)
        {
            json.WriteStringValue(user);
        }

        json.WriteEndArray();
    }
}
