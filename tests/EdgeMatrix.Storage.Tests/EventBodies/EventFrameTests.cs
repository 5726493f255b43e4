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

    [Theory]
    [InlineData(Whole, true)]
    [InlineData("""{"auth_events":["$AUTH"],"content":{"a":"$CONTENT","b":["$CONTENT"],"body":"hi"},"depth":0,"hashes":{"sha256":"HASH"},"origin_server_ts":0,"prev_events":["$PREV"],"room_id":"!r","sender":"@a:b","signatures":{"b":{"ed25519:k":"SIGNED"}},"type":"m.room.message","unsigned":{"age_ts":5}}""", true)]
    [InlineData("""{"auth_events":["$AUTH"],"content":{"body":"hi"},"depth":18446744073709551615,"hashes":{"sha256":"HASH"},"origin_server_ts":9007199254740991,"prev_events":["$PREV"],"type":"m.room.message"}""", true)]
    [InlineData("""{"auth_events":["$AUTH"],"content":{"body":"hi"},"depth":01,"hashes":{"sha256":"HASH"},"origin_server_ts":1,"prev_events":["$PREV"],"type":"m.room.message"}""", false)]
    [InlineData("""{"auth_events":["$AUTH"],"content":{"body":"hi"},"depth":-1,"hashes":{"sha256":"HASH"},"origin_server_ts":1,"prev_events":["$PREV"],"type":"m.room.message"}""", false)]
    [InlineData("""{"auth_events":["$AUTH"],"content":{"body":"hi"},"depth":1,"hashes":{"sha256":"HASH"},"origin_server_ts":18446744073709551616,"prev_events":["$PREV"],"type":"m.room.message"}""", false)]
    [InlineData("""{"auth_events":["$AUTH"],"content":{"body":"hi"},"depth":1,"hashes":{"sha256":"HASH"},"origin_server_ts":1,"prev_events":["$PREV","$PREV"],"type":"m.room.message"}""", false)]
    [InlineData("""{"auth_events":["$AUTH"],"content":{"body":"hi"},"depth":1,"hashes":{"sha256":"HASH"},"origin_server_ts":1,"prev_events":[["$PREV",{"sha256":"PREV"}]],"type":"m.room.message"}""", false)]
    [InlineData("""{"auth_events":["$AUTH"],"content":{"body":"hi"},"depth":1,"hashes":{"sha256":"CONTENT"},"origin_server_ts":1,"prev_events":["$PREV"],"type":"m.room.message"}""", false)]
    [InlineData("""{"auth_events":["$AUTH"],"content":{"body":"hi"},"depth":1,"hashes":{"md5":"CONTENT","sha256":"HASH"},"origin_server_ts":1,"prev_events":["$PREV"],"type":"m.room.message"}""", false)]
    [InlineData("""{"auth_events":["$AUTH"],"content":{"body":"hi"},"depth":1,"origin_server_ts":1,"prev_events":["$PREV"],"signatures":{"b":{"k":"HASH"}},"type":"m.room.message"}""", false)]
    [InlineData("""{"auth_events":["$AUTH"],"content":{"body":"hi"},"depth":1,"hashes":{"sha256":"HASH"},"origin_server_ts":1,"prev_events":["$PREV"],"redacts":"$PREV","type":"m.room.redaction"}""", false)]
    public async Task What_follows_from_the_rest_is_left_out_where_it_does_follow(string template, bool isLean)
    {
        byte[] body = WithHashes(template);
        await InsertAsync([body]);
        AssertStored([body]);
        using var db = _database.OpenSnapshot();
        using var query = db.Prepare("SELECT body FROM events");
        Assert.True(query.Step());
        Assert.Equal(isLean ? EventBodyCodec.Lean : EventBodyCodec.Framed, query.Blob(0)[0]);
    }

    [Fact]
    public async Task Damaged_lean_bodies_are_reported_or_are_other_events()
    {
        await InsertAsync([WithHashes(Whole)]);
        byte[] packed;
        EventFrame frame;
        using (var db = _database.OpenSnapshot())
        {
            using var query = db.Prepare("SELECT body, frame FROM events");
            Assert.True(query.Step());
            (packed, frame) = (query.Blob(0).ToArray(), EventFrameTable.Find(db, query.Int64(1))!);
        }

        using var codec = new EventBodyCodec();
        var random = new Random(6);
        for (var n = 0; n < 5_000; n++)
        {
            var damaged = n < packed.Length ? packed[..n] : packed.ToArray();
            if (n >= packed.Length)
            {
                damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            }

            try
            {
                codec.Unpack(damaged, frame);
            }
            catch (DatabaseException)
            {
                // As it should be told.
            }
        }
    }

    [Fact]
    public async Task A_short_message_has_its_signature_its_parent_and_little_more_of_its_own()
    {
        await InsertAsync([WithHashes(Whole)]);
        using var db = _database.OpenSnapshot();
        using var query = db.Prepare("SELECT length(body) FROM events");
        Assert.True(query.Step());
        Assert.InRange(query.Int32(0), 96, 96 + 70);
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

    private const string Whole =
        """{"auth_events":["$AUTH"],"content":{"body":"The kitchen is at 21 degrees, and rising","msgtype":"m.text"},"depth":3200,"hashes":{"sha256":"HASH"},"origin_server_ts":1790000000123,"prev_events":["$PREV"],"room_id":"!r","sender":"@a:b","signatures":{"b":{"ed25519:k":"SIGNED"}},"type":"m.room.message"}""";

    /// <summary>An event with random hashes, and the true one of its content where the template says <c>HASH</c>.</summary>
    private static byte[] WithHashes(string template)
    {
        var random = new Random(1);
        var text = template.Replace("AUTH", Letters(32, url: true), StringComparison.Ordinal)
            .Replace("PREV", Letters(32, url: true), StringComparison.Ordinal)
            .Replace("CONTENT", Letters(32, url: false), StringComparison.Ordinal)
            .Replace("SIGNED", Letters(64, url: false), StringComparison.Ordinal);
        var hashed = System.Text.RegularExpressions.Regex.Replace(
            text, """,?"(hashes":\{[^}]*\}|signatures":\{[^}]*\}\}|unsigned":\{[^}]*\})""", "");
        var hash = Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(hashed))).TrimEnd('=');
        return Encoding.UTF8.GetBytes(text.Replace("HASH", hash, StringComparison.Ordinal));

        string Letters(int bytes, bool url)
        {
            // Those of the one alphabet and of the other can be told apart.
            while (true)
            {
                var drawn = new byte[bytes];
                random.NextBytes(drawn);
                var letters = Convert.ToBase64String(drawn).TrimEnd('=');
                if (letters.Contains('+', StringComparison.Ordinal) || letters.Contains('/', StringComparison.Ordinal))
                {
                    return url ? letters.Replace('+', '-').Replace('/', '_') : letters;
                }
            }
        }
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
