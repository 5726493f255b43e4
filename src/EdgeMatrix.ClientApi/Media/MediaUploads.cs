using EdgeMatrix.Media;
using EdgeMatrix.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Media;

/// <summary>Uploading: at once, or to an id that was made before.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#content-repository</remarks>
internal static class MediaUploads
{
    /// <summary><c>POST /_matrix/media/v3/upload</c></summary>
    public static async Task<IResult> Upload(HttpRequest request, Requester requester, MediaRepository media, LocalServer server)
    {
        var (mediaId, verdict) = await media.UploadAsync(
            requester.UserNid, request.Body, request.ContentLength, TypeOf(request), NameOf(request), request.HttpContext.RequestAborted);
        return mediaId is null ? Refuse(verdict, media.Limits) : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("content_uri"u8, $"mxc://{server.Name}/{mediaId}");
            json.WriteEndObject();
        });
    }

    /// <summary><c>POST /_matrix/media/v1/create</c></summary>
    public static async Task<IResult> Create(Requester requester, MediaRepository media, LocalServer server) =>
        await media.CreateAsync(requester.UserNid) is not { } made
            ? Refuse(UploadVerdict.TooManyWaiting, media.Limits)
            : JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("content_uri"u8, $"mxc://{server.Name}/{made.MediaId}");
                json.WriteNumber("unused_expires_at"u8, made.ExpiresTs);
                json.WriteEndObject();
            });

    /// <summary><c>PUT /_matrix/media/v3/upload/{serverName}/{mediaId}</c></summary>
    public static async Task<IResult> UploadTo(
        string serverName, string mediaId, HttpRequest request, Requester requester, MediaRepository media)
    {
        var verdict = await media.UploadToAsync(
            serverName,
            mediaId,
            requester.UserNid,
            request.Body,
            request.ContentLength,
            TypeOf(request),
            NameOf(request),
            request.HttpContext.RequestAborted);
        return verdict == UploadVerdict.Done ? JsonText.Empty : Refuse(verdict, media.Limits);
    }

    private static MatrixError Refuse(UploadVerdict verdict, MediaLimits limits) => verdict switch
    {
        UploadVerdict.TooLarge => MatrixError.TooLarge($"The file has more than {limits.MaxUploadBytes} bytes"),
        UploadVerdict.OverQuota => MatrixError.Forbidden($"Your files may have {limits.UserQuotaBytes} bytes together"),
        UploadVerdict.NoSuchId => MatrixError.NotFound("Unknown media ID, or it has expired"),
        UploadVerdict.NotYours => MatrixError.Forbidden("The media ID was made by somebody else"),
        UploadVerdict.AlreadyUploaded => new MatrixError(409, "M_CANNOT_OVERWRITE_MEDIA", "Media already uploaded"),
        UploadVerdict.TooManyWaiting => new MatrixError(
            429, "M_LIMIT_EXCEEDED", $"{limits.MaxUploadsWaiting} media IDs wait for their file: upload to those first"),
        _ => throw new ArgumentOutOfRangeException(nameof(verdict), verdict, null),
    };

    private static string? TypeOf(HttpRequest request) => MediaNames.Type(request.ContentType);

    private static string? NameOf(HttpRequest request) => MediaNames.Clean(request.QueryText("filename"));
}
