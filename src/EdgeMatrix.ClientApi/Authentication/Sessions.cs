using EdgeMatrix.Accounts;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.ClientApi.AppServices;
using EdgeMatrix.ClientApi.Discovery;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;
using static EdgeMatrix.Api.JsonBody;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>Login, refresh and logout.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#login</remarks>
internal static class Sessions
{
    /// <summary><c>GET /_matrix/client/v3/login</c></summary>
    public static IResult GetFlows(ClientApiOptions options, KnownAppServices appServices)
    {
        var flows = new List<LoginFlow> { new(AuthenticationTypes.Password) };
        if (options.LoginTokens)
        {
            flows.Add(new LoginFlow(AuthenticationTypes.Token) { GetLoginToken = true });
        }

        if (appServices.All.Count > 0)
        {
            flows.Add(new LoginFlow(AuthenticationTypes.AppService));
        }

        return Json(new LoginFlows([.. flows]), ClientApiJson.Default.LoginFlows);
    }

    /// <summary><c>POST /_matrix/client/v3/login</c></summary>
    public static async Task<IResult> LogIn(
        HttpRequest request, UserAccounts accounts, LoginTokens loginTokens, Logins logins, LocalServer server, ClientApiOptions options,
        RateLimiter limiter)
    {
        var (wanted, error) = await request.ReadJsonAsync(ClientApiJson.Default.LoginRequest);
        if (error is not null)
        {
            return error;
        }

        if (NewDevice.Refuse(wanted!.DeviceId, wanted.InitialDeviceDisplayName) is { } refused)
        {
            return refused;
        }

        var name = LoginName.Of(wanted.Identifier, wanted.User, wanted.Medium, wanted.Address, accounts);
        if (wanted.Type != AuthenticationTypes.AppService && name is not null && limiter.Count(RateKind.Account, accounts.UserIdOf(name)) is { } wait)
        {
            return MatrixError.LimitExceeded("Too many attempts to log in to that account", wait);
        }

        var (account, wrong) = wanted.Type switch
        {
            AuthenticationTypes.Password => await ByPasswordAsync(wanted, name, accounts, request.HttpContext.RequestAborted),
            AuthenticationTypes.Token when options.LoginTokens => ByToken(wanted, loginTokens, accounts),
            AuthenticationTypes.AppService => ByAppService(wanted, request, accounts),
            _ => (null, MatrixError.BadRequest("Bad login type: GET /login tells which there are")),
        };
        if (account is null)
        {
            return wrong!;
        }

        if (account.Standing.Locked)
        {
            return MatrixError.UserLocked();
        }

        if (await logins.LogInAsync(account.User, wanted.DeviceId, wanted.InitialDeviceDisplayName, wanted.RefreshToken is true) is not { } login)
        {
            return MatrixError.Forbidden("A cross-signing key has that ID: it cannot be a device's");
        }

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

        var (tokens, verdict) = await logins.RefreshAsync(body!.RefreshToken);
        return verdict switch
        {
            RefreshVerdict.Good => Json(
                new RefreshResponse(tokens!.AccessToken, tokens.RefreshToken, tokens.ExpiresInMs), ClientApiJson.Default.RefreshResponse),
            RefreshVerdict.Locked => MatrixError.UserLocked(),
            _ => MatrixError.UnknownToken(softLogout: false),
        };
    }

    /// <summary><c>POST /_matrix/client/v3/logout</c></summary>
    public static async Task<IResult> LogOut(Requester requester, Logins logins)
    {
        if (requester.DeviceId is null)
        {
            return MatrixError.Forbidden("The token of an application service lasts as long as its registration");
        }

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
        Json(new WhoAmIResponse(requester.UserId, requester.DeviceId, requester.IsGuest), ClientApiJson.Default.WhoAmIResponse);

    private static async Task<(AccountRow? Account, MatrixError? Error)> ByPasswordAsync(
        LoginRequest wanted, string? name, UserAccounts accounts, CancellationToken cancellationToken)
    {
        if (wanted.Identifier is { Type: not (UserIdentifier.MatrixId or UserIdentifier.ThirdParty) })
        {
            return (null, MatrixError.BadRequest("Bad identifier type: this server knows m.id.user, and m.id.thirdparty of the medium email"));
        }

        if (name is null)
        {
            return (null, MatrixError.MissingParam("identifier.user, or identifier.address of the medium email,"));
        }

        if (wanted.Password is not { } password)
        {
            return (null, MatrixError.MissingParam("password"));
        }

        return await accounts.AuthenticateAsync(name, password, cancellationToken) is { } account
            ? (account, null)
            : (null, MatrixError.Forbidden("Wrong user name or password"));
    }

    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#appservice-login</remarks>
    private static (AccountRow? Account, MatrixError? Error) ByAppService(LoginRequest wanted, HttpRequest request, UserAccounts accounts)
    {
        var (service, noService) = AppServiceCaller.Required(request);
        if (service is null)
        {
            return (null, noService);
        }

        if (wanted.Identifier is { Type: not UserIdentifier.MatrixId })
        {
            return (null, MatrixError.BadRequest("Bad identifier type: this server knows m.id.user"));
        }

        if ((wanted.Identifier?.User ?? wanted.User) is not { } user)
        {
            return (null, MatrixError.MissingParam("identifier.user"));
        }

        // "if the access token does correspond to an appservice, but the user id does not lie within its namespace"
        if (!service.IsUser(accounts.UserIdOf(user)))
        {
            return (null, MatrixError.Exclusive($"{user} is none of the users of this application service"));
        }

        return accounts.Find(user) is { IsDeactivated: false } account
            ? (account, null)
            : (null, MatrixError.Forbidden($"{user} has no account: this application service has not registered it"));
    }

    private static (AccountRow? Account, MatrixError? Error) ByToken(LoginRequest wanted, LoginTokens tokens, UserAccounts accounts)
    {
        if (wanted.Token is not { } token)
        {
            return (null, MatrixError.MissingParam("token"));
        }

        return tokens.Redeem(token) is { } user && accounts.Find(user) is { IsDeactivated: false } account
            ? (account, null)
            : (null, MatrixError.Forbidden("The login token is not known, used or too old"));
    }
}

internal sealed record LoginFlows(LoginFlow[] Flows);

internal sealed record LoginFlow(string Type)
{
    /// <summary>Whether users may make tokens of this type; null for other types.</summary>
    public bool? GetLoginToken { get; init; }
}

/// <param name="Type">The kind of login.</param>
internal sealed record LoginRequest(string Type)
{
    public UserIdentifier? Identifier { get; init; }

    /// <summary>What <see cref="Identifier"/> was called before: a user id or a localpart.</summary>
    public string? User { get; init; }

    /// <summary>Before there were identifiers: <c>email</c>, with <see cref="Address"/> in the place of <see cref="User"/>.</summary>
    public string? Medium { get; init; }

    public string? Address { get; init; }

    public string? Password { get; init; }

    /// <summary>Of <c>m.login.token</c>.</summary>
    public string? Token { get; init; }

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

internal sealed record WhoAmIResponse(string UserId, string? DeviceId, bool IsGuest);
