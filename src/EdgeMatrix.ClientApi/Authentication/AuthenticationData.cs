using System.Text.Json.Serialization;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>The <c>auth</c> of a request that needs user-interactive authentication.</summary>
/// <param name="Type">The stage to pass; null to ask how the session stands.</param>
/// <param name="Session">Null for a stage that needs no session.</param>
/// <param name="User">What <c>identifier</c> was called before.</param>
internal sealed record AuthenticationData(
    string? Type = null, string? Session = null, UserIdentifier? Identifier = null, string? User = null, string? Password = null)
{
    /// <summary>Of <c>m.login.registration_token</c>.</summary>
    public string? Token { get; init; }

    /// <summary>Of <c>m.login.email.identity</c>.</summary>
    public ThreePidCredentials? ThreepidCreds { get; init; }

    /// <summary>What <see cref="ThreepidCreds"/> was called before.</summary>
    [JsonPropertyName("threepidCreds")]
    public ThreePidCredentials? OldThreepidCreds { get; init; }
}

/// <summary>A session in which an address was proved.</summary>
internal sealed record ThreePidCredentials(string Sid, string ClientSecret);

/// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#identifier-types</summary>
internal sealed record UserIdentifier(string Type)
{
    public const string MatrixId = "m.id.user";

    public const string ThirdParty = "m.id.thirdparty";

    /// <summary>A user id or a localpart; only of <see cref="MatrixId"/>.</summary>
    public string? User { get; init; }

    /// <summary>Only of <see cref="ThirdParty"/>, as is <see cref="Address"/>.</summary>
    public string? Medium { get; init; }

    public string? Address { get; init; }
}

internal static class AuthenticationTypes
{
    /// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#password-based</summary>
    public const string Password = "m.login.password";

    /// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#legacy-login</summary>
    public const string Token = "m.login.token";

    /// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#appservice-login</summary>
    public const string AppService = "m.login.application_service";

    /// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#token-authenticated-registration</summary>
    public const string RegistrationToken = "m.login.registration_token";

    /// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#email-based-identity--homeserver</summary>
    public const string Email = "m.login.email.identity";

    /// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#terms-of-service-at-registration</summary>
    public const string Terms = "m.login.terms";

    /// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#dummy-auth</summary>
    public const string Dummy = "m.login.dummy";
}
