using EdgeMatrix.Api.Limits;
using EdgeMatrix.Federation.Media;
using EdgeMatrix.Media;
using EdgeMatrix.Media.Previews;
using EdgeMatrix.Media.Thumbnails;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;

namespace EdgeMatrix.ClientApi.Media;

/// <summary>The content repository: its authenticated endpoints, and those from before, frozen.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#content-repository</remarks>
internal static class MediaRoutes
{
    private const string V1 = "/_matrix/client/v1/media";
    private const string Old = "/_matrix/media/v3";
    private const string Download = "/download/{serverName}/{mediaId}";
    private const string Thumbnail = "/thumbnail/{serverName}/{mediaId}";

    public static void MapMedia(this IEndpointRouteBuilder api)
    {
        api.Post(
            Old + "/upload",
            c => MediaUploads.Upload(c.Request, c.Requester, c.Part<MediaRepository>(), c.Server)).WithRate(RateKind.Media);
        api.Put(
            Old + "/upload/{serverName}/{mediaId}",
            c => MediaUploads.UploadTo(
                c["serverName"], c["mediaId"], c.Request, c.Requester, c.Part<MediaRepository>())).WithRate(RateKind.Media);
        api.Post(
            "/_matrix/media/v1/create",
            c => MediaUploads.Create(c.Requester, c.Part<MediaRepository>(), c.Server)).WithRate(RateKind.Media);
        api.GetOrHead(
            V1 + Download,
            c => MediaDownloads.Download(
                c["serverName"], c["mediaId"], null, c.Context, c.Part<RemoteMedia>(),
                c.Part<IHostApplicationLifetime>()));
        api.GetOrHead(
            V1 + Download + "/{fileName}",
            c => MediaDownloads.Download(
                c["serverName"], c["mediaId"], c.SegmentIfAny("fileName"), c.Context, c.Part<RemoteMedia>(),
                c.Part<IHostApplicationLifetime>()));
        api.GetOrHead(
            V1 + Thumbnail,
            c => MediaThumbnails.Get(
                c["serverName"], c["mediaId"], c.Context, c.Part<RemoteMedia>(), c.Part<ThumbnailStore>(),
                c.Part<IHostApplicationLifetime>()));
        api.Get(
            V1 + "/preview_url", c => UrlPreview.Get(c.Request, c.Part<UrlPreviews>(), c.Part<ClientApiOptions>())).WithRate(RateKind.Preview);
        api.Get(
            Old + "/preview_url", c => UrlPreview.Get(c.Request, c.Part<UrlPreviews>(), c.Part<ClientApiOptions>())).WithRate(RateKind.Preview);
        api.Get(V1 + "/config", c => MediaConfig.Get(c.Part<MediaRepository>()));
        api.Get(Old + "/config", c => MediaConfig.Get(c.Part<MediaRepository>()));
        api.Get(Old + Download, c => MediaDownloads.Frozen()).WithoutToken();
        api.Get(Old + Download + "/{fileName}", c => MediaDownloads.Frozen()).WithoutToken();
        api.Get(Old + Thumbnail, c => MediaDownloads.Frozen()).WithoutToken();
    }
}
