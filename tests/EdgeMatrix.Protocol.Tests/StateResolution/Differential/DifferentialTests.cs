using System.Globalization;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.StateResolution.Differential;

/// <summary>Against a second implementation, which is slow and plain, in rooms full of quarrels.</summary>
/// <remarks>How many rooms each resolver gets, the environment variable EDGEMATRIX_FORKED_ROOMS says; 200 without it.</remarks>
public sealed class DifferentialTests
{
    private const int RoomsByDefault = 200;

    private static int Rooms => int.Parse(
        Environment.GetEnvironmentVariable("EDGEMATRIX_FORKED_ROOMS") ?? RoomsByDefault.ToString(CultureInfo.InvariantCulture),
        CultureInfo.InvariantCulture);

    [Theory]
    [InlineData(StateResolutionVersion.V1)]
    [InlineData(StateResolutionVersion.V2)]
    [InlineData(StateResolutionVersion.V2_1)]
    public void Every_forked_room_resolves_as_the_text_says(StateResolutionVersion resolution)
    {
        var (resolutions, contested) = (0, 0);
        Parallel.For(0, Rooms, seed =>
        {
            var room = new RoomGenerator(seed, VersionFor(resolution, seed), withRejected: seed % 3 == 0);
            if (seed % 4 == 1)
            {
                Lose(room, new Random(seed));
            }

            foreach (var states in room.Inputs)
            {
                var expected = Naive(room, resolution, states);
                var actual = TestedResolution.Resolve(room.Version, room.RoomId, states, room.Events, trace: null);
                Assert.True(expected.SortedIds.SequenceEqual(actual.SortedIds), Difference(seed, expected, actual));
                Interlocked.Increment(ref resolutions);
                Interlocked.Add(ref contested, states.Any(state => !state.SortedIds.SequenceEqual(states[0].SortedIds)) ? 1 : 0);
            }
        });
        TestContext.Current.TestOutputHelper?.WriteLine($"{Rooms} rooms, {resolutions} resolutions, {contested} of states that differ");
        Assert.True(contested > Rooms, "the rooms hold no quarrels");
    }

    /// <summary>One of the room versions that resolve so.</summary>
    internal static RoomVersion VersionFor(StateResolutionVersion resolution, int seed)
    {
        var versions = Versions.All.Where(version => version.StateResolution == resolution).ToList();
        return versions[seed % versions.Count];
    }

    private static State Naive(RoomGenerator room, StateResolutionVersion resolution, IReadOnlyList<State> states)
    {
        var events = room.Events.All.Where(pdu => !room.Events.Lost.Contains(pdu.EventId)).ToDictionary(static pdu => pdu.EventId);
        return resolution == StateResolutionVersion.V1
            ? new NaiveResolutionV1(events).Resolve(states)
            : new NaiveResolutionV2(room.RoomId, resolution == StateResolutionVersion.V2_1, events, room.Events.Rejected).Resolve(states);
    }

    private static void Lose(RoomGenerator room, Random random)
    {
        for (var count = random.Next(1, 4); count > 0; count--)
        {
            if (room.Events.All[random.Next(room.Events.All.Count)] is { Type: not EventTypes.Create } lost)
            {
                room.Events.Lost.Add(lost.EventId);
            }
        }
    }

    private static string Difference(int seed, State expected, State actual) =>
        $"seed {seed}: expected {string.Join(", ", expected.Where(entry => actual.GetValueOrDefault(entry.Key) != entry.Value))}; "
        + $"got {string.Join(", ", actual.Where(entry => expected.GetValueOrDefault(entry.Key) != entry.Value))}";
}
