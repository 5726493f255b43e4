using EdgeMatrix.Media;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Media;

/// <summary><c>GET /_matrix/client/v1/media/config</c></summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediaconfig</remarks>
internal static class MediaConfig
{
    public static IResult Get(MediaRepository media) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("m.upload.size"u8, media.Limits.MaxUploadBytes);
        json.WriteEndObject();
    });
}
