using EdgeMatrix.Accounts;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.ClientApi.Discovery;
using EdgeMatrix.Rooms;
using Microsoft.AspNetCore.Http;
using static EdgeMatrix.ClientApi.JsonBody;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>Login, refresh and logout.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#login</remarks>
internal static class Sessions
{
    /// <summary><c>GET /_matrix/client/v3/login</c></summary>
    public static IResult GetFlows() =>
        Json(new LoginFlows([new LoginFlow(AuthenticationTypes.Password)]), ClientApiJson.Default.LoginFlows);

    /// <summary><c>POST /_matrix/client/v3/login</c></summary>
    public static async Task<IResult> LogIn(
        HttpRequest request, UserAccounts accounts, Logins logins, LocalServer server, ClientApiOptions options)
    {
        var (wanted, error) = await request.ReadJsonAsync(ClientApiJson.Default.LoginRequest);
        if (error is not null)
        {
            return error;
        }

        if (wanted!.Type != AuthenticationTypes.Password)
        {
            return MatrixError.BadRequest("Bad login type: this server knows m.login.password");
        }

        if (wanted.Identifier is { Type: not UserIdentifier.MatrixId })
        {
            return MatrixError.BadRequest("Bad identifier type: this server knows m.id.user");
        }

        if ((wanted.Identifier?.User ?? wanted.User) is not { } user)
        {
            return MatrixError.MissingParam("identifier.user");
        }

        if (wanted.Password is not { } password)
        {
            return MatrixError.MissingParam("password");
        }

        if (NewDevice.Refuse(wanted.DeviceId, wanted.InitialDeviceDisplayName) is { } refused)
        {
            return refused;
        }

        if (await accounts.AuthenticateAsync(user, password, request.HttpContext.RequestAborted) is not { } account)
        {
            return MatrixError.Forbidden("Wrong user name or password");
        }

        var login = await logins.LogInAsync(
            account.User, wanted.DeviceId, wanted.InitialDeviceDisplayName, refreshable: wanted.RefreshToken is true);
        var response = new LoginResponse(account.UserId, login.Tokens.AccessToken, login.DeviceId, server.Name)
        {
            RefreshToken = login.Tokens.RefreshToken,
            ExpiresInMs = login.Tokens.ExpiresInMs,
            WellKnown = ClientWellKnown.From(options),
        };
        return Json(response, ClientApiJson.Default.LoginResponse);
    }

    /// <summary><c>POST /_matrix/client/v3/refresh</c></summary>
    public static async Task<IResult> Refresh(HttpRequest request, Logins logins)
    {
        var (body, error) = await request.ReadJsonAsync(ClientApiJson.Default.RefreshRequest);
        if (error is not null)
        {
            return error;
        }

        return await logins.RefreshAsync(body!.RefreshToken) is { } tokens
            ? Json(new RefreshResponse(tokens.AccessToken, tokens.RefreshToken, tokens.ExpiresInMs), ClientApiJson.Default.RefreshResponse)
            : MatrixError.UnknownToken(softLogout: false);
    }

    /// <summary><c>POST /_matrix/client/v3/logout</c></summary>
    public static async Task<IResult> LogOut(Requester requester, Logins logins)
    {
        await logins.LogOutAsync(requester.UserNid, [requester.DeviceId]);
        return JsonText.Empty;
    }

    /// <summary><c>POST /_matrix/client/v3/logout/all</c></summary>
    public static async Task<IResult> LogOutAll(Requester requester, Logins logins)
    {
        await logins.LogOutAllAsync(requester.UserNid, except: null);
        return JsonText.Empty;
    }

    /// <summary><c>GET /_matrix/client/v3/account/whoami</c></summary>
    public static IResult WhoAmI(Requester requester) =>
        Json(new WhoAmIResponse(requester.UserId, requester.DeviceId, false), ClientApiJson.Default.WhoAmIResponse);
}

internal sealed record LoginFlows(LoginFlow[] Flows);

internal sealed record LoginFlow(string Type);

/// <param name="Type">The kind of login.</param>
internal sealed record LoginRequest(string Type)
{
    public UserIdentifier? Identifier { get; init; }

    /// <summary>What <see cref="Identifier"/> was called before: a user id or a localpart.</summary>
    public string? User { get; init; }

    public string? Password { get; init; }

    public string? DeviceId { get; init; }

    public string? InitialDeviceDisplayName { get; init; }

    /// <summary>The client can refresh tokens.</summary>
    public bool? RefreshToken { get; init; }
}

internal sealed record LoginResponse(string UserId, string AccessToken, string DeviceId, string HomeServer)
{
    public string? RefreshToken { get; init; }

    public long? ExpiresInMs { get; init; }

    public ClientWellKnown? WellKnown { get; init; }
}

internal sealed record RefreshRequest(string RefreshToken);

internal sealed record RefreshResponse(string AccessToken, string? RefreshToken, long? ExpiresInMs);

internal sealed record WhoAmIResponse(string UserId, string DeviceId, bool IsGuest);
