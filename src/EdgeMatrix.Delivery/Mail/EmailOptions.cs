namespace EdgeMatrix.Delivery.Mail;

public enum SmtpSecurity
{
    /// <summary>As the port has it: 465 is TLS from the start, 587 must be secured by STARTTLS, others are where the relay offers it.</summary>
    Auto,

    Off,

    StartTls,

    Tls,
}

/// <summary>How mail leaves this server.</summary>
/// <param name="Host">The relay.</param>
/// <param name="From">The sender: <c>address</c> or <c>Name &lt;address&gt;</c>.</param>
/// <param name="BaseUrl">Where links in mails lead: this server, as browsers reach it; without a slash at the end.</param>
public sealed record EmailOptions(string Host, int Port, string From, string BaseUrl)
{
    /// <summary>Null: the relay asks for no password.</summary>
    public string? User { get; init; }

    public string? Password { get; init; }

    public SmtpSecurity Security { get; init; }

    /// <summary>The hosts that a validated address may lead on to; none: any, and then the user follows the link themselves.</summary>
    public IReadOnlyList<string> NextLinks { get; init; } = [];

    /// <summary>Whether nobody is told which addresses have accounts here.</summary>
    public bool HideAccounts { get; init; }

    /// <summary>The address of <see cref="From"/> and the name before it, if any; null if it cannot be read.</summary>
    public static (string Address, string? Name)? ReadFrom(string from)
    {
        var open = from.IndexOf('<', StringComparison.Ordinal);
        var (address, name) = open >= 0 && from.EndsWith('>')
            ? (from[(open + 1)..^1], from[..open].Trim().Trim('"'))
            : (from.Trim(), "");
        return EmailAddress.Canonical(address) is { } canonical ? (canonical, name.Length == 0 ? null : name) : null;
    }
}
