using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>A room in which there may be news.</summary>
/// <param name="Own">The asking user's membership at the end of the stretch that is synced.</param>
internal sealed record RoomNews(Room Room, RoomRow Row, MembershipRow Own);
