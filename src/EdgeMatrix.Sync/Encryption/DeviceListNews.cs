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
    public bool Any => Changed.Count > 0 || Left.Count > 0;

    /// <param name="rows">The asking user's memberships of all rooms in which there may be news.</param>
    internal static DeviceListNews Read(SyncRound round, IEnumerable<MembershipRow> rows)
    {
        // "Only present on an incremental sync."
        if (round.Since is not { } since)
        {
            return new DeviceListNews([], []);
        }

        var changed = new HashSet<long>();
        foreach (var user in DeviceListTable.Between(round.Db, since.Position, round.UpTo.Position))
        {
            if (user == round.Request.User || ShareRoom(round, user, round.UpTo.Position))
            {
                changed.Add(user);
            }
        }

        // The signatures that a user made on keys of others are shown to that user alone.
        changed.UnionWith(KeySignatureTable.SignedBetween(round.Db, round.Request.User, since.Position, round.UpTo.Position));
        var left = new HashSet<long>();
        foreach (var user in MovedMembers(round, since.Position, rows))
        {
            switch (ShareRoom(round, user, since.Position), ShareRoom(round, user, round.UpTo.Position))
            {
                case (false, true):
                    changed.Add(user);
                    break;
                case (true, false):
                    left.Add(user);
                    break;
            }
        }

        return new DeviceListNews(Names(round.Db, changed), Names(round.Db, left));
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

    private static bool ShareRoom(SyncRound round, long user, long position) =>
        MembershipTable.OfBoth(round.Db, user, round.Request.User)
            .Any(both => round.IsJoined(both.One, position) && round.IsJoined(both.Other, position));

    private static List<string> Names(Session db, IEnumerable<long> users) =>
        [.. users.Select(user => UserTable.Name(db, user)).OfType<string>().Order(StringComparer.Ordinal)];

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
