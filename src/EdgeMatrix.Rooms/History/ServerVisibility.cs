using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.History;

/// <summary>Which events of a room another server may have whole: those that one of its users may see.</summary>
/// <remarks>
/// Of the others it gets the redacted form, which still proves who did what to the room. It is asked only of servers that are in the room.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
/// </remarks>
public sealed class ServerVisibility
{
    // Of so many users of a server it is asked what they were at an event; who is one of more would be found in vain.
    private const int MaxUsers = 500;

    private readonly Session _db;
    private readonly Room _room;
    private readonly Lazy<List<string>> _users;
    private readonly Dictionary<long, bool> _byNode = [];

    /// <param name="server">The name of the server.</param>
    public ServerVisibility(Session db, Room room, string server)
    {
        (_db, _room) = (db, room);
        _users = new Lazy<List<string>>(() => MembershipTable.UsersOfServer(db, room.Nid, server, MaxUsers));
    }

    /// <summary>The event as the server may have it: whole, or redacted.</summary>
    public Pdu Shown(StoredEvent stored)
    {
        var pdu = stored.Parse(_room.Version);
        return MaySee(stored) ? pdu : Redaction.RedactPdu(pdu);
    }

    /// <summary>Whether the server may have the event whole.</summary>
    public bool MaySee(StoredEvent stored)
    {
        // The state of a room is nothing that its members do not know.
        if (stored.IsState)
        {
            return true;
        }

        if (!_byNode.TryGetValue(stored.State, out var may))
        {
            _byNode[stored.State] = may = MaySeeAt(stored.State);
        }

        return may;
    }

    private bool MaySeeAt(long node)
    {
        var visibility = RoomStateReader.Find(_db, _room.Version, node, "m.room.history_visibility", "")?.Content is { } content
            && content.TryGetProperty("history_visibility", out var value) && value.ValueKind == JsonValueKind.String
                ? value.GetString()
                : "shared";
        return visibility is not ("invited" or "joined") || _users.Value.Exists(user => WasThere(node, user, visibility == "invited"));
    }

    private bool WasThere(long node, string user, bool byInvite) =>
        RoomStateReader.Find(_db, _room.Version, node, "m.room.member", user) is { } member
        && Memberships.Of(member) is var membership
        && (membership == Membership.Join || (byInvite && membership == Membership.Invite));
}
