using System.Text.Json;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Protocol.RoomVersions;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Discovery;

/// <summary>What the server can do, for those who have an account.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#capabilities-negotiation</remarks>
internal static class Capabilities
{
    /// <summary><c>GET /_matrix/client/v3/capabilities</c></summary>
    public static IResult Get(Requester requester, ClientApiOptions options, EmailValidation emails) => JsonText.Write(json =>
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
        WriteSwitch(json, "m.change_password", !requester.IsGuest);
        WriteProfileFields(json, requester);
        WriteSwitch(json, "m.set_displayname", !requester.IsSuspended);
        WriteSwitch(json, "m.set_avatar_url", requester is { IsGuest: false, IsSuspended: false });
        WriteSwitch(json, "m.3pid_changes", emails.Options is not null && !requester.IsGuest);
        WriteSwitch(json, "m.get_login_token", options.LoginTokens && !requester.IsGuest);
        WriteSwitch(json, "m.forget_forced_upon_leave", options.ForgetOnLeave);
        WriteSwitch(json, "io.element.msc4452.preview_url", options.UrlPreviews && !requester.IsGuest);
        if (requester.IsAdmin)
        {
            // "This property should be omitted altogether if suspend and lock would be false."
            json.WriteStartObject("m.account_moderation"u8);
            json.WriteBoolean("suspend"u8, true);
            json.WriteBoolean("lock"u8, true);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    });

    private static void WriteProfileFields(Utf8JsonWriter json, Requester requester)
    {
        json.WriteStartObject("m.profile_fields"u8);
        json.WriteBoolean("enabled"u8, !requester.IsSuspended);
        if (requester is { IsGuest: true, IsSuspended: false })
        {
            // "Guest users may only modify their display name; other profile fields may not be changed."
            json.WriteStartArray("allowed"u8);
            json.WriteStringValue("displayname"u8);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static void WriteSwitch(Utf8JsonWriter json, string name, bool enabled)
    {
        json.WriteStartObject(name);
        json.WriteBoolean("enabled"u8, enabled);
        json.WriteEndObject();
    }
}
