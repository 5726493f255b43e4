using EdgeMatrix.Sync;
using Xunit;

namespace EdgeMatrix.Server.Tests.Sync;

/// <summary>Measures the heap, which all tests of the process share: it runs when no other does.</summary>
[CollectionDefinition(nameof(LazyLoadedMembersTests), DisableParallelization = true)]
[Collection(nameof(LazyLoadedMembersTests))]
public class LazyLoadedMembersTests
{
    [Fact]
    public void Rooms_of_which_a_device_knows_one_member_weigh_what_they_take()
    {
        // What earlier tests have left may go in the midst of one measurement: the middle one of several is told.
        var all = Enumerable.Range(0, 5).Select(_ => Fill()).ToList();
        var taken = all.Select(one => one.Taken).Order().ElementAt(all.Count / 2);

        Assert.All(all, one => Assert.InRange(one.Members.Use.Bytes, taken * 0.8, taken * 1.6));
        all[0].Members.Forget(device: 1);
        Assert.Equal(0, all[0].Members.Use.Bytes);
    }

    private static (LazyLoadedMembers Members, long Taken) Fill()
    {
        const int rooms = 20_000;
        var members = new LazyLoadedMembers(wanted: 1L << 30);
        var before = SettledMemory();
        for (var room = 1; room <= rooms; room++)
        {
            members.Remember(device: 1, room, 1, 1, position: 1);
        }

        return (members, SettledMemory() - before);
    }

    // What other tests have left is given up in two steps where it has a finalizer.
    private static long SettledMemory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
