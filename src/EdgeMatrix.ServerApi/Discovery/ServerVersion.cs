using EdgeMatrix.Federation;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Discovery;

/// <summary>What this server is, and where others reach it.</summary>
internal static class ServerVersion
{
    /// <summary><c>GET /_matrix/federation/v1/version</c></summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#server-implementation</remarks>
    public static IResult Get() => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("server"u8);
        json.WriteString("name"u8, "EdgeMatrix");
        json.WriteString("version"u8, typeof(ServerVersion).Assembly.GetName().Version!.ToString(fieldCount: 3));
        json.WriteEndObject();
        json.WriteEndObject();
    });

    /// <summary><c>GET /.well-known/matrix/server</c></summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver</remarks>
    public static IResult GetWellKnown(FederationSettings settings) => settings is { Enabled: true, Address: { } address }
        ? JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("m.server"u8, address);
            json.WriteEndObject();
        })
        : MatrixError.NotFound("This server does not say under which address others find it");
}
