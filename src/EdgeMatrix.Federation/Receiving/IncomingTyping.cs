using System.Text.Json;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Typing;

namespace EdgeMatrix.Federation.Receiving;

/// <summary><c>m.typing</c>: a user of another server types in a room, or ceases to.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#typing-notifications</remarks>
public sealed class IncomingTyping(RoomEngine engine, TypingUsers typing)
{
    /// <summary>How long it holds is not said. Servers say it again and again while somebody types: so long, if nothing more comes.</summary>
    public static readonly TimeSpan Holds = TimeSpan.FromSeconds(60);

    // More than anybody would read. Who fills a room with typists fills no other.
    private const int MostInRoom = 100;

    /// <returns>Whether it was taken.</returns>
    public Task<bool> ReceiveAsync(string origin, JsonElement content) => Task.FromResult(Receive(origin, content));

    private bool Receive(string origin, JsonElement content)
    {
        if (content.StringOrNull("room_id"u8) is not { } roomId
            || content.StringOrNull("user_id"u8) is not { } user || !EduOrigin.Owns(origin, user)
            || content.Find("typing"u8) is not { ValueKind: JsonValueKind.True or JsonValueKind.False } types)
        {
            return false;
        }

        Room? room;
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            room = EduOrigin.FindRoom(snapshot, engine, origin, roomId);
            if (room is null || !EduOrigin.IsJoined(snapshot, room, user))
            {
                return false;
            }
        }

        var begins = types.ValueKind == JsonValueKind.True;
        return !(begins && typing.In(room.Nid) is { Count: >= MostInRoom } others && !others.Contains(user))
            && typing.Set(room.Nid, user, begins, Holds, room.LocalMembers());
    }
}
