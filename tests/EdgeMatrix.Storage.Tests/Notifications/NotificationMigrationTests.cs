using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Storage.Notifications;
using Xunit;

namespace EdgeMatrix.Storage.Tests.Notifications;

public sealed class NotificationMigrationTests : IAsyncLifetime
{
    private const int Before = 23;

    // Users whose numbers take one to five bytes, and lie apart by as much.
    private static readonly long[] _users = [1, 2, 100, 9_000, 3_000_000, 200_000_000];

    private readonly TemporaryDatabase _files = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    [Fact]
    public async Task Notifications_of_before_are_carried_over()
    {
        await _files.Open(Migrations.All[..Before]).WriteAsync(Fill);
        await _files.CloseAsync();

        using var db = _files.Open().OpenSnapshot();

        Assert.Empty(NotificationChecks.Findings(db));
        foreach (var user in _users)
        {
            // 300 of the main timeline, of which 100 are read, and 40 of the thread, of which 10 are; the last of each stands out.
            Assert.Equal(
                new UnreadOfRoom(new UnreadCount(user, 200, 1), new UnreadCount(user, 30, 1)), UnreadTable.Of(db, 7, user));
            Assert.Equal((230, 1), UnreadTable.OfUser(db, user));
            var (rows, next) = UserNotifications.Backward(db, user, long.MaxValue, highlightsOnly: false, limit: 1_000);
            Assert.Equal((340, 110, 2, null), (rows.Count, rows.Count(row => row.Read), rows.Count(row => row.Highlight), next));
            Assert.Equal(Enumerable.Range(1_001, 340).Reverse().Select(nid => (long)nid), rows.Select(row => row.Event));
        }

        // Only what is behind the pusher of the first, and unread.
        Assert.Equal(1_311, PushQueueTable.Next(db, _users[0], 0));
        Assert.Null(PushQueueTable.Next(db, _users[1], 0));
    }

    private static void Fill(WriteTransaction db)
    {
        Run(db, "INSERT INTO rooms (nid, room_id, version, extremities) VALUES (7, '!r:test', '11', x'')");
        for (var nid = 1_000; nid <= 1_340; nid++)
        {
            Run(db, $"INSERT INTO events (nid, room, timeline, event_id, type, sender, body) VALUES ({nid}, 7, {nid}, x'{nid:D8}', 1, 1, x'')");
        }

        foreach (var user in _users)
        {
            Run(db, $"INSERT INTO users (nid, user_id) VALUES ({user}, '@u{user}:test')");
            Run(db, $"INSERT INTO memberships (room, user, membership, event) VALUES (7, {user}, 1, 1000)");
            for (var n = 1; n <= 300; n++)
            {
                Run(db, $"INSERT INTO notifications (user, event, room, thread, highlight, read) VALUES ({user}, {1_000 + n}, 7, 0, {(n == 300 ? 1 : 0)}, {(n <= 100 ? 1 : 0)})");
            }

            for (var n = 1; n <= 40; n++)
            {
                Run(db, $"INSERT INTO notifications (user, event, room, thread, highlight, read) VALUES ({user}, {1_300 + n}, 7, 1000, {(n == 40 ? 1 : 0)}, {(n <= 10 ? 1 : 0)})");
            }
        }

        // Of a room that is gone.
        Run(db, "INSERT INTO notifications (user, event, room, thread, highlight) VALUES (1, 5, 6, 0, 0)");
        Run(db, """
            INSERT INTO pushers (user, app_id, pushkey, kind, app_display_name, device_display_name, lang, data, set_ts, position)
            VALUES (1, 'app', 'key', 'http', '', '', 'en', '{}', 0, 1305)
            """);
    }

    private static void Run(WriteTransaction db, string sql)
    {
        using var statement = db.Prepare(sql);
        statement.Run();
    }
}
