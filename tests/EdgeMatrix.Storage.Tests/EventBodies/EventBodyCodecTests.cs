using System.Text;
using System.Text.Json;
using Xunit;

namespace EdgeMatrix.Storage.Tests.EventBodies;

public sealed class EventBodyCodecTests : IDisposable
{
    private readonly EventBodyCodec _codec = new();

    public void Dispose() => _codec.Dispose();

    [Fact]
    public void Generated_events_are_json_and_come_back_byte_for_byte()
    {
        var events = new GeneratedEvents(seed: 99);
        foreach (var json in events.OfEachKind().Concat(Enumerable.Range(0, 2000).Select(_ => events.Next())))
        {
            using var document = JsonDocument.Parse(json);
            AssertComesBack(Encoding.UTF8.GetBytes(json));
        }
    }

    [Fact]
    public void A_message_takes_little_more_than_its_hashes_and_signature()
    {
        var events = new GeneratedEvents(seed: 77);
        var messages = Enumerable.Range(0, 1000).Select(_ => Encoding.UTF8.GetBytes(events.Message())).ToArray();
        var mixed = Enumerable.Range(0, 1000).Select(_ => Encoding.UTF8.GetBytes(events.Next())).ToArray();
        var packed = messages.Average(body => _codec.Pack(body).Length);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"a message of {messages.Average(body => body.Length):F0} B takes {packed:F0} B; all kinds, of {mixed.Average(body => body.Length):F0} B, {mixed.Average(body => _codec.Pack(body).Length):F0} B");

        // The room, two events, the hash, the signature.
        Assert.InRange(packed, 6 * 32, 6 * 32 + 100);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("x")]
    [InlineData("\u0001\u0002\u0003\u0004")]
    [InlineData("{\"a\":\"\u0001aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}")]
    [InlineData("$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB")]
    [InlineData("+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA -AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA +-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void Odd_bodies_come_back_byte_for_byte(string body) => AssertComesBack(Encoding.UTF8.GetBytes(body));

    [Fact]
    public void Random_and_large_bodies_come_back_byte_for_byte()
    {
        var random = new Random(3);
        for (var n = 0; n < 300; n++)
        {
            var body = new byte[random.Next(3000)];
            random.NextBytes(body);
            AssertComesBack(body);
        }

        AssertComesBack(Encoding.UTF8.GetBytes(string.Join(',', Enumerable.Repeat("\"$tSbOMTNDbYpUUtYgpHgNcYqIPvEzFmJwDfkbHwpVPvE\"", 1300))));
        AssertComesBack(Encoding.UTF8.GetBytes(new string('a', 65_536)));
        AssertComesBack(Encoding.UTF8.GetBytes(new string('a', 500_000)));
    }

    [Fact]
    public void Damaged_bytes_are_reported()
    {
        var random = new Random(4);
        var packed = _codec.Pack(Encoding.UTF8.GetBytes(new GeneratedEvents(seed: 5).Message()));
        Assert.Throws<DatabaseException>(() => _codec.Unpack([]));
        Assert.Throws<DatabaseException>(() => _codec.Unpack([9, 1, 2]));
        Assert.Throws<DatabaseException>(() => _codec.Unpack([EventBodyCodec.Folded]));
        for (var n = 0; n < packed.Length; n++)
        {
            AssertComesBackOrIsReported(packed[..n]);
        }

        for (var n = 0; n < 5000; n++)
        {
            var damaged = packed.ToArray();
            damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            AssertComesBackOrIsReported(damaged);
        }
    }

    [Fact]
    public async Task Many_threads_share_a_codec()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(seed => Task.Run(() =>
        {
            var events = new GeneratedEvents(seed);
            for (var n = 0; n < 100; n++)
            {
                AssertComesBack(Encoding.UTF8.GetBytes(events.Next()));
            }
        })));
    }

    private void AssertComesBack(byte[] body) => Assert.Equal(body, _codec.Unpack(_codec.Pack(body)));

    private void AssertComesBackOrIsReported(byte[] stored)
    {
        try
        {
            _codec.Unpack(stored);
        }
        catch (DatabaseException)
        {
            // As it should; a flipped bit inside a hash cannot be told, which is what the hash itself is for.
        }
    }
}
