using System.Net;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Accounts;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Delivery.Push;
using EdgeMatrix.Outbound;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.PushRules;

/// <summary>Where the requester's notifications are pushed to.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushers</remarks>
internal static class Pushers
{
    // "Max length, 512 bytes", "Max length, 64 chars."
    private const int MaxPushkeyBytes = 512;
    private const int MaxAppIdLength = 64;

    // What an app tells its gateway goes along with every notification.
    private const int MaxBodyBytes = 16 * 1024;

    private static readonly string[] _required = ["app_display_name", "device_display_name", "lang", "data"];

    /// <summary><c>GET /_matrix/client/v3/pushers</c></summary>
    public static IResult List(Requester requester, UserPushers pushers) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("pushers"u8);
        foreach (var pusher in pushers.List(requester.UserNid))
        {
            Write(json, pusher);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary><c>POST /_matrix/client/v3/pushers/set</c></summary>
    public static async Task<IResult> Set(
        HttpRequest request, Requester requester, UserPushers pushers, OutboundNetwork network, EmailPushing emails, UserThreePids threepids)
    {
        var (body, error) = await request.ReadObjectAsync(MaxBodyBytes);
        if (error is not null)
        {
            return error;
        }

        if (Missing(body, ["kind", "app_id", "pushkey"]) is { } missing)
        {
            return missing;
        }

        if (JsonContent.Text(body, "app_id") is not { } appId || JsonContent.Text(body, "pushkey") is not { } pushkey)
        {
            return MatrixError.BadJson("app_id and pushkey are strings");
        }

        if (appId.Length > MaxAppIdLength || Encoding.UTF8.GetByteCount(pushkey) > MaxPushkeyBytes)
        {
            return MatrixError.InvalidParam($"app_id has up to {MaxAppIdLength} characters, pushkey up to {MaxPushkeyBytes} bytes");
        }

        // An address has one spelling, however the app spells it.
        pushkey = appId == PusherTable.EmailAppId ? EmailAddress.Canonical(pushkey) ?? pushkey : pushkey;
        if (body.GetProperty("kind"u8).ValueKind == JsonValueKind.Null)
        {
            await pushers.DeleteAsync(requester.UserNid, appId, pushkey);
            return JsonText.Empty;
        }

        if (Missing(body, _required) is { } unsaid)
        {
            return unsaid;
        }

        var (pusher, wrong) = Read(body, requester, appId, pushkey, network.Addresses, emails.IsOn ? threepids : null);
        if (wrong is not null)
        {
            return wrong;
        }

        var append = body.TryGetProperty("append"u8, out var given) && given.ValueKind == JsonValueKind.True;
        return await pushers.SetAsync(pusher!, append)
            ? JsonText.Empty
            : MatrixError.Forbidden($"A user has up to {UserPushers.MaxOfUser} pushers");
    }

    private static (PusherRow? Pusher, MatrixError? Error) Read(
        JsonElement body, Requester requester, string appId, string pushkey, AddressPolicy addresses, UserThreePids? threepids)
    {
        var kind = JsonContent.Text(body, "kind");
        switch (kind)
        {
            case "http":
                break;
            case PusherTable.EmailKind when threepids is null:
                return (null, MatrixError.InvalidParam("This server sends no e-mail: kind must be http"));
            case PusherTable.EmailKind when appId != PusherTable.EmailAppId:
                return (null, MatrixError.InvalidParam("A pusher of kind email has the app_id m.email"));
            case PusherTable.EmailKind when !threepids.List(requester.UserNid).Any(one => one.Medium == ThreePidTable.Email && one.Address == pushkey):
                return (null, new MatrixError(400, "M_THREEPID_NOT_FOUND", "The address is none that your account has"));
            case PusherTable.EmailKind:
                break;
            default:
                return (null, MatrixError.InvalidParam("kind must be http or email, or null"));
        }

        if (JsonContent.Text(body, "app_display_name") is not { } appName
            || JsonContent.Text(body, "device_display_name") is not { } deviceName
            || JsonContent.Text(body, "lang") is not { } lang
            || body.GetProperty("data"u8) is not { ValueKind: JsonValueKind.Object } data)
        {
            return (null, MatrixError.BadJson("app_display_name, device_display_name and lang are strings, data is an object"));
        }

        var profileTag = JsonContent.Text(body, "profile_tag");
        if (kind == PusherTable.EmailKind)
        {
            // It is of the account, not of the device that set it.
            return (new PusherRow(
                0, requester.UserNid, null, appId, pushkey, kind, appName, deviceName, profileTag, lang, data.GetRawText(), 0, 0, null), null);
        }

        if (JsonContent.Text(data, "url") is not { } url)
        {
            return (null, MatrixError.MissingParam("data.url"));
        }

        if (!IsGateway(url, addresses))
        {
            return (null, MatrixError.InvalidParam("data.url must be an https URL with the path /_matrix/push/v1/notify"));
        }

        return (new PusherRow(
            0, requester.UserNid, requester.DeviceNid, appId, pushkey, "http", appName, deviceName, profileTag, lang,
            data.GetRawText(), 0, 0, null), null);
    }

    // "MUST be an HTTPS URL with a path of /_matrix/push/v1/notify": but for gateways at addresses that the configuration names.
    private static bool IsGateway(string text, AddressPolicy addresses) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url)
        && url.AbsolutePath == "/_matrix/push/v1/notify"
        && url.UserInfo.Length == 0
        && (url.Scheme == Uri.UriSchemeHttps
            || (url.Scheme == Uri.UriSchemeHttp && IPAddress.TryParse(url.IdnHost, out var address) && addresses.IsNamed(address)));

    private static MatrixError? Missing(JsonElement body, string[] names)
    {
        var missing = names.Where(name => !body.TryGetProperty(name, out _)).ToList();
        return missing.Count == 0 ? null : MatrixError.MissingParam(string.Join(", ", missing));
    }

    public static void Write(Utf8JsonWriter json, PusherRow pusher)
    {
        json.WriteStartObject();
        json.WriteString("pushkey"u8, pusher.Pushkey);
        json.WriteString("kind"u8, pusher.Kind);
        json.WriteString("app_id"u8, pusher.AppId);
        json.WriteString("app_display_name"u8, pusher.AppDisplayName);
        json.WriteString("device_display_name"u8, pusher.DeviceDisplayName);
        if (pusher.ProfileTag is not null)
        {
            json.WriteString("profile_tag"u8, pusher.ProfileTag);
        }

        json.WriteString("lang"u8, pusher.Lang);
        json.WritePropertyName("data"u8);
        json.WriteRawValue(pusher.Data, skipInputValidation: true);
        json.WriteEndObject();
    }
}
