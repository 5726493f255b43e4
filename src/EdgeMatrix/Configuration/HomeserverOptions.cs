using System.Net;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Accounts.Notices;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.ClientApi;
using EdgeMatrix.ClientApi.Voip;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Delivery.Push;
using EdgeMatrix.Federation;
using EdgeMatrix.Rooms.Policy;
using Microsoft.Extensions.Logging;

namespace EdgeMatrix.Configuration;

/// <summary>Everything that can be chosen about a homeserver, with every default stated here. <see cref="ConfigKeys"/> says how each is written.</summary>
public sealed record HomeserverOptions
{
    public ServerOptions Server { get; init; } = new();
    public TlsOptions Tls { get; init; } = new();
    public NetworkOptions Network { get; init; } = new();
    public FederationOptions Federation { get; init; } = new();
    public RegistrationOptions Registration { get; init; } = new();
    public EmailSettings Email { get; init; } = new();
    public LoginOptions Login { get; init; } = new();
    public SupportOptions Support { get; init; } = new();
    public NoticesOptions Notices { get; init; } = new(null, "Server notices", "Server notices");
    public RoomOptions Rooms { get; init; } = new();
    public RetentionOptions Retention { get; init; } = new();
    public RateLimits Limits { get; init; } = new();
    public PresenceOptions Presence { get; init; } = new();
    public TurnOptions Turn { get; init; } = new([], null, TimeSpan.FromDays(1));
    public PushOptions Push { get; init; } = new();
    public PolicyRules Policy { get; init; } = new();
    public AppServiceOptions AppServices { get; init; } = new();
    public MediaOptions Media { get; init; } = new();
    public SearchOptions Search { get; init; } = new();
    public StorageOptions Storage { get; init; } = new();
    public MemoryOptions Memory { get; init; } = new();
    public AdminOptions Admin { get; init; } = new();
    public LogOptions Log { get; init; } = new();
}

public sealed record ServerOptions
{
    /// <summary>What follows the colon of every user id; null: the one in the data folder, or at the first start a key-derived one.</summary>
    public string? Name { get; init; }

    /// <summary>An http or https URL; null: clients are told no base URL.</summary>
    public string? PublicBaseUrl { get; init; }

    /// <summary>URLs, at least one: see <see cref="Serving.Listener"/>.</summary>
    public IReadOnlyList<string> Listen { get; init; } = ["http://0.0.0.0:8008"];

    /// <summary>The folder of the database and of a self-made certificate.</summary>
    public string Data { get; init; } = "./edgematrix-data";
}

/// <summary>The certificate of <c>https://</c> listeners, as PEM files; both null: a self-signed one is made.</summary>
public sealed record TlsOptions
{
    public string? Cert { get; init; }
    public string? Key { get; init; }
}

public sealed record NetworkOptions
{
    /// <summary>Addresses and ranges that requests for users may go to besides the public internet. See <see cref="Outbound.AddressPolicy"/>.</summary>
    public IReadOnlyList<string> Allow { get; init; } = [];
}

public sealed record FederationOptions
{
    /// <summary>Whether this server talks to others.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Where others reach this server, as <c>HOST</c> or <c>HOST:PORT</c>; null: at <see cref="ServerOptions.PublicBaseUrl"/>, or by its name.</summary>
    public string? Address { get; init; }

    /// <summary>A PEM file with authorities that are trusted besides the system's; null: none are.</summary>
    public string? CaFile { get; init; }

    /// <summary>Whether the certificates of other servers must hold.</summary>
    public bool VerifyTls { get; init; } = true;

    /// <summary>The URL of the HTTP proxy that requests to other servers go through; null: none.</summary>
    public string? Proxy { get; init; }

