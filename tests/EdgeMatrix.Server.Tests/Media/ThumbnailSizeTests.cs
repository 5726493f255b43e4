using EdgeMatrix.Media.Thumbnails;
using Xunit;

namespace EdgeMatrix.Server.Tests.Media;

public sealed class ThumbnailSizeTests
{
    [Theory]
    [InlineData(1, 1, "32x32-scale")]
    [InlineData(32, 33, "96x96-scale")]
    [InlineData(320, 240, "320x240-scale")]
    [InlineData(240, 320, "640x480-scale")]
    [InlineData(801, 1, "1600x1200-scale")]
    public void A_scaled_thumbnail_is_made_in_the_next_larger_of_few_sizes(int width, int height, string made) =>
        Assert.Equal(made, ThumbnailSize.For(width, height, crop: false, animated: false).Name);

    [Theory]
    [InlineData(96, 96, "96x96-crop")]
    [InlineData(97, 31, "160x60-crop")]
    [InlineData(31, 97, "60x160-crop")]
    [InlineData(1, 1, "32x32-crop")]
    [InlineData(1600, 1, "1600x100-crop")]
    public void A_cropped_one_has_the_form_that_was_asked_for_nearly(int width, int height, string made) =>
        Assert.Equal(made, ThumbnailSize.For(width, height, crop: true, animated: false).Name);

    [Theory]
    [InlineData("320x240-scale")]
    [InlineData("97x31-crop-animated")]
    [InlineData("2147483647x2147483647-scale")]
    public void A_name_says_the_size(string name)
    {
        Assert.True(ThumbnailSize.TryParse(name, out var size));
        Assert.Equal(name, size.Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("320-scale")]
    [InlineData("320x240")]
    [InlineData("0x240-crop")]
    [InlineData("-1x240-crop")]
    [InlineData("320x240-fit")]
    [InlineData("320x240-crop-moving")]
    public void What_is_no_name_of_a_size_is_refused(string name) => Assert.False(ThumbnailSize.TryParse(name, out _));

    [Theory]
    [InlineData(1000, 500, 480, 240)]
    [InlineData(500, 1000, 320, 640)]
    [InlineData(3000, 250, 2880, 240)]
    public void A_scaled_thumbnail_keeps_its_form_and_covers_what_was_asked_for(int width, int height, int thumbnailWidth, int thumbnailHeight) =>
        Assert.Equal(
            new ThumbnailGeometry(thumbnailWidth, thumbnailHeight, 0, 0, thumbnailWidth, thumbnailHeight),
            ThumbnailSize.For(320, 240, crop: false, animated: false).Fit(width, height));

    [Fact]
    public void A_cropped_one_shows_the_middle() =>
        Assert.Equal(
            new ThumbnailGeometry(320, 160, 80, 0, 160, 160),
            ThumbnailSize.For(100, 100, crop: true, animated: false).Fit(400, 200));

    [Theory]
    [InlineData(320, 240)]
    [InlineData(100, 100)]
    [InlineData(5000, 100)]
    public void Nothing_is_made_larger(int width, int height) =>
        Assert.Null(ThumbnailSize.For(320, 240, crop: false, animated: false).Fit(width, height));
}
