using EdgeMatrix.Accounts;
using EdgeMatrix.Accounts.Registration;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.Rooms;
using Microsoft.AspNetCore.Http;
using static EdgeMatrix.Api.JsonBody;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>Registration by who knows the shared secret, open or not: for scripts and test suites.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/register_api.html</remarks>
internal static class SharedSecret
{
    /// <summary><c>GET /_synapse/admin/v1/register</c></summary>
    public static IResult GetNonce(SharedSecretSetting setting) => setting.Registration is { } registration
        ? Json(new SharedSecretNonce(registration.NewNonce()), ClientApiJson.Default.SharedSecretNonce)
        : Disabled();

    /// <summary><c>POST /_synapse/admin/v1/register</c></summary>
    public static async Task<IResult> Register(
        HttpRequest request, SharedSecretSetting setting, UserAccounts accounts, Logins logins, LocalServer server)
    {
        if (setting.Registration is not { } registration)
        {
            return Disabled();
        }

        var (wanted, error) = await request.ReadJsonAsync(ClientApiJson.Default.SharedSecretRequest);
        if (error is not null)
        {
            return error;
        }

        var admin = wanted!.Admin is true;
        switch (registration.Check(wanted.Nonce, wanted.Username, wanted.Password, admin, wanted.UserType, wanted.Mac))
        {
            case SharedSecretVerdict.UnknownNonce:
                return MatrixError.BadRequest("unrecognised nonce");
            case SharedSecretVerdict.WrongMac:
                return MatrixError.Forbidden("HMAC incorrect");
        }

        if (Passwords.Refuse(wanted.Password, "password") is { } weak)
        {
            return weak;
        }

        var (account, verdict) = await accounts.AddAsync(wanted.Username, wanted.Password, admin, request.HttpContext.RequestAborted);
        return account is null
            ? Registration.Refuse(verdict)!
            : await Registration.AnswerAsync(account, new RegisterRequest { InhibitLogin = wanted.InhibitLogin }, logins, server);
    }

    private static MatrixError Disabled() => MatrixError.BadRequest("Shared secret registration is not enabled");
}

/// <param name="Registration">Null where the configuration has no secret.</param>
public sealed record SharedSecretSetting(SharedSecretRegistration? Registration);

internal sealed record SharedSecretNonce(string Nonce);

internal sealed record SharedSecretRequest(string Nonce, string Username, string Password, string Mac)
{
    public bool? Admin { get; init; }

    public string? UserType { get; init; }

    public bool? InhibitLogin { get; init; }
}
