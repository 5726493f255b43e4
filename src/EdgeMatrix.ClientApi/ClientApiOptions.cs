namespace EdgeMatrix.ClientApi;

/// <summary>What the configuration decides about the Client-Server API.</summary>
public sealed record ClientApiOptions
{
    /// <summary>Where clients find this server, for <c>.well-known/matrix/client</c>; null: clients are told nothing.</summary>
    public string? PublicBaseUrl { get; init; }

    /// <summary>Whom users of this server turn to, for <c>.well-known/matrix/support</c>.</summary>
    public IReadOnlyList<Discovery.SupportContact> SupportContacts { get; init; } = [];

    /// <summary>The URL of a page that helps users of this server; null: there is none.</summary>
    public string? SupportPage { get; init; }

    /// <summary>Anybody may make an account.</summary>
    public bool RegistrationOpen { get; init; }

    /// <summary>Whoever has a registration token may make an account.</summary>
    public bool RegistrationTokens { get; init; }

    /// <summary>Anybody may make an account of a guest.</summary>
    public bool Guests { get; init; }

    /// <summary>Documents that new users must accept.</summary>
    public IReadOnlyList<Authentication.TermsPolicy> Terms { get; init; } = [];

    /// <summary>Whether new users prove an e-mail address.</summary>
    public EmailAtRegistration RegistrationEmail { get; init; }

    internal bool MayRegister => RegistrationOpen || RegistrationTokens;

    /// <summary>Users may make tokens that let another device of theirs in.</summary>
    public bool LoginTokens { get; init; }

    /// <summary>Whoever leaves a room has forgotten it.</summary>
    public bool ForgetOnLeave { get; init; }

    /// <summary>Users may ask for previews of URLs.</summary>
    public bool UrlPreviews { get; init; }

    /// <summary>The version of new rooms.</summary>
    public string DefaultRoomVersion { get; init; } = Protocol.RoomVersions.RoomVersions.Default;
}

/// <summary>Whether new users prove an e-mail address.</summary>
public enum EmailAtRegistration
{
    Off,
    Optional,
    Required,
}
