using System.Text;
using EdgeMatrix.Federation.Media;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

public sealed class MultipartReaderTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100_000)]
    public async Task Parts_are_read_however_they_come(int atOnce)
    {
        var file = string.Concat(Enumerable.Repeat("\r\n--boundar\r\n-\r", 5_000));
        using var body = new Trickle(Encoding.UTF8.GetBytes(
            $"preamble\r\n--boundary \r\nA: 1\r\nb:2\r\n\r\n{{}}\r\n--boundary\r\n\r\n{file}\r\n--boundary--\r\nepilogue"), atOnce);
        var reader = new MultipartReader(body, "boundary");

        var first = await reader.NextAsync(default);
        var second = await reader.NextAsync(default);
        using var text = new StreamReader(reader.Part);

        Assert.Equal(("1", "2"), (first!["a"], first["B"]));
        Assert.Empty(second!);
        Assert.Equal(file, await text.ReadToEndAsync());
        Assert.Null(await reader.NextAsync(default));
    }

    [Fact]
    public async Task A_body_that_ends_within_a_part_is_none()
    {
        using var body = new Trickle("--b\r\n\r\nhello\r\n--"u8.ToArray(), 7);
        var reader = new MultipartReader(body, "b");
        await reader.NextAsync(default);

        await Assert.ThrowsAsync<InvalidDataException>(() => reader.Part.CopyToAsync(Stream.Null));
    }

    private sealed class Trickle(byte[] bytes, int atOnce) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, atOnce)], cancellationToken);
    }
}
