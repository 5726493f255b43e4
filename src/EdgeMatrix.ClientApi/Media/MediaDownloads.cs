using EdgeMatrix.Federation.Media;
using EdgeMatrix.Media;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Net.Http.Headers;

namespace EdgeMatrix.ClientApi.Media;

/// <summary>Downloading, whole or a range.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#content-repository</remarks>
internal static class MediaDownloads
{
    // "The content repository SHOULD impose a maximum value for this parameter."
    private const int DefaultWaitMs = 20_000;
    private const int MaxWaitMs = 60_000;

    /// <summary><c>GET /_matrix/client/v1/media/download/{serverName}/{mediaId}</c>, and with <c>/{fileName}</c>.</summary>
    public static async Task<IResult> Download(
        string serverName, string mediaId, string? fileName, HttpContext context, RemoteMedia media, IHostApplicationLifetime lifetime)
    {
        var (found, error) = await FindAsync(serverName, mediaId, context, media, lifetime);
        if (error is not null)
        {
            return error;
        }

        var type = found.File!.Type ?? "application/octet-stream";
        SetHeaders(context.Response, InlineTypes.Contain(type), MediaNames.Clean(fileName) ?? found.File.Name);
        return TypedResults.PhysicalFile(
            found.Path!, type, entityTag: new EntityTagHeaderValue($"\"{found.File.Hash.Hex}\""), enableRangeProcessing: true);
    }

    /// <summary><c>GET /_matrix/media/v3/download/{serverName}/{mediaId}</c> and the like, which ask for no token.</summary>
    /// <remarks>
    /// "any media uploaded after (or during) the freeze SHOULD only be accessible through the new, authenticated, endpoints": this
    /// server began frozen.
    /// </remarks>
    public static IResult Frozen() => MatrixError.NotFound("Media is only given to those with an access token: ask below /_matrix/client/v1/media");

    /// <summary>The media of a request, waiting for it as the request says.</summary>
    public static async Task<(MediaLookup Found, MatrixError? Error)> FindAsync(
        string serverName, string mediaId, HttpContext context, RemoteMedia media, IHostApplicationLifetime lifetime)
    {
        var (waitMs, error) = context.Request.QueryInteger("timeout_ms");
        if (error is not null)
        {
            return (default, error);
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        var wait = TimeSpan.FromMilliseconds(Math.Min(waitMs ?? DefaultWaitMs, MaxWaitMs));
        var (found, failure) = await media.FindAsync(serverName, mediaId, wait, end.Token);
        return found.Verdict switch
        {
            MediaVerdict.Found => (found, null),
            MediaVerdict.NotFound => (default, MatrixError.NotFound("No such media")),
            MediaVerdict.TooLarge => (default, new MatrixError(502, "M_TOO_LARGE", "The content is too large for this server")),
            MediaVerdict.NotGiven => (default, RemoteError.Of(failure!, "No such media")),
            _ => (default, new MatrixError(504, "M_NOT_YET_UPLOADED", "Content has not yet been uploaded")),
        };
    }

    /// <summary>The headers that keep what a stranger uploaded from acting in a browser, and say what it is called.</summary>
    /// <param name="inline">Whether a browser may show it.</param>
    public static void SetHeaders(HttpResponse response, bool inline, string? fileName)
    {
        var disposition = new ContentDispositionHeaderValue(inline ? "inline" : "attachment");
        if (fileName is { Length: > 0 })
        {
            disposition.SetHttpFileName(fileName);
        }

        var headers = response.Headers;
        headers.ContentDisposition = disposition.ToString();
        headers.ContentSecurityPolicy =
            "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';";
        headers["Cross-Origin-Resource-Policy"] = "cross-origin";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";

        // What an id stands for never changes, but it is for those with a token only.
        headers.CacheControl = "private, max-age=86400, immutable";
    }
}
