using EdgeMatrix.Configuration;
using EdgeMatrix.Storage.Memory;
using EdgeMatrix.Testing;
using EdgeMatrix.Upkeep;
using Xunit;

namespace EdgeMatrix.Server.Tests.Memory;

public sealed class MemoryBudgetTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly string _root = Directory.CreateTempSubdirectory("edgematrix-root-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void With_memory_enough_every_share_is_what_its_owner_wants()
    {
        var budget = new MemoryBudget(1_024 * MiB);
        var one = Share(budget, 10 * MiB, MiB);
        var other = Share(budget, 2 * MiB, MiB);

        Assert.Equal((10 * MiB, 2 * MiB), (one.Capacity, other.Capacity));
    }

    [Fact]
    public void With_little_memory_all_shares_are_smaller_alike_and_none_smaller_than_it_works_with()
    {
        // A third of what is over the 32 MiB that a server takes anyway: 6 MiB for 24.
        var budget = new MemoryBudget(50 * MiB);
        var large = Share(budget, 16 * MiB, MiB);
        var small = Share(budget, 4 * MiB, MiB);
        var needy = Share(budget, 4 * MiB, 3 * MiB);

        Assert.Equal((4 * MiB, MiB, 3 * MiB), (large.Capacity, small.Capacity, needy.Capacity));
    }

    [Fact]
    public void When_memory_is_short_caches_give_up_half_and_get_it_back_when_it_is_not()
    {
        var budget = new MemoryBudget(1_024 * MiB);
        var cache = Share(budget, MiB, 1_024);
        for (var key = 0; key < 10_000; key++)
        {
            cache.Set(key, "", 1_024);
        }

        var before = cache.Use.Bytes;
        Assert.True(budget.Tighten());
        Assert.InRange(cache.Use.Bytes, 1, MiB / 2);
        Assert.InRange(before, MiB / 2, MiB);

        Assert.True(budget.Loosen());
        Assert.Equal(MiB, cache.Capacity);
        Assert.False(budget.Loosen());
    }

    [Fact]
    public void An_allowance_grants_up_to_its_capacity_and_again_what_comes_back()
    {
        var allowance = new ByteAllowance("test", wanted: 100, least: 10);

        Assert.True(allowance.TryHold(60));
        Assert.False(allowance.TryHold(60));
        Assert.True(allowance.TryHold(40));
        Assert.Equal(new MemoryUse(100, 2, 0, 1), allowance.Use);

        allowance.Release(60);
        Assert.True(allowance.TryHold(60));
    }

    [Fact]
    public void The_limit_is_what_the_control_group_grants()
    {
        File("proc/meminfo", "MemTotal:        4194304 kB\n");
        File("proc/self/cgroup", "0::/system.slice/edgematrix.service\n");
        File("sys/fs/cgroup/system.slice/memory.max", "max\n");
        File("sys/fs/cgroup/system.slice/edgematrix.service/memory.max", "100663296\n");

        Assert.Equal(96 * MiB, Limit(null));
        Assert.Equal(64 * MiB, Limit(64 * MiB));
        Assert.Equal(96 * MiB, Limit(128 * MiB));
    }

    [Fact]
    public void The_group_around_it_counts_too_and_so_does_the_older_interface()
    {
        File("proc/meminfo", "MemTotal:        4194304 kB\n");
        File("proc/self/cgroup", "5:memory:/docker/1234\n0::/docker/1234\n");
        File("sys/fs/cgroup/memory/docker/1234/memory.limit_in_bytes", "9223372036854771712\n");
        File("sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "67108864\n");

        Assert.Equal(64 * MiB, Limit(null));
    }

    [Fact]
    public void Without_a_group_it_is_a_quarter_of_the_machine()
    {
        File("proc/meminfo", "MemTotal:        524288 kB\n");
        File("proc/self/cgroup", "0::/\n");

        Assert.Equal(128 * MiB, Limit(null));
        Assert.Equal(256 * MiB, Limit(256 * MiB));
    }

    [Fact]
    public async Task Upkeep_tightens_the_budget_near_the_limit_and_loosens_it_far_from_it()
    {
        await using var server = await TestHomeserver.StartAsync();
        var database = server.Part<EdgeMatrix.Storage.Database>();
        var (resident, givenBack) = (0L, 0);
        var job = new MemoryUpkeep(database, new ProcessMemory(() => resident, () => givenBack++)).Job;

        resident = database.Memory.Limit;
        await job.SliceAsync(CancellationToken.None);
        Assert.Equal((1, 1), (database.Memory.Squeeze, givenBack));

        resident = database.Memory.Limit * 8 / 10;
        await job.SliceAsync(CancellationToken.None);
        Assert.Equal(1, database.Memory.Squeeze);

        resident = database.Memory.Limit / 2;
        await job.SliceAsync(CancellationToken.None);
        Assert.Equal(0, database.Memory.Squeeze);
    }

    [Fact]
    public async Task Upkeep_gives_memory_back_once_after_work()
    {
        await using var server = await TestHomeserver.StartAsync();
        var givenBack = 0;
        var job = new MemoryUpkeep(server.Part<EdgeMatrix.Storage.Database>(), new ProcessMemory(() => 0, () => givenBack++)).Job;
        async Task<int> RunAsync()
        {
            await job.SliceAsync(CancellationToken.None);
            return givenBack;
        }

        Assert.Equal(0, await RunAsync());
        Assert.Equal(1, await RunAsync());
        Assert.Equal(1, await RunAsync());
        await server.WritesSettledAsync();
        Assert.Equal(1, await RunAsync());
        Assert.Equal(2, await RunAsync());
    }

    private static BoundedCache<int, string> Share(MemoryBudget budget, long wanted, long least)
    {
        var cache = new BoundedCache<int, string>("test", wanted, least);
        budget.Add(cache);
        return cache;
    }

    private long Limit(long? configured) => new MemoryLimit(_root).Of(configured);

    private void File(string path, string text)
    {
        var file = Path.Combine(_root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        System.IO.File.WriteAllText(file, text);
    }
}
