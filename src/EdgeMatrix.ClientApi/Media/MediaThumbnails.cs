using EdgeMatrix.Federation.Media;
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
        string serverName, string mediaId, HttpContext context, RemoteMedia media, ThumbnailStore thumbnails, IHostApplicationLifetime lifetime)
    {
        var (size, refused) = ThumbnailRequests.ReadSize(context.Request);
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
            return ThumbnailRequests.Refuse(verdict);
        }

        // "MUST be inline, and SHOULD contain a file name (e.g. thumbnail.png)."
        MediaDownloads.SetHeaders(context.Response, inline: true, "thumbnail." + type["image/".Length..]);
        return TypedResults.PhysicalFile(
            path!, type, entityTag: new EntityTagHeaderValue($"\"{hash.Hex}-{size.Name}\""), enableRangeProcessing: true);
    }
}
