using EdgeMatrix.Configuration;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Upkeep;

/// <summary>What upkeep reads where there is nothing to do, counted.</summary>
public class IdleUpkeepTests
{
    private const int Jobs = 20;
    private const int StatementsAJob = 6;

    [Theory]
    [InlineData(3, 5)]
    [InlineData(30, 40)]
    public async Task Upkeep_of_an_idle_server_reads_almost_nothing_however_much_it_has(int rooms, int messages)
    {
        await using var server = await TestHomeserver.StartAsync(options => options with
        {
            Retention = options.Retention with { Enabled = true, DefaultLifetime = TimeSpan.FromDays(90) },
            Storage = options.Storage with { Limit = 1L << 30, RoomLimit = 1L << 29, Durability = Durability.Relaxed },
        });
        await FillAsync(server, rooms, messages);
        await server.UpkeepAsync(TimeSpan.FromDays(2));
        await server.UpkeepAsync(TimeSpan.FromDays(2));

        var database = server.Part<Database>();
        var (before, writes) = (database.Cost(), database.Writes);
        await server.UpkeepAsync(TimeSpan.FromHours(2));
        var cost = database.Cost() - before;

        Assert.InRange(cost.Statements, 1, Jobs * StatementsAJob);
        Assert.InRange(cost.Rows, 0, Jobs);
        Assert.InRange(cost.Pages, 1, Jobs * StatementsAJob * 4);
        Assert.Equal(writes, database.Writes);
    }

    [Fact]
    public async Task After_news_a_budget_reads_rooms_and_not_their_messages()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with
        {
            Storage = options.Storage with { RoomLimit = 1L << 29, Durability = Durability.Relaxed },
        });
        var (alice, room) = await FillAsync(server, rooms: 3, messages: 300);
        await server.UpkeepAsync(TimeSpan.FromDays(2));
        await alice.SendTextAsync(room, "news", "news");

        var before = server.Part<Database>().Cost();
        await server.UpkeepAsync(TimeSpan.FromHours(2));
        Assert.InRange((server.Part<Database>().Cost() - before).Rows, 1, 60);
    }

    [Fact]
    public async Task What_expires_on_an_idle_server_goes_when_its_time_has_come()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with
        {
            Retention = options.Retention with { Enabled = true, DefaultLifetime = TimeSpan.FromDays(10) },
        });
        var (alice, room) = await FillAsync(server, rooms: 1, messages: 20);
        await server.UpkeepAsync(TimeSpan.FromDays(9));
        Assert.Equal(20, Count(server));

        await server.UpkeepAsync(TimeSpan.FromDays(1.5));

        // The newest event of a room stays.
        Assert.Equal(1, Count(server));
        await alice.SendTextAsync(room, "news", "news");
        await server.UpkeepAsync(TimeSpan.FromHours(2));
        Assert.Equal(1, Count(server));
        using var snapshot = server.Part<Database>().OpenSnapshot();
        Assert.Empty(DatabaseCheck.Findings(snapshot));
    }

    private static async Task<(TestSession Alice, string Room)> FillAsync(TestHomeserver server, int rooms, int messages)
    {
        var alice = await server.RegisterAsync("alice");
        var room = "";
        for (var n = 0; n < rooms; n++)
        {
            room = await alice.CreateRoomAsync();
            for (var message = 0; message < messages; message++)
            {
                var sent = await alice.SendTextAsync(room, "text", $"{n}.{message}");
                if (message == 0)
                {
                    await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/receipt/m.read/{sent}", "{}");
                }
            }
        }

        return (alice, room);
    }

    private static long Count(TestHomeserver server)
    {
        using var snapshot = server.Part<Database>().OpenSnapshot();
        using var query = snapshot.Prepare("SELECT count(*) FROM events WHERE state_key IS NULL");
        return query.Step() ? query.Int64(0) : 0;
    }
}
