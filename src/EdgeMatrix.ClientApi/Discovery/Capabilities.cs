using System.Text.Json;
using EdgeMatrix.Protocol.RoomVersions;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Discovery;

/// <summary>What the server can do, for those who have an account.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#capabilities-negotiation</remarks>
internal static class Capabilities
{
    /// <summary><c>GET /_matrix/client/v3/capabilities</c></summary>
    public static IResult Get(ClientApiOptions options) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("capabilities"u8);
        json.WriteStartObject("m.room_versions"u8);
        json.WriteString("default"u8, options.DefaultRoomVersion);
        json.WriteStartObject("available"u8);
        foreach (var version in RoomVersions.All)
        {
            json.WriteString(version.Id, version.Stable ? "stable"u8 : "unstable"u8);
        }

        json.WriteEndObject();
        json.WriteEndObject();
        WriteSwitch(json, "m.change_password", true);
        WriteSwitch(json, "m.profile_fields", true);
        WriteSwitch(json, "m.set_displayname", true);
        WriteSwitch(json, "m.set_avatar_url", true);
        WriteSwitch(json, "m.3pid_changes", false);
        WriteSwitch(json, "m.get_login_token", false);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    private static void WriteSwitch(Utf8JsonWriter json, string name, bool enabled)
    {
        json.WriteStartObject(name);
        json.WriteBoolean("enabled"u8, enabled);
        json.WriteEndObject();
    }
}
