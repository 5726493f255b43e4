using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Crash.Tests;

public sealed class DatabaseCheckTests
{
    [Theory]
    [InlineData("DELETE FROM events WHERE nid = (SELECT last_event FROM rooms)", "the newest event of a room")]
    [InlineData("UPDATE rooms SET joined = joined + 1", "a room counts its members")]
    [InlineData("UPDATE rooms SET extremities = x''", "has no forward extremity")]
    [InlineData("UPDATE rooms SET extremities = x'4000000000000000'", "has the forward extremity 64, which is not there")]
    [InlineData("UPDATE memberships SET membership = 5", "has @alice:test as a member otherwise than its state")]
    [InlineData("DELETE FROM memberships", "has @alice:test as a member otherwise than its state")]
    [InlineData("DELETE FROM state_nodes WHERE nid = (SELECT parent FROM state_nodes ORDER BY nid DESC LIMIT 1)", "which is not there")]
    [InlineData("UPDATE state_nodes SET entries = entries + 1", "entries, not")]
    [InlineData("UPDATE state_nodes SET delta = x'80'", "cannot be read")]
    [InlineData("UPDATE events SET body = x'0102'", "cannot be read")]
    [InlineData("DELETE FROM devices", "an access token is of a device")]
    [InlineData("UPDATE sequence SET reserved = 1", "a position is below what is reserved")]
    public async Task What_is_broken_is_found(string sql, string finding)
    {
        await using var server = await TestHomeserver.StartAsync();
        await (await server.RegisterAsync("alice")).CreateRoomAsync();
        var database = server.Part<Database>();
        Assert.Empty(Findings(database));

        await database.WriteAsync(db =>
        {
            using var change = db.Prepare(sql);
            change.Run();
        });

        Assert.Contains(Findings(database), found => found.Contains(finding, StringComparison.Ordinal));
    }

    private static List<string> Findings(Database database)
    {
        using var db = database.OpenSnapshot();
        return [.. DatabaseCheck.Findings(db)];
    }
}