    /// <summary>Servers by name that are at an address, as <c>127.0.0.1:8448</c>, whatever DNS says.</summary>
    public IReadOnlyDictionary<string, string> Hosts { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether requests may go to this machine and to private networks, as if <see cref="NetworkOptions.Allow"/> named them all.</summary>
    public bool AllowPrivateAddresses { get; init; }

    /// <summary>How long a server that failed once is left alone.</summary>
    public TimeSpan RetryMin { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a server that fails again and again is left alone at most.</summary>
    public TimeSpan RetryMax { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long another server may take to answer.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Servers that are asked for the keys of those which do not answer.</summary>
    public IReadOnlyList<string> TrustedKeyServers { get; init; } = ["matrix.org"];

    /// <param name="publicBaseUrl">Where clients reach this server, and others too unless it is said.</param>
    internal FederationSettings ToSettings(string? publicBaseUrl) => new()
    {
        Enabled = Enabled,
        Address = Address ?? (publicBaseUrl is { } url && new Uri(url) is { Scheme: "https" } at ? $"{at.Host}:{at.Port}" : null),
        Hosts = Hosts.ToDictionary(host => host.Key, host => IPEndPoint.Parse(host.Value)),
        RetryMin = RetryMin,
        RetryMax = RetryMax < RetryMin ? RetryMin : RetryMax,
        Timeout = Timeout,
        TrustedKeyServers = TrustedKeyServers,
    };
}

public sealed record RegistrationOptions
{
    /// <summary>Whether anyone who reaches the server may make an account.</summary>
    public bool Open { get; init; }

    /// <summary>Whether whoever has a registration token may make an account, where it is not open.</summary>
    public bool Tokens { get; init; }

    /// <summary>Whether anyone who reaches the server may come in as a guest.</summary>
    public bool Guests { get; init; }

    /// <summary>How long a guest may be away before the account is given up.</summary>
    public TimeSpan GuestsExpireAfter { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Documents that new users must accept, each as <see cref="TermsText"/> reads it.</summary>
    public IReadOnlyList<string> Terms { get; init; } = [];

    /// <summary>Whether new users prove an e-mail address; none do where no mail is sent.</summary>
    public EmailAtRegistration Email { get; init; } = EmailAtRegistration.Optional;

    /// <summary>The key of Synapse's <c>/_synapse/admin/v1/register</c>; null: that endpoint is off.</summary>
    public string? SharedSecret { get; init; }
}

public sealed record LoginOptions
{
    /// <summary>Whether users may make tokens that let another device of theirs in.</summary>
    public bool Tokens { get; init; }
}

/// <summary>What <c>/.well-known/matrix/support</c> says; without either, nothing.</summary>
public sealed record SupportOptions
{
    /// <summary>Whom users turn to, each as <see cref="SupportText"/> reads it.</summary>
    public IReadOnlyList<string> Contacts { get; init; } = [];

    /// <summary>The URL of a page that helps users.</summary>
    public string? Page { get; init; }
}

public sealed record RoomOptions
{
    public string DefaultVersion { get; init; } = "12";

    /// <summary>Whether leaving a room, or being made to, is forgetting it.</summary>
    public bool ForgetOnLeave { get; init; }

    /// <summary>How long a room is kept that every user of this server has left and forgotten.</summary>
    public TimeSpan PurgeForgottenAfter { get; init; } = TimeSpan.FromDays(7);
}

/// <summary>How long messages live. See <see cref="Rooms.History.RetentionPolicy"/>.</summary>
public sealed record RetentionOptions
{
    public bool Enabled { get; init; }
    public TimeSpan? DefaultLifetime { get; init; }
    public TimeSpan? ShortestLifetime { get; init; }
    public TimeSpan? LongestLifetime { get; init; }
}

public sealed record PresenceOptions
{
    /// <summary>Whether users are told who of those they share rooms with is there.</summary>
    public bool Enabled { get; init; } = true;
}

public sealed record PushOptions
{
    /// <summary>What the number counts that push gateways are told.</summary>
    public BadgeCount Badge { get; init; } = BadgeCount.Messages;
}

public sealed record AppServiceOptions
{
    /// <summary>Registration files of application services.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>What stands in them, once they were read.</summary>
    public IReadOnlyList<AppServiceRegistration> Registrations { get; init; } = [];
}

public sealed record MediaOptions
{
    /// <summary>The largest file that may be uploaded, in bytes.</summary>
    public long MaxUpload { get; init; } = 50 * 1024 * 1024;

    /// <summary>How many bytes the files of one user may have together; null: any number.</summary>
    public long? UserQuota { get; init; }

    /// <summary>How many bytes all thumbnails may have together; those that were not asked for the longest go.</summary>
    public long ThumbnailCache { get; init; } = 64 * 1024 * 1024;

    /// <summary>Whether users may ask for previews of URLs, which the server then fetches.</summary>
    public bool UrlPreviews { get; init; }

    /// <summary>How many bytes the pictures of previews may have together; those that were not asked for the longest go.</summary>
    public long PreviewCache { get; init; } = 64 * 1024 * 1024;

    /// <summary>How many bytes media of other servers may have together; those that were not asked for the longest go.</summary>
    public long RemoteCache { get; init; } = 1024 * 1024 * 1024;

    /// <summary>How long media of other servers stay that nobody asks for; null: as long as there is room.</summary>
    public TimeSpan? RemoteLifetime { get; init; }
}

public sealed record SearchOptions
{
    /// <summary>Whether users may search their rooms; the words of messages are indexed for that.</summary>
    public bool Enabled { get; init; } = true;
}

public sealed record StorageOptions
{
    public Durability Durability { get; init; } = Durability.Full;

    /// <summary>With <see cref="Durability.Relaxed"/>: how much acknowledged writing a power cut may lose, in time; null: up to 4 MiB of log.</summary>
    public TimeSpan? FlushInterval { get; init; }

    /// <summary>Bytes of the database beyond which old messages are deleted; null: none are.</summary>
    public long? Limit { get; init; }

    /// <summary>Bytes of the messages of one room beyond which its old ones are deleted; null: none are.</summary>
    public long? RoomLimit { get; init; }
}

public sealed record MemoryOptions
{
    /// <summary>Bytes that the process shall not exceed, resident; null: what the cgroup allows, else a quarter of the machine's.</summary>
    public long? Limit { get; init; }
}

/// <summary>When a write is acknowledged.</summary>
public enum Durability
{
    /// <summary>Once it is on disk: a power cut loses nothing acknowledged.</summary>
    Full,

    /// <summary>Once the operating system has it: a power cut may lose the last moments, never consistency. Spares SD cards.</summary>
    Relaxed,
}

public sealed record AdminOptions
{
    /// <summary>The bearer token of <c>/metrics</c>; null: only this machine may read it.</summary>
    public string? Token { get; init; }
}

public sealed record LogOptions
{
    public LogLevel Level { get; init; } = LogLevel.Information;
    public LogFormat Format { get; init; } = LogFormat.Text;
}

public enum LogFormat
{
    Text,

    /// <summary>One JSON object a line.</summary>
    Json,
}
