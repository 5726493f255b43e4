using EdgeMatrix.Delivery.Mail;

namespace EdgeMatrix.Configuration;

/// <summary>How mail is sent, as it is configured.</summary>
public sealed record EmailSettings
{
    /// <summary>The relay, as <c>host:port</c>; null: this server sends no mail.</summary>
    public string? Smtp { get; init; }

    /// <summary>The sender; null: <c>noreply</c> at the host of the server's name.</summary>
    public string? From { get; init; }

    public string? User { get; init; }

    public string? Password { get; init; }

    public SmtpSecurity Tls { get; init; }

    public IReadOnlyList<string> NextLinks { get; init; } = [];

    public bool HideAccounts { get; init; }

    /// <summary>Host and port; null if that is not what the text is.</summary>
    internal static (string Host, int Port)? ReadRelay(string text) =>
        Uri.TryCreate($"smtp-relay://{text}", UriKind.Absolute, out var url) && url.Port > 0 && url.UserInfo.Length == 0
        && url.PathAndQuery is "" or "/" && url.IdnHost.Length > 0
            ? (url.IdnHost, url.Port)
            : null;

    /// <param name="baseUrl">Of the configuration: where links in mails lead.</param>
    /// <returns>Null: no mail is sent.</returns>
    internal EmailOptions? ToOptions(string? baseUrl, string serverName) => Smtp is null ? null : ReadRelay(Smtp) is { } relay && baseUrl is not null
        ? new EmailOptions(relay.Host, relay.Port, From ?? SenderAt(serverName), baseUrl.TrimEnd('/'))
        {
            User = User, Password = Password, Security = Tls, NextLinks = NextLinks, HideAccounts = HideAccounts,
        }
        : throw new InvalidOperationException("email.smtp needs server.public_baseurl");

    // A server may go by a name that no mail comes from, such as an IPv6 address.
    private static string SenderAt(string serverName)
    {
        var sender = $"noreply@{serverName.Split(':')[0]}";
        return EmailOptions.ReadFrom(sender) is null ? "noreply@localhost" : sender;
    }
}
