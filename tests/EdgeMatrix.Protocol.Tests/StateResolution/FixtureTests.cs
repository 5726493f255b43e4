using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.StateResolution;

/// <summary>Rooms of other servers' tests, with the outcome that those have: see the README beside them.</summary>
public sealed class FixtureTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "StateResolution", "Fixtures");

    public static TheoryData<string> Rooms =>
        [.. Directory.GetFiles(Folder, "*.json").Select(static file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    [Fact]
    public void The_fixtures_are_there() => Assert.Equal(13, Rooms.Count);

    [Theory]
    [MemberData(nameof(Rooms))]
    public void Its_states_resolve_to_the_one_expected(string name)
    {
        var (room, fixture) = Read(name);
        var states = fixture.TryGetProperty("states", out var listed)
            ? listed.EnumerateArray().Select(state => room.StateOf(Strings(state))).ToList()
            : [.. room.Leaves.Select(room.StateAfter)];

        Assert.Equal(Resolved(fixture), room.Resolve(states, trace: null).SortedIds);
    }

    [Theory]
    [MemberData(nameof(Rooms))]
    public void Events_that_are_each_a_state_of_their_own_resolve_to_it_too(string name)
    {
        var (room, fixture) = Read(name);
        if (!fixture.TryGetProperty("states", out _))
        {
            var each = fixture.GetProperty("events").EnumerateArray()
                .Select(item => room.StateOf([item.GetProperty("event_id").GetString()!])).ToList();

            Assert.Equal(Resolved(fixture), room.Resolve(each, trace: null).SortedIds);
        }
    }

    private static (ForkedRoom Room, JsonElement Fixture) Read(string name)
    {
        var fixture = JsonElement.Parse(File.ReadAllText(Path.Combine(Folder, $"{name}.json")));
        var events = fixture.GetProperty("events").EnumerateArray().ToList();
        var version = Versions.Find(events[0].GetProperty("content").GetProperty("room_version").GetString()!)!;
        var pdus = events.ConvertAll(item => ForkedRoom.Event(version, item.GetRawText(), item.GetProperty("event_id").GetString()!));
        return (new ForkedRoom(version, pdus), fixture);
    }

    private static IEnumerable<string> Resolved(JsonElement fixture) =>
        Strings(fixture.GetProperty("resolved")).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Strings(JsonElement list) => list.EnumerateArray().Select(static item => item.GetString()!);
}
