using System.Buffers;
using System.Text.Json;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.ThirdPartyIdentifiers;

/// <summary>Asking for a mail that proves an address: to register, to set a new password, or to add it to an account.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information</remarks>
internal static class EmailRequests
{
    // "It must consist of the characters [0-9a-zA-Z.=_-]. Its length must not exceed 255 characters and it must not be empty."
    private const int MaxSecretLength = 255;
    private const int MaxNextLinkLength = 2_000;

    private static readonly SearchValues<char> _secret =
        SearchValues.Create("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.=_-");

    /// <summary><c>POST /_matrix/client/v3/register/email/requestToken</c></summary>
    public static Task<IResult> ToRegister(HttpRequest request, EmailValidation emails, RateLimiter limiter, ClientApiOptions options) =>
        options.MayRegister && options.RegistrationEmail != EmailAtRegistration.Off
            ? BeginAsync(EmailPurpose.Register, request, emails, limiter)
            : Task.FromResult<IResult>(MatrixError.ThreepidDenied("This server asks for no e-mail address of new users"));

    /// <summary><c>POST /_matrix/client/v3/account/password/email/requestToken</c></summary>
    public static Task<IResult> ToResetPassword(HttpRequest request, EmailValidation emails, RateLimiter limiter) =>
        BeginAsync(EmailPurpose.ResetPassword, request, emails, limiter);

    /// <summary><c>POST /_matrix/client/v3/account/3pid/email/requestToken</c></summary>
    public static Task<IResult> ToAdd(HttpRequest request, EmailValidation emails, RateLimiter limiter) =>
        BeginAsync(EmailPurpose.Add, request, emails, limiter);

    /// <summary><c>POST …/msisdn/requestToken</c>, whatever the token would be for.</summary>
    public static IResult OfPhone() => MatrixError.ThreepidDenied("This server proves no phone numbers");

    /// <summary>Null if the secret is in the grammar.</summary>
    public static MatrixError? RefuseSecret(string secret) =>
        secret.Length is 0 or > MaxSecretLength || secret.AsSpan().ContainsAnyExcept(_secret)
            ? MatrixError.InvalidParam($"client_secret has 1 to {MaxSecretLength} characters of 0-9, a-z, A-Z, . = _ and -")
            : null;

    private static async Task<IResult> BeginAsync(EmailPurpose purpose, HttpRequest request, EmailValidation emails, RateLimiter limiter)
    {
        if (emails.Options is not { } options)
        {
            return MatrixError.ThreepidDenied("This server proves no e-mail addresses");
        }

        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        if (JsonContent.Text(body, "client_secret") is not { } secret)
        {
            return MatrixError.MissingParam("client_secret");
        }

        if (JsonContent.Text(body, "email") is not { } email)
        {
            return MatrixError.MissingParam("email");
        }

        if (!body.TryGetProperty("send_attempt"u8, out var given) || given.ValueKind != JsonValueKind.Number || !given.TryGetInt64(out var attempt))
        {
            return MatrixError.MissingParam("send_attempt, an integer,");
        }

        var nextLink = JsonContent.Text(body, "next_link");
        if ((RefuseSecret(secret) ?? RefuseNextLink(nextLink, options)) is { } refused)
        {
            return refused;
        }

        if (EmailAddress.Canonical(email) is not { } address)
        {
            return MatrixError.InvalidParam("email is no address that this server writes to");
        }

        // So that nobody's mailbox is filled, from however many addresses of the network it is tried.
        if (limiter.Count(RateKind.Email, address) is { } wait)
        {
            return MatrixError.LimitExceeded("Too many mails to that address", wait);
        }

        if (!await emails.TakesAsync(address, request.HttpContext.RequestAborted))
        {
            return MatrixError.InvalidParam("The mail server of this server takes only addresses in ASCII");
        }

        var (sid, verdict) = await emails.BeginAsync(purpose, address, secret, attempt, nextLink);
        return verdict switch
        {
            EmailVerdict.Done => JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("sid"u8, sid);
                json.WriteString("submit_url"u8, emails.SubmitUrl);
                json.WriteEndObject();
            }),
            EmailVerdict.InUse => MatrixError.ThreepidInUse(),
            EmailVerdict.NotFound => MatrixError.ThreepidNotFound(),
            _ => MatrixError.LimitExceeded("Too many mails are on their way"),
        };
    }

    private static MatrixError? RefuseNextLink(string? link, EmailOptions options) =>
        link is null ? null
        : link.Length > MaxNextLinkLength || !Uri.TryCreate(link, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https")
            ? MatrixError.InvalidParam("next_link is no URL of http or https")
        : options.NextLinks.Count > 0 && !options.NextLinks.Contains(url.IdnHost, StringComparer.OrdinalIgnoreCase)
            ? MatrixError.InvalidParam("next_link leads to a host that this server sends nobody to")
            : null;
}
