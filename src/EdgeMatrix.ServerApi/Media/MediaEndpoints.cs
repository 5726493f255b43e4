using EdgeMatrix.Media;
using EdgeMatrix.Media.Pictures;
using EdgeMatrix.Media.Thumbnails;
using EdgeMatrix.Protocol;
using EdgeMatrix.Rooms;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace EdgeMatrix.ServerApi.Media;

/// <summary>The media of this server, for others.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#content-repository</remarks>
internal static class MediaEndpoints
{
    private const int DefaultWaitMs = 20_000;
    private const int MaxWaitMs = 60_000;

    /// <summary><c>GET /_matrix/federation/v1/media/download/{mediaId}</c></summary>
    public static async Task<IResult> Download(string mediaId, HttpRequest request, MediaRepository media, LocalServer server, RandomSource random)
    {
        var (found, error) = await FindAsync(mediaId, request, media, server);
        return error is not null ? error : new MultipartMedia(
            found.Path!, found.File!.Type ?? "application/octet-stream", found.File.Name, random.Base62(MultipartMedia.BoundaryLength));
    }

    /// <summary><c>GET /_matrix/federation/v1/media/thumbnail/{mediaId}</c></summary>
    public static async Task<IResult> Thumbnail(
        string mediaId, HttpRequest request, MediaRepository media, ThumbnailStore thumbnails, LocalServer server, RandomSource random)
    {
        var (size, badSize) = ThumbnailRequests.ReadSize(request);
        if (badSize is not null)
        {
            return badSize;
        }

        var (found, error) = await FindAsync(mediaId, request, media, server);
        if (error is not null)
        {
            return error;
        }

        var (verdict, path) = await thumbnails.GetAsync(found.File!.Hash, found.Path!, size, request.HttpContext.RequestAborted);
        return verdict is ThumbnailVerdict.Made or ThumbnailVerdict.Original
            && await PictureTypes.OfFileAsync(path!, request.HttpContext.RequestAborted) is { } type
                ? new MultipartMedia(path!, type, "thumbnail." + type["image/".Length..], random.Base62(MultipartMedia.BoundaryLength))
                : ThumbnailRequests.Refuse(verdict);
    }

    private static async Task<(MediaLookup Found, MatrixError? Error)> FindAsync(
        string mediaId, HttpRequest request, MediaRepository media, LocalServer server)
    {
        var (waitMs, error) = request.QueryInteger("timeout_ms", min: 0);
        if (error is not null)
        {
            return (default, error);
        }

        var wait = TimeSpan.FromMilliseconds(Math.Min(waitMs ?? DefaultWaitMs, MaxWaitMs));
        var found = await media.FindAsync(server.Name, mediaId, wait, request.HttpContext.RequestAborted);
        return found.Verdict switch
        {
            MediaVerdict.Found => (found, null),
            MediaVerdict.NotFound => (default, MatrixError.NotFound("No such media")),
            _ => (default, new MatrixError(504, "M_NOT_YET_UPLOADED", "Content has not yet been uploaded")),
        };
    }
}

/// <summary>A file as <c>multipart/mixed</c>: an object of JSON, in which nothing stands yet, then the bytes.</summary>
/// <param name="boundary">No bytes of the file are likely to be this.</param>
internal sealed class MultipartMedia(string path, string type, string? name, string boundary) : IResult
{
    public const int BoundaryLength = 32;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var disposition = new ContentDispositionHeaderValue("attachment");
        if (name is { Length: > 0 })
        {
            disposition.SetHttpFileName(name);
        }

        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1, FileOptions.Asynchronous);
        var head = System.Text.Encoding.UTF8.GetBytes(
            $"--{boundary}\r\nContent-Type: application/json\r\n\r\n{{}}\r\n--{boundary}\r\nContent-Type: {type}\r\nContent-Disposition: {disposition}\r\n\r\n");
        var tail = System.Text.Encoding.UTF8.GetBytes($"\r\n--{boundary}--\r\n");
        var response = httpContext.Response;
        response.ContentType = $"multipart/mixed; boundary={boundary}";
        response.ContentLength = head.Length + file.Length + tail.Length;
        await response.Body.WriteAsync(head, httpContext.RequestAborted);
        await file.CopyToAsync(response.Body, httpContext.RequestAborted);
        await response.Body.WriteAsync(tail, httpContext.RequestAborted);
    }
}
