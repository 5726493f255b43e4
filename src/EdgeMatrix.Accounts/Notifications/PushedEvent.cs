using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Accounts.Notifications;

/// <summary>An event, and what push rules may ask about its room, read when one does.</summary>
/// <param name="state">The node of the room's state after the event.</param>
public sealed class PushedEvent(Session db, Room room, Pdu pdu, long state)
{
    private PowerLevels? _powerLevels;
    private long? _joined;

    public Pdu Event => pdu;

    /// <summary>Whom the rules of everyone are asked for.</summary>
    public string Recipient { get; set; } = "";

    /// <summary>How many are joined to the room.</summary>
    public long JoinedMembers => _joined ??= RoomTable.Find(db, room.Nid)?.Joined ?? 0;

    /// <summary>Whether the sender has the power to notify everybody by a key, such as <c>room</c>.</summary>
    public bool SenderMayNotify(string key)
    {
        if (_powerLevels is null)
        {
            if (State(EventTypes.Create, "") is not { } create)
            {
                return false;
            }

            _powerLevels = PowerLevels.From(room.Version, State(EventTypes.PowerLevels, ""), create);
        }

        return _powerLevels.ForUser(pdu.Sender) >= _powerLevels.Notification(key);
    }

    /// <summary>The name of the user in the room, or null.</summary>
    public string? DisplayName(string userId) =>
        State("m.room.member", userId) is { } member ? JsonContent.Text(member.Content, "displayname") : null;

    private Pdu? State(string type, string stateKey) => RoomStateReader.Find(db, room.Version, state, type, stateKey);
}
