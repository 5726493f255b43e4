using EdgeMatrix.ClientApi.Limits;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.ClientApi.Media;

/// <summary>The content repository: its authenticated endpoints, and those from before, frozen.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#content-repository</remarks>
internal static class MediaRoutes
{
    private const string V1 = "/_matrix/client/v1/media";
    private const string Old = "/_matrix/media/v3";
    private const string Download = "/download/{serverName}/{mediaId}";
    private const string Thumbnail = "/thumbnail/{serverName}/{mediaId}";

    private static readonly string[] Reading = ["GET", "HEAD"];

    public static void MapMedia(this IEndpointRouteBuilder api)
    {
        api.MapPost(Old + "/upload", MediaUploads.Upload).WithRate(RateKind.Media);
        api.MapPut(Old + "/upload/{serverName}/{mediaId}", MediaUploads.UploadTo).WithRate(RateKind.Media);
        api.MapPost("/_matrix/media/v1/create", MediaUploads.Create).WithRate(RateKind.Media);
        api.MapMethods(V1 + Download, Reading, MediaDownloads.Download);
        api.MapMethods(V1 + Download + "/{fileName}", Reading, MediaDownloads.Download);
        api.MapMethods(V1 + Thumbnail, Reading, MediaThumbnails.Get);
        api.MapGet(V1 + "/config", MediaConfig.Get);
        api.MapGet(Old + "/config", MediaConfig.Get);
        api.MapGet(Old + Download, MediaDownloads.Frozen).WithoutToken();
        api.MapGet(Old + Download + "/{fileName}", MediaDownloads.Frozen).WithoutToken();
        api.MapGet(Old + Thumbnail, MediaDownloads.Frozen).WithoutToken();
    }
}
