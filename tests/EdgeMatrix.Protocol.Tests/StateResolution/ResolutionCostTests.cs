using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.StateResolution;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.StateResolution;

/// <summary>What a resolution costs follows what the states differ in; it is counted here, and timed in the benchmarks.</summary>
public sealed class ResolutionCostTests
{
    [Theory]
    [InlineData(10, false)]
    [InlineData(10, true)]
    [InlineData(2_000, false)]
    [InlineData(2_000, true)]
    public void A_join_costs_the_same_in_a_room_of_any_size(int members, bool onBothForks)
    {
        var room = new BigRoom(members);
        var one = new ConflictedKey(EventTypes.Member, "@one:a", [room.Join("$one", "@one:a", []), 0]);
        var two = new ConflictedKey(EventTypes.Member, "@two:a", [0, room.Join("$two", "@two:a", [])]);

        var resolved = StateResolver.Resolve(onBothForks ? room.Conflict(one, two) : room.Conflict(one), room.Events);

        Assert.Equal(onBothForks ? 2 : 1, resolved.Count);
        Assert.Equal(0, room.Visited);
        Assert.InRange(room.Finds, 0, 3);
        Assert.InRange(room.Events.Loads, 1, 8);
        Assert.InRange(room.Events.AuthEventLookups, 1, 20);
    }

    [Fact]
    public void A_long_history_of_power_levels_is_not_walked()
    {
        var room = new BigRoom(members: 10);
        for (var change = 0; change < 1_000; change++)
        {
            room.ChangePowerLevels($"$levels{change}");
        }

        var conflict = room.Conflict(
            new ConflictedKey(EventTypes.Member, BigRoom.Member(1), [room.Rename(1, "a"), room.Rename(1, "b")]),
            new ConflictedKey(EventTypes.Member, "@new:a", [room.Join("$new", "@new:a", []), 0]));
        var trace = new ResolutionTrace();

        StateResolver.Resolve(conflict, room.Events, trace);

        Assert.Equal(3, trace.RemainingEvents.Count);
        Assert.All(trace.Checks, static check => Assert.True(check.Verdict is { Allowed: true }));
        Assert.InRange(room.Events.AuthEventLookups, 1, 40);
        Assert.InRange(room.Events.Loads, 1, 12);
    }

    [Fact]
    public void Each_event_in_conflict_is_checked_once_and_loaded_about_twice()
    {
        const int Conflicts = 1_000;
        var room = new BigRoom(members: 3_000);
        var keys = Enumerable.Range(0, Conflicts).Select(member => new ConflictedKey(
            EventTypes.Member, BigRoom.Member(member), [room.Rename(member, "a"), room.Rename(member, "b")])).ToArray();
        var trace = new ResolutionTrace();

        var resolved = StateResolver.Resolve(room.Conflict(keys), room.Events, trace);

        Assert.Equal(Conflicts, resolved.Count);
        Assert.Equal(2 * Conflicts, trace.Checks.Count);
        Assert.Equal(0, room.Visited);
        Assert.InRange(room.Events.Loads, 2 * Conflicts, (2 * 2 * Conflicts) + (2 * Conflicts) + 100);
    }
}
