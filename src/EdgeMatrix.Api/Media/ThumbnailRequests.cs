using EdgeMatrix.Media.Thumbnails;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Api;

/// <summary>What is alike in asking for thumbnails, whether a user asks or another server.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#thumbnails</remarks>
internal static class ThumbnailRequests
{
    /// <summary>The size that a request asks for.</summary>
    public static (ThumbnailSize Size, MatrixError? Error) ReadSize(HttpRequest request)
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

    /// <summary>Why there is no thumbnail.</summary>
    public static MatrixError Refuse(ThumbnailVerdict verdict) => verdict switch
    {
        ThumbnailVerdict.TooLarge => MatrixError.TooLarge("Content is too large to thumbnail"),
        ThumbnailVerdict.Busy => new MatrixError(429, "M_LIMIT_EXCEEDED", "Too many thumbnails are being made: try again later"),
        _ => MatrixError.BadRequest("Cannot generate thumbnails for the requested content"),
    };
}
