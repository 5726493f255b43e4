using System.Text.Json;
using EdgeMatrix.Accounts;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Accounts.Notices;
using EdgeMatrix.Accounts.Registration;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.ClientApi.AppServices;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;
using static EdgeMatrix.Api.JsonBody;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>Making accounts.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#account-registration</remarks>
internal static class Registration
{
    /// <summary><c>POST /_matrix/client/v3/register</c></summary>
    public static async Task<IResult> Register(
        HttpRequest request, UserInteractiveAuthentication authentication, UserAccounts accounts, Logins logins, LocalServer server,
        RegistrationTokens tokens, AccessTokens accessTokens, ServerNotices notices, KnownAppServices appServices, ClientApiOptions options)
    {
        switch (request.QueryText("kind"))
        {
            case null or "user":
                break;
            case "guest":
                return await RegisterGuest(request, accounts, logins, server, options);
            default:
                return MatrixError.InvalidParam("kind is neither user nor guest");
        }

        var (body, error) = await request.ReadObjectOrEmptyAsync();
        if (error is not null)
        {
            return error;
        }

        var (wanted, badShape) = body.As(ClientApiJson.Default.RegisterRequest);
        if (wanted is null)
        {
            return badShape!;
        }

        if (wanted!.Type == AuthenticationTypes.AppService)
        {
            return await RegisterOfAppServiceAsync(request, wanted, accounts, logins, server, appServices);
        }

        if (!options.MayRegister)
        {
            return MatrixError.Forbidden("Registration is disabled");
        }

        // "servers must return either a 401 response with the completed stages, or the result of the API call if all stages were completed when
        // a client retries a stage": who did not hear that the account was made asks again.
        var session = authentication.SessionOf(body);
        wanted = wanted.Completed(session?.Registration);
        var asked = RegistrationFlows.Of(request, body, wanted, options, tokens, authentication);
        if (session?.Registered is var (made, attempt) && attempt == asked.Attempt && accounts.Find(made.UserId) is { IsDeactivated: false } still)
        {
            return await AnswerAsync(still, wanted, logins, server);
        }

        var (guest, noGuest) = await FindGuestAsync(request, wanted, accounts, accessTokens);
        if (noGuest is not null)
        {
            return noGuest;
        }

        // "Homeservers MUST perform the relevant checks and return these codes before performing User-Interactive Authentication"
        var refusedName = guest is null ? Refuse(accounts, notices, appServices, wanted.Username) : null;
        var refusedPassword = wanted.Password is null ? null : Passwords.Refuse(wanted.Password, "password");
        if ((refusedName ?? NewDevice.Refuse(wanted.DeviceId, wanted.InitialDeviceDisplayName) ?? refusedPassword) is { } refused)
        {
            return refused;
        }

        var (passed, challenge) = await authentication.CheckAsync(asked);
        if (passed is null)
        {
            return challenge!;
        }

        if (Passwords.Refuse(wanted.Password, "password") is { } weak)
        {
            return weak;
        }

        // Counted before the account is made: of two who use the last use at once, one is refused.
        if (passed.RegistrationToken is { } token && !await tokens.TryUseAsync(token))
        {
            return new MatrixError(StatusCodes.Status401Unauthorized, "M_UNAUTHORIZED", "The registration token is used up");
        }

        // "If omitted, the homeserver MUST generate a Matrix ID local part."
        var username = wanted.Username ?? accounts.NewUsername();
        var (account, verdict) = guest is { } user
            ? await accounts.UpgradeGuestAsync(user, wanted.Password, passed.Email, request.HttpContext.RequestAborted)
            : await accounts.AddAsync(username, wanted.Password, admin: false, request.HttpContext.RequestAborted, passed.Email);
        if (account is null)
        {
            return Refuse(verdict)!;
        }

        passed.Registered = (account, asked.Attempt);
        return await AnswerAsync(account, wanted, logins, server);
    }

