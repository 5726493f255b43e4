using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>What this server is; tools ask before they log in.</summary>
internal static class ServerVersion
{
    /// <summary><c>GET /_synapse/admin/v1/server_version</c></summary>
    public static IResult Get() => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("server_version"u8, $"EdgeMatrix {typeof(ServerVersion).Assembly.GetName().Version?.ToString(fieldCount: 3)}");
        json.WriteEndObject();
    });
}
