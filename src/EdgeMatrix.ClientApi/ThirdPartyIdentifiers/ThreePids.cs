using EdgeMatrix.Accounts;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.Delivery.Identity;
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
    public static async Task<IResult> Bind(HttpRequest request, Requester requester, BoundThreePids bound)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        if (JsonContent.Text(body, "sid") is not { } sid || JsonContent.Text(body, "client_secret") is not { } secret
            || JsonContent.Text(body, "id_server") is not { } idServer || JsonContent.Text(body, "id_access_token") is not { } token)
        {
            return MatrixError.MissingParam("sid, client_secret, id_server or id_access_token");
        }

        var identity = new IdentityServer(idServer, token);
        return await bound.BindAsync(requester.UserNid, requester.UserId, identity, sid, secret, request.HttpContext.RequestAborted) is { } refusal
            ? MatrixError.From(refusal)
            : JsonText.Empty;
    }

    /// <summary><c>POST /_matrix/client/v3/account/3pid/unbind</c></summary>
    public static async Task<IResult> Unbind(HttpRequest request, Requester requester, BoundThreePids bound)
    {
        var (given, error) = await ReadAsync(request);
        return error is null ? await UnbindAsync(request, requester, bound, given) : error;
    }

    /// <summary><c>POST /_matrix/client/v3/account/3pid/delete</c></summary>
    public static async Task<IResult> Delete(HttpRequest request, Requester requester, UserThreePids threepids, BoundThreePids bound)
    {
        var (given, error) = await ReadAsync(request);
        if (error is not null)
        {
            return error;
        }

        await threepids.DeleteAsync(requester.UserNid, given.Medium, given.Address);
        return await UnbindAsync(request, requester, bound, given);
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

    private static async Task<((string Medium, string Address, string? IdServer) Given, MatrixError? Error)> ReadAsync(HttpRequest request)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return (default, error);
        }

        if (JsonContent.Text(body, "medium") is not { } medium || JsonContent.Text(body, "address") is not { } address)
        {
            return (default, MatrixError.MissingParam("medium or address"));
        }

        return ((medium, ThreePidJson.Canonical(medium, address) ?? address, JsonContent.Text(body, "id_server")), null);
    }

    // "success indicates that the identity server has unbound the identifier whereas no-support indicates that the identity server refuses to support
    // the request or the homeserver was not able to determine an identity server to unbind from."
    private static async Task<IResult> UnbindAsync(
        HttpRequest request, Requester requester, BoundThreePids bound, (string Medium, string Address, string? IdServer) given)
    {
        var done = await bound.UnbindAsync(
            requester.UserNid, requester.UserId, given.Medium, given.Address, given.IdServer, request.HttpContext.RequestAborted);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("id_server_unbind_result"u8, done ? "success"u8 : "no-support"u8);
            json.WriteEndObject();
        });
    }
}
