using System.Text.Json;

namespace EdgeMatrix.Rooms.Spaces;

/// <summary>A room of a space that is not known here, as another server tells of it.</summary>
/// <param name="Summary">A <c>RoomSummary</c>, an object; of its properties none is sure.</param>
/// <param name="Children">As of <see cref="SpaceRoom"/>; null where the room is a space and nobody was asked for them yet.</param>
public sealed record ToldSpaceRoom(JsonElement Summary, List<SpaceChild>? Children);
