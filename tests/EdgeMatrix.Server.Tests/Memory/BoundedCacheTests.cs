using EdgeMatrix.Storage.Memory;
using Xunit;

namespace EdgeMatrix.Server.Tests.Memory;

public class BoundedCacheTests
{
    private const int Overhead = BoundedCache<int, string>.EntryBytes;

    [Fact]
    public void It_never_holds_more_than_its_capacity()
    {
        var cache = Cache(1_000 + (10 * Overhead));
        for (var key = 0; key < 10_000; key++)
        {
            cache.Set(key, "", key % 700);
            Assert.True(cache.Use.Bytes <= cache.Capacity, $"{cache.Use}");
        }

        Assert.True(cache.Use.Entries > 0);
        Assert.Equal(10_000, cache.Use.Entries + cache.Use.Evictions);
    }

    [Fact]
    public void What_is_asked_for_stays_while_what_is_not_goes()
    {
        var cache = Cache(10 * (100 + Overhead));
        cache.Set(-1, "asked for", 100);
        for (var key = 0; key < 1_000; key++)
        {
            Assert.True(cache.TryGet(-1, out _));
            cache.Set(key, "", 100);
        }

        Assert.Equal(10, cache.Use.Entries);
        Assert.False(cache.TryGet(0, out _));
        Assert.True(cache.TryGet(999, out _));
        Assert.Equal((1_001, 1), (cache.Use.Hits, cache.Use.Misses));
    }

    [Fact]
    public void What_is_larger_than_the_cache_is_not_kept_and_displaces_nothing()
    {
        var cache = Cache(1_000);
        cache.Set(1, "small", 10);
        cache.Set(2, "large", 10_000);

        Assert.True(cache.TryGet(1, out _));
        Assert.False(cache.TryGet(2, out _));
    }

    [Fact]
    public void Replacing_and_removing_give_the_bytes_back()
    {
        var cache = Cache(10_000);
        cache.Set(1, "a", 100);
        cache.Set(1, "b", 300);
        Assert.Equal(300 + Overhead, cache.Use.Bytes);
        Assert.Equal("b", cache.GetOrAdd(1, "c", 50));

        cache.Set(2, "d", 10);
        cache.RemoveWhere((key, _) => key == 1);
        Assert.True(cache.Remove(2));
        Assert.False(cache.Remove(2));
        Assert.Equal((0, 0), (cache.Use.Bytes, cache.Use.Entries));
    }

    [Fact]
    public void What_grows_makes_others_go()
    {
        var cache = Cache(3 * (100 + Overhead));
        cache.Set(1, "", 100);
        cache.Set(2, "", 100);
        cache.Set(3, "grows", 100);
        Assert.True(cache.TryGet(3, out _));

        cache.Weigh(3, 200 + Overhead);

        Assert.True(cache.TryGet(3, out _));
        Assert.Equal(2, cache.Use.Entries);
    }

    [Fact]
    public void Who_is_told_of_evictions_is_not_told_of_removals()
    {
        var gone = new List<int>();
        var cache = new BoundedCache<int, string>("test", 2 * (10 + Overhead), 0) { Evicted = (key, _) => gone.Add(key) };
        cache.Set(1, "", 10);
        cache.Set(2, "", 10);
        cache.Remove(1);
        cache.Set(3, "", 10);
        cache.Set(4, "", 10);

        Assert.Equal([2], gone);
    }

    [Fact]
    public void A_hit_allocates_nothing()
    {
        var cache = Cache(10_000);
        cache.Set(1, "here", 10);
        cache.TryGet(1, out _);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
        {
            cache.TryGet(1, out _);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public async Task Many_threads_leave_it_whole()
    {
        var cache = Cache(50 * (100 + Overhead));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(() =>
        {
            var random = new Random(thread);
            for (var i = 0; i < 20_000; i++)
            {
                var key = random.Next(200);
                switch (random.Next(4))
                {
                    case 0: cache.Set(key, "", random.Next(200)); break;
                    case 1: cache.Remove(key); break;
                    case 2: cache.Weigh(key, random.Next(200)); break;
                    default: cache.TryGet(key, out _); break;
                }
            }
        })));

        Assert.InRange(cache.Use.Bytes, 0, cache.Capacity);
        cache.RemoveWhere((_, _) => true);
        Assert.Equal((0, 0), (cache.Use.Bytes, cache.Use.Entries));
    }

    private static BoundedCache<int, string> Cache(long capacity) => new("test", capacity, 0);
}
