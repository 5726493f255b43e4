using EdgeMatrix.Accounts;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.ThirdPartyIdentifiers;

/// <summary>E-mail addresses and phone numbers of accounts.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information</remarks>
internal static class ThreePids
{
    /// <summary><c>GET /_matrix/client/v3/account/3pid</c></summary>
    public static IResult List(Requester requester, UserThreePids threepids) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        ThreePidJson.Write(json, threepids.List(requester.UserNid));
        json.WriteEndObject();
    });

    /// <summary><c>POST /_matrix/client/v3/account/3pid/add</c></summary>
    public static Task<IResult> Add(
        HttpRequest request, Requester requester, UserInteractiveAuthentication authentication, EmailValidation emails) =>
        AddAsync(request, requester, authentication, emails, isOld: false);

    /// <summary><c>POST /_matrix/client/v3/account/3pid</c>, deprecated.</summary>
    /// <remarks>It asks for the password as its successor does: with an address of their own, whoever stole a token could set another.</remarks>
    public static Task<IResult> AddOld(
        HttpRequest request, Requester requester, UserInteractiveAuthentication authentication, EmailValidation emails) =>
        AddAsync(request, requester, authentication, emails, isOld: true);

    /// <summary><c>POST /_matrix/client/v3/account/3pid/bind</c></summary>
    public static IResult Bind() => MatrixError.ThreepidDenied("This server tells no identity server of its users");

    /// <summary><c>POST /_matrix/client/v3/account/3pid/unbind</c></summary>
    public static async Task<IResult> Unbind(HttpRequest request)
    {
        var (_, _, error) = await ReadAsync(request);
        return error is null ? Unbound() : error;
    }

    /// <summary><c>POST /_matrix/client/v3/account/3pid/delete</c></summary>
    public static async Task<IResult> Delete(HttpRequest request, Requester requester, UserThreePids threepids)
    {
        var (medium, address, error) = await ReadAsync(request);
        if (error is not null)
        {
            return error;
        }

        await threepids.DeleteAsync(requester.UserNid, medium, address);
        return Unbound();
    }

    private static async Task<IResult> AddAsync(
        HttpRequest request, Requester requester, UserInteractiveAuthentication authentication, EmailValidation emails, bool isOld)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var credentials = body;
        if (isOld && !body.TryGetProperty("three_pid_creds"u8, out credentials) && !body.TryGetProperty("threePidCreds"u8, out credentials))
        {
            return MatrixError.MissingParam("three_pid_creds");
        }

        if (JsonContent.Text(credentials, "sid") is not { } sid || JsonContent.Text(credentials, "client_secret") is not { } secret)
        {
            return MatrixError.MissingParam("sid or client_secret");
        }

        // First, so that nobody types a password before they have read their mail.
        if (emails.FindProved(EmailPurpose.Add, sid, secret) is not { } proved)
        {
            return MatrixError.ThreepidAuthFailed("There is no such session, or the user has not followed the link in the mail yet");
        }

        if (await authentication.CheckPasswordAsync(request, body, requester) is { } challenge)
        {
            return challenge;
        }

        return await emails.AddAsync(proved, requester.UserNid) ? JsonText.Empty : MatrixError.ThreepidInUse();
    }

    private static async Task<(string Medium, string Address, MatrixError? Error)> ReadAsync(HttpRequest request)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return ("", "", error);
        }

        if (JsonContent.Text(body, "medium") is not { } medium || JsonContent.Text(body, "address") is not { } address)
        {
            return ("", "", MatrixError.MissingParam("medium or address"));
        }

        return (medium, ThreePidJson.Canonical(medium, address) ?? address, null);
    }

    // "no-support indicates that … the homeserver was not able to determine an identity server to unbind from": it binds at none.
    private static JsonText Unbound() => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("id_server_unbind_result"u8, "no-support"u8);
        json.WriteEndObject();
    });
}
