using EdgeMatrix.Storage.Federation;
using EdgeMatrix.Storage.Rooms;
using Xunit;

namespace EdgeMatrix.Storage.Tests;

public sealed class RoomServerTests
{
    private const long Room = 7;

    [Fact]
    public async Task Those_that_answer_are_asked_before_the_largest()
    {
        await using var test = new TemporaryDatabase();
        var database = test.Open();
        await database.WriteAsync(db =>
        {
            foreach (var (server, members) in ((string, int)[])[("small", 1), ("large", 3), ("heard", 1), ("heard-large", 2), ("gone", 4), ("left", 0)])
            {
                for (var user = 0; user < members; user++)
                {
                    RoomServerTable.Joined(db, Room, server);
                }
            }

            DestinationTable.Set(db, new DestinationRow("heard", 0, null, 0, 1));
            DestinationTable.Set(db, new DestinationRow("heard-large", 0, null, 0, 1));
            DestinationTable.Set(db, new DestinationRow("gone", 2, 1, 2, 1));
            DestinationTable.Set(db, new DestinationRow("elsewhere", 0, null, 0, 1));
        });

        using var snapshot = database.OpenSnapshot();
        Assert.Equal(["heard-large", "heard", "large", "small", "gone"], RoomServerTable.Likely(snapshot, Room, 10));
        Assert.Equal(["heard-large"], RoomServerTable.Likely(snapshot, Room, 1));
    }
}
