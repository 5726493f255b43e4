using System.Buffers.Binary;
using System.Net;
using EdgeMatrix.Media;
using EdgeMatrix.Media.Thumbnails;
using EdgeMatrix.Storage.Media;
using EdgeMatrix.Testing;
using Microsoft.Extensions.Time.Testing;
using StbImageSharp;
using Xunit;

namespace EdgeMatrix.Server.Tests.Media;

public sealed class ThumbnailTests
{
    [Theory]
    [InlineData("JPEG", "image/jpeg")]
    [InlineData("PNG", "image/jpeg")]
    [InlineData("PNG with alpha", "image/png")]
    [InlineData("moving WebP", "image/jpeg")]
    public async Task A_picture_is_shrunk_and_kept(string kind, string type)
    {
        var file = kind switch
        {
            "JPEG" => Pictures.Jpeg(1000, 500),
            "PNG" => Pictures.Png(1000, 500),
            "PNG with alpha" => Pictures.Png(1000, 500, alpha: 128),
            _ => Pictures.MovingWebp,
        };
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var id = await alice.UploadAsync(file, "application/octet-stream");

        using var response = await ThumbnailAsync(alice, id, "width=300&height=200&method=scale");
        var thumbnail = await PictureAsync(response);

        Assert.Equal((480, 240), (thumbnail.Width, thumbnail.Height));
        Assert.Equal(type, response.Content.Headers.ContentType!.ToString());
        Assert.Equal("inline", response.Content.Headers.ContentDisposition!.DispositionType);
        Assert.True(Reddish(thumbnail, 10, 10) && !Reddish(thumbnail, 470, 10));
        Assert.Single(Kept(server));
        using var again = await ThumbnailAsync(alice, id, "width=320&height=240");
        Assert.Equal(await response.Content.ReadAsByteArrayAsync(), await again.Content.ReadAsByteArrayAsync());
        Assert.Single(Kept(server));
    }

    [Fact]
    public async Task A_sticker_keeps_what_is_see_through()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var opaque = await alice.UploadAsync(Pictures.LossyWebp);
        var sticker = await alice.UploadAsync(Pictures.LossyWebpWithAlpha);

        using var response = await ThumbnailAsync(alice, sticker, "width=96&height=96&method=crop");
        var thumbnail = await PictureAsync(response);
        using var ofOpaque = await ThumbnailAsync(alice, opaque, "width=32&height=32&method=crop");