    /// <summary>
    /// "When registering a guest account, all parameters in the request body with the exception of initial_device_display_name MUST BE
    /// ignored by the server. The server MUST pick a device_id for the account regardless of input."
    /// </summary>
    private static async Task<IResult> RegisterGuest(
        HttpRequest request, UserAccounts accounts, Logins logins, LocalServer server, ClientApiOptions options)
    {
        if (!options.Guests)
        {
            return MatrixError.GuestAccessForbidden("This server has no guests");
        }

        var (body, error) = await request.ReadObjectOrEmptyAsync();
        if (error is not null)
        {
            return error;
        }

        string? name = null;
        if (body.TryGetProperty("initial_device_display_name", out var given) && given.ValueKind != JsonValueKind.Null)
        {
            if (given.ValueKind != JsonValueKind.String)
            {
                return MatrixError.BadJson("initial_device_display_name is not a string");
            }

            name = given.GetString();
        }

        return NewDevice.Refuse(null, name) is { } refused
            ? refused
            : await AnswerAsync(
                await accounts.AddGuestAsync(request.HttpContext.RequestAborted), new RegisterRequest { InitialDeviceDisplayName = name }, logins, server);
    }

    /// <summary>The guest whom a registration is to make a user: "They are also required to specify the username parameter".</summary>
    /// <returns>Nid of the user; null if no guest's token is given.</returns>
    private static async Task<(long? Guest, MatrixError? Error)> FindGuestAsync(
        HttpRequest request, RegisterRequest wanted, UserAccounts accounts, AccessTokens accessTokens)
    {
        if (wanted.GuestAccessToken is not { } token)
        {
            return (null, null);
        }

        var lookup = await accessTokens.AuthenticateAsync(token, request.HttpContext.Connection.RemoteIpAddress?.ToString());
        return lookup.Owner is not { Standing.Guest: true } owner || wanted.Username is null || accounts.UserIdOf(wanted.Username) != owner.UserId
            ? (null, NoGuest())
            : owner.Standing.Locked ? (null, MatrixError.UserLocked()) : (owner.UserNid, null);
    }

    private static MatrixError NoGuest() => MatrixError.Forbidden("guest_access_token is not that of a guest of that username");

    /// <summary><c>GET /_matrix/client/v3/register/available</c></summary>
    public static IResult IsAvailable(
        HttpRequest request, UserAccounts accounts, ServerNotices notices, KnownAppServices appServices, ClientApiOptions options)
    {
        var (username, error) = request.QueryRequired("username");
        if (error is not null)
        {
            return error;
        }

        if (!options.MayRegister)
        {
            return MatrixError.Forbidden("Registration is disabled");
        }

        return Refuse(accounts, notices, appServices, username) is { } refused
            ? refused
            : Json(new UsernameAvailable(true), ClientApiJson.Default.UsernameAvailable);
    }

    /// <summary><c>GET /_synapse/admin/v1/username_available</c>, whether or not registration is open.</summary>
    /// <remarks>https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html#check-username-availability</remarks>
    public static IResult IsAvailableToAdmins(HttpRequest request, UserAccounts accounts, ServerNotices notices, KnownAppServices appServices)
    {
        var (username, error) = request.QueryRequired("username");
        return error ?? Refuse(accounts, notices, appServices, username)
            ?? Json(new UsernameAvailable(true), ClientApiJson.Default.UsernameAvailable) as IResult;
    }

