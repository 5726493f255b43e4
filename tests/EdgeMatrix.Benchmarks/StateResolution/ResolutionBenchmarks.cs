using System.Globalization;
using BenchmarkDotNet.Attributes;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Benchmarks.StateResolution;

/// <summary>Forks that meet: two joins, a thousand power events, ten thousand members.</summary>
[MemoryDiagnoser]
[ShortRunJob]
public class ResolutionBenchmarks
{
    private StoredRoom _bigRoom = null!;
    private StoredRoom _quarrel = null!;
    private StateConflict _joins = null!;
    private StateConflict _members = null!;
    private StateConflict _powerEvents = null!;

    [GlobalSetup]
    public void Setup()
    {
        _bigRoom = new StoredRoom();
        _joins = ResolutionForks.TwoJoins(_bigRoom);
        _members = ResolutionForks.Members(_bigRoom, members: 100_000, conflicts: 10_000);
        _quarrel = new StoredRoom();
        _powerEvents = ResolutionForks.PowerEvents(_quarrel, count: 1_000);
    }

    [Benchmark]
    public int Resolution_of_two_joins_among_100_000_members() => StateResolver.Resolve(_joins, _bigRoom).Count;

    [Benchmark]
    public int Resolution_of_1_000_power_events() => StateResolver.Resolve(_powerEvents, _quarrel).Count;

    [Benchmark]
    public int Resolution_of_10_000_members_among_100_000() => StateResolver.Resolve(_members, _bigRoom).Count;
}

/// <summary>What the forks of the benchmarks differ in.</summary>
internal static class ResolutionForks
{
    public static StateConflict TwoJoins(StoredRoom room) => room.Conflict(
    [
        new ConflictedKey(EventTypes.Member, "@one:example.org", [room.Join("@one:example.org", "One"), 0]),
        new ConflictedKey(EventTypes.Member, "@two:example.org", [0, room.Join("@two:example.org", "Two")]),
    ]);

    /// <summary>Everybody has joined; on either fork the first so many took another name.</summary>
    public static StateConflict Members(StoredRoom room, int members, int conflicts)
    {
        var joins = Enumerable.Range(0, members).Select(member => room.Join(StoredRoom.Member(member), $"Member {member}")).ToArray();
        for (var member = conflicts; member < members; member++)
        {
            room.Set(EventTypes.Member, StoredRoom.Member(member), joins[member]);
        }

        return room.Conflict([.. Enumerable.Range(0, conflicts).Select(member => new ConflictedKey(
            EventTypes.Member,
            StoredRoom.Member(member),
            [
                room.Join(StoredRoom.Member(member), $"Left {member}", joins[member]),
                room.Join(StoredRoom.Member(member), $"Right {member}", joins[member]),
            ]))]);
    }

    /// <summary>Two forks: on each a quarter of so many power levels events, and a quarter of bans or kicks.</summary>
    public static StateConflict PowerEvents(StoredRoom room, int count)
    {
        var keys = new List<ConflictedKey>();
        var heads = new[] { room.PowerLevels, room.PowerLevels };
        var joins = Enumerable.Range(0, count / 4).Select(member => room.Join(StoredRoom.Member(member), $"Member {member}")).ToArray();
        for (var change = 0; change < count / 2; change++)
        {
            var fork = change % 2;
            var users = string.Join(',', Enumerable.Range(0, 50).Select(user =>
                string.Create(CultureInfo.InvariantCulture, $"\"{StoredRoom.Member(user)}\":{(user + change) % 100}")));
            heads[fork] = room.Add(
                room.NewId(), EventTypes.PowerLevels, "", StoredRoom.Creator, $$$"""{"users":{{{{users}}}}}""", [heads[fork], room.CreatorJoin]);
        }

        for (var member = 0; member < joins.Length; member++)
        {
            keys.Add(new ConflictedKey(
                EventTypes.Member, StoredRoom.Member(member), [Remove(room, member, "ban", heads[0], joins), Remove(room, member, "leave", heads[1], joins)]));
        }

        keys.Add(new ConflictedKey(EventTypes.PowerLevels, "", heads));
        return room.Conflict(keys);
    }

    private static long Remove(StoredRoom room, int member, string membership, long powerLevels, long[] joins) => room.Add(
        room.NewId(), EventTypes.Member, StoredRoom.Member(member), StoredRoom.Creator, $$"""{"membership":"{{membership}}"}""",
        [powerLevels, room.CreatorJoin, joins[member]]);
}
