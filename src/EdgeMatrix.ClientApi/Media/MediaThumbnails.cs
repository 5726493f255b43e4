using EdgeMatrix.Media;
using EdgeMatrix.Media.Pictures;
using EdgeMatrix.Media.Thumbnails;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Net.Http.Headers;

namespace EdgeMatrix.ClientApi.Media;

/// <summary><c>GET /_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}</c></summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#thumbnails</remarks>
internal static class MediaThumbnails
{
    public static async Task<IResult> Get(
        string serverName, string mediaId, HttpContext context, MediaRepository media, ThumbnailStore thumbnails, IHostApplicationLifetime lifetime)
    {
        var (size, refused) = ReadSize(context.Request);
        if (refused is not null)
        {
            return refused;
        }

        var (found, error) = await MediaDownloads.FindAsync(serverName, mediaId, context, media, lifetime);
        if (error is not null)
        {
            return error;
        }

        var hash = found.File!.Hash;
        var (verdict, path) = await thumbnails.GetAsync(hash, found.Path!, size, context.RequestAborted);
        if (verdict is not (ThumbnailVerdict.Made or ThumbnailVerdict.Original)
            || await PictureTypes.OfFileAsync(path!, context.RequestAborted) is not { } type)
        {
            return Refuse(verdict);
        }

        // "MUST be inline, and SHOULD contain a file name (e.g. thumbnail.png)."
        MediaDownloads.SetHeaders(context.Response, inline: true, "thumbnail." + type["image/".Length..]);
        return TypedResults.PhysicalFile(
            path!, type, entityTag: new EntityTagHeaderValue($"\"{hash.Hex}-{size.Name}\""), enableRangeProcessing: true);
    }

    private static (ThumbnailSize Size, MatrixError? Error) ReadSize(HttpRequest request)
    {
        var (width, badWidth) = request.QueryInteger("width", min: 1, max: int.MaxValue);
        var (height, badHeight) = request.QueryInteger("height", min: 1, max: int.MaxValue);
        var (method, badMethod) = request.QueryOneOf("method", "crop", "scale");
        var (animated, badAnimated) = request.QueryBoolean("animated");
        if ((badWidth ?? badHeight ?? badMethod ?? badAnimated) is { } error)
        {
            return (default, error);
        }

        return (width, height) switch
        {
            (null, _) => (default, MatrixError.MissingParam("width")),
            (_, null) => (default, MatrixError.MissingParam("height")),
            _ => (ThumbnailSize.For((int)width.Value, (int)height.Value, method == "crop", animated == true), null),
        };
    }

    private static MatrixError Refuse(ThumbnailVerdict verdict) => verdict switch
    {
        ThumbnailVerdict.TooLarge => MatrixError.TooLarge("Content is too large to thumbnail"),
        ThumbnailVerdict.Busy => new MatrixError(429, "M_LIMIT_EXCEEDED", "Too many thumbnails are being made: try again later"),
        _ => MatrixError.BadRequest("Cannot generate thumbnails for the requested content"),
    };
}
