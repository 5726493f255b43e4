using System.Text;
using EdgeMatrix.Storage.Rooms;
using Xunit;

namespace EdgeMatrix.Storage.Tests.EventBodies;

/// <summary>What messages have in common is kept once, and each comes back byte for byte.</summary>
public sealed class EventFrameTests : IAsyncDisposable
{
    private readonly TemporaryDatabase _files = new();
    private Database _database;

    public EventFrameTests() => _database = _files.Open();

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    [Fact]
    public async Task Generated_messages_come_back_byte_for_byte_also_after_a_restart()
    {
        var events = new GeneratedEvents(seed: 41);
        var bodies = events.OfEachKind().Concat(Enumerable.Range(0, 500).Select(_ => events.Next())).Select(Encoding.UTF8.GetBytes).ToList();
        await InsertAsync(bodies);
        AssertStored(bodies);
        _database = await _files.ReopenAsync();
        AssertStored(bodies);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("x")]
    [InlineData("{\"content\":{}}")]
    [InlineData("{\"type\":\"m\"}")]
    [InlineData("{\"a\\\"b\":{\"}\":[\",\",\"\\\\\"]},\"content\":{\"\\\"\":\"{\"},\"z\":1}")]
    [InlineData("{\"z\":1,\"content\":2,\"a\":3}")]
    [InlineData("{\"content\":{},\"content\":{}}")]
    [InlineData("{\"content\":{\"a\":\"$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"},\"hashes\":\"BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"room_id\":\"!CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}")]
    [InlineData("{\"content\":{\"body\":\"cut")]
    [InlineData("{\"content\\")]
    public async Task Odd_bodies_come_back_byte_for_byte(string body)
    {
        byte[][] bodies = [Encoding.UTF8.GetBytes(body)];
        await InsertAsync(bodies);
        AssertStored(bodies);
    }

    [Fact]
    public async Task Messages_of_a_sender_share_a_frame_and_those_of_another_room_have_their_own()
    {
        var message = """{"auth_events":[],"content":{"body":"N","msgtype":"m.text"},"depth":1,"room_id":"!r","sender":"@a:b","type":"m.room.message"}""";
        await InsertAsync([.. Enumerable.Range(0, 10).Select(n => Encoding.UTF8.GetBytes(message.Replace("N", $"{n}", StringComparison.Ordinal)))]);
        Assert.Equal(1, Count());
        await InsertAsync([Encoding.UTF8.GetBytes(message)], room: 2);
        Assert.Equal(2, Count());
    }

    [Fact]
    public async Task A_frame_that_was_rolled_back_is_not_taken_for_one_that_is_there()
    {
        var body = Encoding.UTF8.GetBytes(new GeneratedEvents(seed: 5).Message());
        await Assert.ThrowsAsync<InvalidOperationException>(() => _database.WriteAsync(db =>
        {
            Insert(db, body, room: 1);
            throw new InvalidOperationException();
        }));
        Assert.Equal(0, Count());
        await InsertAsync([body]);
        Assert.Equal(1, Count());
        AssertStored([body]);
    }

    [Fact]
    public async Task A_message_whose_frame_is_lost_is_reported_as_damaged()
    {
        await InsertAsync([Encoding.UTF8.GetBytes(new GeneratedEvents(seed: 5).Message())]);
        _database = await _files.ReopenAsync();
        await _database.WriteAsync(db => EventFrameTable.Delete(db, 1, 10));
        using var db = _database.OpenSnapshot();
        Assert.Throws<DatabaseException>(() => EventTable.Forward(db, 1, 0, long.MaxValue, 1)[0].Json);
    }

    private static void Insert(WriteTransaction db, byte[] body, long room)
    {
        var nid = db.NextPosition();
        EventTable.Insert(db, nid, new NewEvent(room, nid, $"${nid}", 1, null, 1, EventFlags.None, 0, null, null, null), body);
    }

    private Task InsertAsync(IReadOnlyList<byte[]> bodies, long room = 1) => _database.WriteAsync(db =>
    {
        foreach (var body in bodies)
        {
            Insert(db, body, room);
        }
    });

    private void AssertStored(IReadOnlyList<byte[]> bodies)
    {
        using var db = _database.OpenSnapshot();
        Assert.Equal(bodies, [.. EventTable.Forward(db, 1, 0, long.MaxValue, bodies.Count).Select(stored => stored.Json)]);
    }

    private long Count()
    {
        using var db = _database.OpenSnapshot();
        using var query = db.Prepare("SELECT count(*) FROM event_frames");
        return query.Step() ? query.Int64(0) : 0;
    }
}