    /// <summary><c>GET /_matrix/client/v1/register/m.login.registration_token/validity</c></summary>
    public static IResult IsTokenValid(HttpRequest request, RegistrationTokens tokens, ClientApiOptions options)
    {
        var (token, error) = request.QueryRequired("token");
        if (error is not null)
        {
            return error;
        }

        return options.MayRegister
            ? JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteBoolean("valid"u8, tokens.IsGood(token!));
                json.WriteEndObject();
            })
            : MatrixError.Forbidden("Registration is disabled");
    }

    /// <summary>Logs the new account in, unless that is not wanted, and tells of it.</summary>
    public static async Task<IResult> AnswerAsync(AccountRow account, RegisterRequest wanted, Logins logins, LocalServer server)
    {
        if (wanted.InhibitLogin is true)
        {
            return Json(new RegisterResponse(account.UserId, server.Name), ClientApiJson.Default.RegisterResponse);
        }

        // A user who is new has no keys that a device could be taken for.
        var login = (await logins.LogInAsync(
            account.User, wanted.DeviceId, wanted.InitialDeviceDisplayName, refreshable: wanted.RefreshToken is true))!;
        var response = new RegisterResponse(account.UserId, server.Name)
        {
            AccessToken = login.Tokens.AccessToken,
            DeviceId = login.DeviceId,
            RefreshToken = login.Tokens.RefreshToken,
            ExpiresInMs = login.Tokens.ExpiresInMs,
        };
        return Json(response, ClientApiJson.Default.RegisterResponse);
    }

    public static MatrixError? Refuse(UsernameVerdict verdict) => verdict switch
    {
        UsernameVerdict.Free => null,
        UsernameVerdict.EmailInUse => MatrixError.ThreepidInUse(),
        UsernameVerdict.InUse => MatrixError.UserInUse("That user name is taken"),
        _ => MatrixError.InvalidUsername("User names are of a-z, 0-9 and . _ = - / +, and no longer than 255 bytes with the server's name"),
    };

    /// <summary>Makes an account without a password for a user of an application service.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#server-admin-style-permissions</remarks>
    private static async Task<IResult> RegisterOfAppServiceAsync(
        HttpRequest request, RegisterRequest wanted, UserAccounts accounts, Logins logins, LocalServer server, KnownAppServices appServices)
    {
        var (service, noService) = AppServiceCaller.Required(request);
        if (service is null)
        {
            return noService!;
        }

        if ((wanted.Username ?? wanted.User) is not { } username)
        {
            return MatrixError.MissingParam("username");
        }

        if ((Refuse(accounts.CheckUsername(username)) ?? NewDevice.Refuse(wanted.DeviceId, wanted.InitialDeviceDisplayName)) is { } refused)
        {
            return refused;
        }

        var userId = accounts.UserIdOf(username);
        if (!service.IsUser(userId) || appServices.IsUserOfOther(userId, service))
        {
            return MatrixError.Exclusive($"{userId} is none of the users of this application service");
        }

        var (account, verdict) = await accounts.AddAsync(username, null, admin: false, request.HttpContext.RequestAborted);
        return account is null ? Refuse(verdict)! : await AnswerAsync(account, wanted, logins, server);
    }

    private static MatrixError? Refuse(UserAccounts accounts, ServerNotices notices, KnownAppServices appServices, string? username) =>
        username is null ? null
        : notices.IsReserved(username) ? MatrixError.Exclusive("The server itself goes by that name")
        : Refuse(accounts.CheckUsername(username))
            ?? (appServices.IsUserOfOther(accounts.UserIdOf(username), by: null)
                ? MatrixError.Exclusive("That user name is reserved for an application service")
                : null);
}

/// <summary>The body of <c>POST /register</c>, without <c>auth</c>.</summary>
internal sealed record RegisterRequest
{
    /// <summary><c>m.login.application_service</c>, of application services; else null.</summary>
    public string? Type { get; init; }

    /// <summary>What application services called <see cref="Username"/> before.</summary>
    public string? User { get; init; }

    public string? Username { get; init; }

    public string? Password { get; init; }

    public string? DeviceId { get; init; }

    public string? InitialDeviceDisplayName { get; init; }

    public bool? InhibitLogin { get; init; }

    /// <summary>The access token of the guest whose account is to be made the user's.</summary>
    public string? GuestAccessToken { get; init; }

    /// <summary>The client can refresh tokens.</summary>
    public bool? RefreshToken { get; init; }

    /// <summary>What a session keeps: all of it is short.</summary>
    public RegisterRequest ToRemember() => this with { Type = null, User = null, GuestAccessToken = null };

    /// <summary>With what an earlier request said where this one says nothing.</summary>
    public RegisterRequest Completed(RegisterRequest? earlier) => earlier is null ? this : this with
    {
        Username = Username ?? earlier.Username,
        Password = Password ?? earlier.Password,
        DeviceId = DeviceId ?? earlier.DeviceId,
        InitialDeviceDisplayName = InitialDeviceDisplayName ?? earlier.InitialDeviceDisplayName,
        InhibitLogin = InhibitLogin ?? earlier.InhibitLogin,
        RefreshToken = RefreshToken ?? earlier.RefreshToken,
    };
}

internal sealed record RegisterResponse(string UserId, string HomeServer)
{
    public string? AccessToken { get; init; }

    public string? DeviceId { get; init; }

    public string? RefreshToken { get; init; }

    public long? ExpiresInMs { get; init; }
}

internal sealed record UsernameAvailable(bool Available);
