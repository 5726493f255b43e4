using EdgeMatrix.Media.Pictures.Webp;
using Xunit;

namespace EdgeMatrix.Server.Tests.Media;

/// <summary>The files were made by libwebp, through Skia, of pictures that a formula makes again.</summary>
public sealed class WebpTests
{
    private const int Width = 90;
    private const int Height = 70;

    // Of quality 50, gray: x * x + y * y, divided by 32.
    private static byte[] Lossy => Convert.FromBase64String(
        "UklGRkYBAABXRUJQVlA4IDoBAABwCwCdASpaAEYAPslQpUunpL+0sjS9i/AZCWkABD/PFA8a/Y72AF3qubQmD1o0CSwSP0FTKskVm3hEO/5e6ARRaAz63FODaETosez2BZRP"
        + "wLrZ94m9zvtO27F6x6V5YnhIWPOkAP74LkAeNeD/S0Ifkqdu/Mf/nM+LaneNe9Rxdpd0JxFzmBm6Cj8ZBP8wY128ft3v0AbGOvO2i2xokczVbJfM7R87ULfyeOwj214EytLV"
        + "M7HqVMSGxIviU/q9v5oBUenPm7Z4rJvzPVNTisGgm6TQIVAG07Nb/FbKmWBMPiOgtaUdAnUIGRqNUWNfz255WMEuGegh3+lDy65qZzyuc2NHEBPAfJ54Tv6uduRCCqNl33SR"
        + "EdyhOy0YKHmXsZKWdQA/xyNHgSZVKAuGLGY9wO4eVbAgAAAAAA==");

    // With predictors, color transform and color cache; red 2 x, green 3 y, blue as above.
    private static byte[] Lossless => Convert.FromBase64String(
        "UklGRrYDAABXRUJQVlA4TKoDAAAvWUARAA11IaL/AUZu20Yy4P8/OrHjboM5C0iS8P/lwEAAIhT9PxwhUbbduG0wDw8LCWpJQbH+BAQAAAAAAJ2BQCAQCAQCgTDOMDAwMDAw"
        + "MDAwsM6wsLCwsLCwsLAgZxAIBAKBQCAQ2BkMBoPBYDAYDAeGA/P/tPAfwv+DpPUA5gOA/KfKKySVV0gqr5BUXiEo/w7Mb0dQqhKujqSOpI6kjqT84fgD5PP3kZpjfiU8bgz1"
        + "uDHU48ZQjxuuFvKMKTyLKTxv06VmbfZAOWNEE14GqoDjH0g1sazxsox/ooFKqjJM4XlOsUP777roI/6PycsAs4y/2VDG/36ZWycLQh91ctFHPA8CZcBgHjCPgtD7fonc+4Xb"
        + "ve+wgZwOXRT2K+HufhUgs7XH1oXGTuh4sBN2vC/9d7XeH/iY+KyJb4k7AW9kWZabnzd9F3iOy3ja6+cI3wXJoo9Wu0qvGHYV3t0+Cqq30wgKx1Mduup9YOj92EWas937rqP3"
        + "G64W8h5+2Xtdd8ucpFv1B7UMLy8vLw/Y7H6Qmr9b33C2q7jyzoCXB44H7pgsaX3Ec1LGM0jWzBVa4Gs0k4bbtFm2PDMIGj74Lkwq49bpQpCm8O4FyoBAvM2tXaaML7vq/f2z"
        + "mexe70/4yAxs4CS9PDMo3NivAtoODe6JbJ1GeHd3wo5HyMvLy8ur0gdSzmdF+LB0/obslZ2d223AAOJtr58jfBfMA4daDsm9PoqQ6t00goLbK0xVxMF72vvrsxmvK6/FDVfv"
        + "0Ib7o/QgvXkG5tCAEhywluHg4ODgVQJsGbDdh9kHgVfzGjhmwMFr4JgBh3CZgvF/hLJmnMzKvKG5qisH7KcJdELXy6pGO+wg3bvZSW44Bl0ORL1yr9Tc68qC5iuq5UbZuIub"
        + "vZ+W8gHTxhwwFXzgRdrQ1tUde0fxMqI30vEI5yOAw8Nx2M18QaLzRUmzPiYrZ8qzMp0ZfClQAKfXVTLex4s+CuccYTxARzavlsz3cbv3S3Q2Gx3a8DfjlzGA+z7GTVxPc8Yv"
        + "u5pT3wZ7NfUgugAnJ7guYK/uRRBPfR2Mizg4/d89mNPu4jGND/sgs5xKfpHmNcDg62Tn9iskp+h6Gcfy3O520ugnpcFwnJeDGtk6twucYkvMugru9n7P3Du3+0BYz2/hWh/t"
        + "/39/QtY1uFenmN08t3c8Qk5OTk6V/oOEXz8+K2VvyZMyzv3f3MwBB/AxOdpVbv9qKgxVxIfzUu+PeP+3zdGhjeRzAg==");

    [Fact]
    public void A_lossless_picture_is_read_to_the_bit()
    {
        var picture = WebpReader.Read(Lossless);

        Assert.Equal((Width, Height), (picture.Width, picture.Height));
        for (var i = 0; i < Width * Height; i++)
        {
            var (x, y) = (i % Width, i / Width);
            Assert.Equal([(byte)(x * 2), (byte)(y * 3), Blue(x, y), 255], picture.Rgba.AsSpan(i * 4, 4).ToArray());
        }
    }

    [Fact]
    public void A_lossy_picture_is_what_it_was_made_of_nearly()
    {
        var picture = WebpReader.Read(Lossy);

        Assert.Equal((Width, Height), (picture.Width, picture.Height));
        Assert.InRange(Enumerable.Range(0, Width * Height).Average(i => Math.Abs(picture.Rgba[(i * 4) + 1] - Blue(i % Width, i / Width))), 0, 2);
    }

    [Fact]
    public void Whatever_is_cut_off_or_changed_is_a_picture_or_refused()
    {
        var random = new Random(5);
        foreach (var file in (byte[][])[Lossy, Lossless, Pictures.LossyWebpWithAlpha, Pictures.MovingWebp])
        {
            for (var i = 0; i < 500; i++)
            {
                var changed = file[..random.Next(13, file.Length + 1)];
                for (var n = random.Next(4); n > 0; n--)
                {
                    // Behind the dimensions, so that all are small.
                    changed[random.Next(Math.Min(35, changed.Length - 1), changed.Length)] = (byte)random.Next(256);
                }

                try
                {
                    WebpReader.Read(changed);
                }
                catch (InvalidDataException)
                {
                }
            }
        }
    }

    private static byte Blue(int x, int y) => (byte)(((x * x) + (y * y)) / 32);
}
