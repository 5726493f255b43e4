using EdgeMatrix.Media.Previews;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Media;

/// <summary><c>GET /_matrix/client/v1/media/preview_url</c>, and its form from before, <c>/_matrix/media/v3/preview_url</c>.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediapreview_url</remarks>
internal static class UrlPreview
{
    public static async Task<IResult> Get(HttpRequest request, UrlPreviews previews, ClientApiOptions options)
    {
        if (!options.UrlPreviews)
        {
            return MatrixError.Unrecognized();
        }

        var (url, missing) = request.QueryRequired("url");
        var (ts, badTs) = request.QueryInteger("ts");
        if ((missing ?? badTs) is { } error)
        {
            return error;
        }

        var (json, verdict) = await previews.GetAsync(url!, ts, request.HttpContext.RequestAborted);
        return verdict switch
        {
            PreviewVerdict.Done => new JsonText(json),
            PreviewVerdict.BadUrl => MatrixError.InvalidParam("url must be a URL of http or https, without a user name, and so must be what it leads to"),
            PreviewVerdict.Refused => MatrixError.Forbidden("This server does not ask for that address"),
            PreviewVerdict.Busy => MatrixError.LimitExceeded("Too many previews are being made"),
            _ => new MatrixError(StatusCodes.Status502BadGateway, "M_UNKNOWN", "The site gave no answer that could be previewed"),
        };
    }
}
