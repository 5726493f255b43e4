using System.Text.Json;
using EdgeMatrix.Rooms.Engine;

namespace EdgeMatrix.Server.Tests.Sync;

/// <summary>Short ways to the parts of a sync answer.</summary>
internal static class SyncAnswer
{
    public static string Next(this JsonElement sync) => sync.GetProperty("next_batch").GetString()!;

    public static JsonElement? Joined(this JsonElement sync, Room room) => sync.Section("join", room);

    public static JsonElement? Section(this JsonElement sync, string section, Room room) =>
        sync.GetProperty("rooms").TryGetProperty(section, out var rooms) && rooms.TryGetProperty(room.Id, out var found) ? found : null;

    public static List<JsonElement> Timeline(this JsonElement? room) => room.Events("timeline");

    public static List<JsonElement> State(this JsonElement? room) => room.Events("state");

    public static List<JsonElement> Events(this JsonElement? room, string part) => [.. room!.Value.GetProperty(part).GetProperty("events").EnumerateArray()];

    public static bool Limited(this JsonElement? room) => room!.Value.GetProperty("timeline").GetProperty("limited").GetBoolean();

    public static string PrevBatch(this JsonElement? room) => room!.Value.GetProperty("timeline").GetProperty("prev_batch").GetString()!;

    public static List<string> Ids(this IEnumerable<JsonElement> events) => [.. events.Select(e => e.GetProperty("event_id").GetString()!)];

    public static List<string> Bodies(this IEnumerable<JsonElement> events) =>
        [.. events.Select(e => e.GetProperty("content").TryGetProperty("body", out var body) ? body.GetString()! : e.Type())];

    public static string Type(this JsonElement @event) => @event.GetProperty("type").GetString()!;

    /// <summary>State events as <c>type|state key</c>, in the order of the text.</summary>
    public static List<string> Keys(this IEnumerable<JsonElement> events) =>
        [.. events.Select(e => $"{e.Type()}|{e.GetProperty("state_key").GetString()}").Order(StringComparer.Ordinal)];

    public static List<string> MemberNames(this IEnumerable<JsonElement> events) =>
        [.. events.Where(e => e.Type() == "m.room.member").Select(e => e.GetProperty("state_key").GetString()!).Order(StringComparer.Ordinal)];
}