        Assert.Equal("image/png", response.Content.Headers.ContentType!.ToString());
        Assert.True(Reddish(thumbnail, 10, 50));
        Assert.InRange(thumbnail.Data[(((50 * 96) + 90) * 4) + 3], 120, 136);
        Assert.Equal("image/jpeg", ofOpaque.Content.Headers.ContentType!.ToString());
    }

    [Fact]
    public async Task A_picture_is_cropped_to_its_middle()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var id = await alice.UploadAsync(Pictures.Png(1000, 500));

        using var response = await ThumbnailAsync(alice, id, "width=96&height=96&method=crop");
        var thumbnail = await PictureAsync(response);

        Assert.Equal((96, 96), (thumbnail.Width, thumbnail.Height));
        Assert.True(Reddish(thumbnail, 20, 50) && !Reddish(thumbnail, 76, 50));
    }

    // Where the red half is: at the left 1 and 4, at the right 2 and 3, above 5 and 6, below 7 and 8.
    [Theory]
    [InlineData(1, 10, 200)]
    [InlineData(2, 630, 200)]
    [InlineData(3, 630, 200)]
    [InlineData(4, 10, 200)]
    [InlineData(5, 200, 10)]
    [InlineData(6, 200, 10)]
    [InlineData(7, 200, 630)]
    [InlineData(8, 200, 630)]
    public async Task A_photograph_is_turned_the_right_way_up(byte orientation, int redX, int redY)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var id = await alice.UploadAsync(WithOrientation(Pictures.Jpeg(1200, 800), orientation));

        using var response = await ThumbnailAsync(alice, id, "width=640&height=400");
        var thumbnail = await PictureAsync(response);

        Assert.Equal(orientation < 5 ? (720, 480) : (640, 960), (thumbnail.Width, thumbnail.Height));
        Assert.True(Reddish(thumbnail, redX, redY) && !Reddish(thumbnail, orientation < 5 ? 719 - redX : redX, orientation < 5 ? redY : 959 - redY));
    }

    [Fact]
    public async Task A_small_picture_is_its_own_thumbnail()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bytes = Pictures.LossyWebp;
        var id = await alice.UploadAsync(bytes, "text/html");

        using var response = await ThumbnailAsync(alice, id, "width=320&height=240");

        Assert.Equal("image/webp", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(bytes, await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_picture_moves_only_for_those_who_ask_and_where_it_is_small()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var large = await alice.UploadAsync(Pictures.MovingWebp);
        var small = await alice.UploadAsync(Pictures.MovingGif);

        // "Servers SHOULD return animated thumbnails if possible": of a large picture it is not possible here.
        using var still = await ThumbnailAsync(alice, large, "width=320&height=240&animated=true");
        using var moving = await ThumbnailAsync(alice, small, "width=320&height=240&animated=true");
        using var asked = await ThumbnailAsync(alice, small, "width=320&height=240&animated=false");

        Assert.Equal("image/jpeg", still.Content.Headers.ContentType!.ToString());
        Assert.Equal(Pictures.MovingGif, await moving.Content.ReadAsByteArrayAsync());
        Assert.Equal((1, 1), await SizeAsync(asked));
        Assert.NotEqual("image/gif", asked.Content.Headers.ContentType!.ToString());
    }

    [Fact]
    public async Task What_is_no_picture_or_a_hostile_one_is_refused_and_the_server_lives()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var png = Pictures.Png(64, 64);

        // A header that promises 12,000 by 12,000 pixels, of which there are none.
        var bomb = png.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(bomb.AsSpan(16), 12_000);
        BinaryPrimitives.WriteInt32BigEndian(bomb.AsSpan(20), 12_000);
        BinaryPrimitives.WriteUInt32BigEndian(bomb.AsSpan(29), Crc(bomb.AsSpan(12, 17)));

        Assert.Equal((400, "M_UNKNOWN"), await ThumbnailAsync(alice, await alice.UploadAsync("<html>"u8.ToArray()), "width=1&height=1").ErrorAsync());
        Assert.Equal((400, "M_UNKNOWN"), await ThumbnailAsync(alice, await alice.UploadAsync(png[..20]), "width=1&height=1").ErrorAsync());
        Assert.Equal((400, "M_UNKNOWN"), await ThumbnailAsync(alice, await alice.UploadAsync([]), "width=1&height=1").ErrorAsync());
        Assert.Equal((413, "M_TOO_LARGE"), await ThumbnailAsync(alice, await alice.UploadAsync(bomb), "width=1&height=1").ErrorAsync());
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync("/health")).Status);
    }

    [Theory]
    [InlineData("width=320", "M_MISSING_PARAM")]
    [InlineData("width=0&height=10", "M_INVALID_PARAM")]
    [InlineData("width=-1&height=10", "M_INVALID_PARAM")]
    [InlineData("width=1.5&height=10", "M_INVALID_PARAM")]
    [InlineData("width=10&height=10&method=stretch", "M_INVALID_PARAM")]
    public async Task A_size_that_makes_no_sense_is_refused(string query, string code)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        Assert.Equal((400, code), await ThumbnailAsync(alice, "any", query).ErrorAsync());
    }

    [Fact]
    public async Task Thumbnails_go_with_their_picture_and_are_not_given_of_a_quarantined_one()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var media = server.Part<MediaRepository>();
        var id = await alice.UploadAsync(Pictures.Png(1000, 500));
        (await ThumbnailAsync(alice, id, "width=32&height=32")).Dispose();
        Assert.Single(Kept(server));

        await media.QuarantineAsync(id, by: 1);
        Assert.Equal((404, "M_NOT_FOUND"), await ThumbnailAsync(alice, id, "width=32&height=32").ErrorAsync());
        await media.DeleteAsync(id);
        Assert.Empty(Kept(server));
    }

    [Fact]
    public async Task The_oldest_thumbnails_go_when_they_are_too_many()
    {
        var data = Directory.CreateTempSubdirectory("edgematrix-test-").FullName;
        var time = new FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(1_790_000_000));
        var cache = new ThumbnailCache(data, time, maxBytes: 1000);
        var size = ThumbnailSize.For(32, 32, crop: false, animated: false);
        var hashes = Enumerable.Range(0, 11).Select(n => MediaHash.From([.. Enumerable.Repeat((byte)n, 32)])).ToList();
        foreach (var hash in hashes)
        {
            time.Advance(TimeSpan.FromDays(2));
            cache.Find(hashes[0], size);
            await cache.MakeAsync(hash, size, output =>
            {
                output.Write(new byte[100]);
                return Task.FromResult(ThumbnailVerdict.Made);
            });
        }

        Assert.Equal([0, 5, 6, 7, 8, 9, 10], Enumerable.Range(0, 11).Where(n => cache.Find(hashes[n], size) is not null));
        Directory.Delete(data, recursive: true);
    }

    [Fact]
    public async Task A_process_that_dies_or_says_too_much_makes_no_thumbnail()
    {
        var size = ThumbnailSize.For(32, 32, crop: false, animated: false);
        foreach (var program in (string[][])[["/bin/sh", "-c", "kill -SEGV $$"], ["/bin/sh", "-c", "cat /dev/zero"], ["/nowhere/edgematrix"]])
        {
            using var output = new MemoryStream();
            Assert.Equal(ThumbnailVerdict.Failed, await new ThumbnailWorker(program, TimeProvider.System).RunAsync("picture", size, output));
        }
    }

    private static Task<HttpResponseMessage> ThumbnailAsync(TestSession session, string id, string query) =>
        session.FetchAsync(HttpMethod.Get, $"{MediaClient.V1}/thumbnail/test/{id}?{query}");

    private static async Task<ImageResult> PictureAsync(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return ImageResult.FromMemory(await response.Content.ReadAsByteArrayAsync(), ColorComponents.RedGreenBlueAlpha);
    }

    private static async Task<(int Width, int Height)> SizeAsync(HttpResponseMessage response)
    {
        var picture = await PictureAsync(response);
        return (picture.Width, picture.Height);
    }

    private static bool Reddish(ImageResult picture, int x, int y) =>
        picture.Data.AsSpan(((y * picture.Width) + x) * 4, 3) is [> 200, _, < 60];

    private static string[] Kept(TestHomeserver server) =>
        Directory.GetFiles(Path.Combine(server.DataFolder, "thumbnails"), "*", SearchOption.AllDirectories);

    // An Exif segment with the orientation alone, behind the JPEG's start.
    private static byte[] WithOrientation(byte[] jpeg, byte orientation) =>
    [
        .. jpeg[..2],
        0xFF, 0xE1, 0, 34,
        .. "Exif\0\0MM\0*\0\0\0\b\0\u0001"u8,
        0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0,
        .. jpeg[2..],
    ];

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }

        return ~crc;
    }
}
