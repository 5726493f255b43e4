using System.Net;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.ClientApi;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Delivery.Push;
using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Serving;
using EdgeMatrix.Storage.Memory;
using Microsoft.Extensions.Logging;

namespace EdgeMatrix.Configuration;

/// <summary>Every key there is, in the order that <c>edgematrix config</c> prints them.</summary>
internal static class ConfigKeys
{
    public static readonly IReadOnlyList<ConfigKey> All =
    [
        ConfigKey.Text(
            "server.name",
            "What follows the colon of every user id; cannot change later. Without it: derived from the server's key.",
            options => options.Server.Name,
            (options, name) => options with { Server = options.Server with { Name = name } },
            RefuseServerName),
        ConfigKey.Text(
            "server.public_baseurl",
            "The URL that clients reach this server at, as /.well-known/matrix/client tells them.",
            options => options.Server.PublicBaseUrl,
            (options, url) => options with { Server = options.Server with { PublicBaseUrl = url } },
            RefuseBaseUrl),
        ConfigKey.List(
            "server.listen",
            "Addresses to listen on: http://IP:PORT or https://IP:PORT; port 0 takes a free one.",
            options => options.Server.Listen,
            (options, urls) => options with { Server = options.Server with { Listen = urls } },
            url => Listener.TryParse(url, out _, out var problem) ? null : problem),
        ConfigKey.Text(
            "server.data",
            "The folder that holds everything the server must keep.",
            options => options.Server.Data,
            (options, folder) => options with { Server = options.Server with { Data = folder } },
            RefuseEmpty),
        ConfigKey.Text(
            "tls.cert",
            "PEM file with the certificate of https:// listeners, and its chain. Without it: a self-signed one is made.",
            options => options.Tls.Cert,
            (options, file) => options with { Tls = options.Tls with { Cert = file } },
            RefuseEmpty),
        ConfigKey.Text(
            "tls.key",
            "PEM file with the private key of tls.cert.",
            options => options.Tls.Key,
            (options, file) => options with { Tls = options.Tls with { Key = file } },
            RefuseEmpty),
        ConfigKey.List(
            "network.allow",
            "Addresses or ranges, as 192.168.0.0/16, that the server may connect to for users besides the public internet.",
            options => options.Network.Allow,
            (options, ranges) => options with { Network = options.Network with { Allow = ranges } },
            range => AddressPolicy.TryParse(range) is null ? $"{Toml.Write(range)} is no address, and no range such as 192.168.0.0/16" : null,
            mayBeEmpty: true),
        ConfigKey.Flag(
            "federation.enabled",
            "Whether this server talks to other servers.",
            options => options.Federation.Enabled,
            (options, enabled) => options with { Federation = options.Federation with { Enabled = enabled } }),
        ConfigKey.Text(
            "federation.address",
            "Where other servers reach this one, as HOST or HOST:PORT, as /.well-known/matrix/server tells. Without it: where server.public_baseurl is.",
            options => options.Federation.Address,
            (options, address) => options with { Federation = options.Federation with { Address = address } },
            address => ServerName.IsValid(address) ? null : $"{Toml.Write(address)} is neither a host nor HOST:PORT"),
        ConfigKey.Text(
            "federation.ca_file",
            "PEM file with certificate authorities that other servers may have their certificates from, besides those the system trusts.",
            options => options.Federation.CaFile,
            (options, file) => options with { Federation = options.Federation with { CaFile = file } },
            RefuseEmpty),
        ConfigKey.Flag(
            "federation.verify_tls",
            "Whether the certificates of other servers must hold; false for tests only.",
            options => options.Federation.VerifyTls,
            (options, verify) => options with { Federation = options.Federation with { VerifyTls = verify } }),
        ConfigKey.Text(
            "federation.proxy",
            "The HTTP proxy that requests to other servers go through, as http://HOST:PORT.",
            options => options.Federation.Proxy,
            (options, url) => options with { Federation = options.Federation with { Proxy = url } },
            RefuseBaseUrl),
        ConfigKey.Table(
            "federation.hosts",
            "NAME",
            "Servers that are at an address, \"IP:PORT\", whatever DNS says of their name.",
            options => options.Federation.Hosts,
            (options, hosts) => options with { Federation = options.Federation with { Hosts = hosts } },
            (name, address) => !ServerName.IsValid(name) ? $"{Toml.Write(name)} is no server name"
                : IPEndPoint.TryParse(address, out var at) && at.Port > 0 ? null
                : $"must be IP:PORT, as in \"192.168.1.7:8448\", not {Toml.Write(address)}"),
        ConfigKey.Flag(
            "federation.allow_private_addresses",
            "Whether the server may connect to itself and to private networks for users and other servers, as if network.allow named them all.",
            options => options.Federation.AllowPrivateAddresses,
            (options, allow) => options with { Federation = options.Federation with { AllowPrivateAddresses = allow } }),
        ConfigKey.Time(
            "federation.retry_min",
            "How long a server that failed once is left alone, unless it is heard from before; twice as long each time.",
            options => options.Federation.RetryMin,
            (options, time) => options with { Federation = options.Federation with { RetryMin = time } }),
        ConfigKey.Time(
            "federation.retry_max",
            "How long it is left alone at most.",
            options => options.Federation.RetryMax,
            (options, time) => options with { Federation = options.Federation with { RetryMax = time } }),
        ConfigKey.Time(
            "federation.timeout",
            "How long another server may take to answer.",
            options => options.Federation.Timeout,
            (options, time) => options with { Federation = options.Federation with { Timeout = time } }),
        ConfigKey.List(
            "federation.trusted_key_servers",
            "Servers that are asked for the signing keys of those which do not answer.",
            options => options.Federation.TrustedKeyServers,
            (options, servers) => options with { Federation = options.Federation with { TrustedKeyServers = servers } },
            name => ServerName.IsValid(name) ? null : $"{Toml.Write(name)} is no server name",
            mayBeEmpty: true),
        ConfigKey.Flag(
            "registration.open",
            "Whether anyone who reaches this server may make an account.",
            options => options.Registration.Open,
            (options, open) => options with { Registration = options.Registration with { Open = open } }),
        ConfigKey.Flag(
            "registration.tokens",
            "Whether whoever has a registration token may make an account, where registration is not open.",
            options => options.Registration.Tokens,
            (options, tokens) => options with { Registration = options.Registration with { Tokens = tokens } }),
        ConfigKey.Flag(
            "registration.guests",
            "Whether anyone who reaches this server may come in as a guest: without an account of their own, into rooms that let guests in.",
            options => options.Registration.Guests,
            (options, guests) => options with { Registration = options.Registration with { Guests = guests } }),
        ConfigKey.Time(
            "registration.guests_expire_after",
            "How long a guest may be away before the account is given up.",
            options => options.Registration.GuestsExpireAfter,
            (options, time) => options with { Registration = options.Registration with { GuestsExpireAfter = time } }),
        ConfigKey.List(
            "registration.terms",
            "Documents that new users must accept, each \"ID VERSION LANGUAGE URL NAME\".",
            options => options.Registration.Terms,
            (options, terms) => options with { Registration = options.Registration with { Terms = terms } },
            TermsText.Refuse,
            mayBeEmpty: true),
        ConfigKey.Choice(
            "registration.email",
            "Whether new users prove an e-mail address, where email.smtp is given: \"off\", \"optional\" or \"required\".",
            [("off", EmailAtRegistration.Off), ("optional", EmailAtRegistration.Optional), ("required", EmailAtRegistration.Required)],
            options => options.Registration.Email,
            (options, email) => options with { Registration = options.Registration with { Email = email } }),
        ConfigKey.Text(
            "registration.shared_secret",
            "Enables /_synapse/admin/v1/register for those who know it.",
            options => options.Registration.SharedSecret,
            (options, secret) => options with { Registration = options.Registration with { SharedSecret = secret } },
            RefuseEmpty,
            secret: true),
        ConfigKey.Text(
            "email.smtp",
            "The mail server that mail is handed to, as HOST:PORT. Without it: no mail is sent, and no e-mail address proved.",
            options => options.Email.Smtp,
            (options, relay) => options with { Email = options.Email with { Smtp = relay } },
            relay => EmailSettings.ReadRelay(relay) is null ? $"must be HOST:PORT, as in \"mail.example.org:587\", not {Toml.Write(relay)}" : null),
        ConfigKey.Text(
            "email.from",
            "The sender of mails: an address, or \"Name <address>\". Without it: noreply at the host of server.name.",
            options => options.Email.From,
            (options, from) => options with { Email = options.Email with { From = from } },
            from => EmailOptions.ReadFrom(from) is null ? $"must be an address or \"Name <address>\", not {Toml.Write(from)}" : null),
        ConfigKey.Text(
            "email.user",
            "The name that the mail server knows this one by. Without it: it asks for none.",
            options => options.Email.User,
            (options, user) => options with { Email = options.Email with { User = user } },
            RefuseEmpty),
        ConfigKey.Text(
            "email.password",
            "The password of email.user.",
            options => options.Email.Password,
            (options, password) => options with { Email = options.Email with { Password = password } },
            RefuseEmpty,
            secret: true),
        ConfigKey.Choice(
            "email.tls",
            "\"tls\" from the start, \"starttls\" or nothing is sent, \"off\", or \"auto\": tls at port 465, starttls at 587, else where it is offered.",
            [("auto", SmtpSecurity.Auto), ("off", SmtpSecurity.Off), ("starttls", SmtpSecurity.StartTls), ("tls", SmtpSecurity.Tls)],
            options => options.Email.Tls,
            (options, tls) => options with { Email = options.Email with { Tls = tls } }),
        ConfigKey.List(
            "email.next_links",
            "Hosts that users are sent on to once an address is proved. Without it: any, by a link that they follow themselves.",
            options => options.Email.NextLinks,
            (options, hosts) => options with { Email = options.Email with { NextLinks = hosts } },
            host => Uri.CheckHostName(host) == UriHostNameType.Unknown ? $"{Toml.Write(host)} is no host name" : null,
            mayBeEmpty: true),
        ConfigKey.Flag(
            "email.hide_accounts",
            "Whether whoever asks for a mail is not told if an account has the address: only the mail says so.",
            options => options.Email.HideAccounts,
            (options, hide) => options with { Email = options.Email with { HideAccounts = hide } }),
        ConfigKey.Flag(
            "login.tokens",
            "Whether users may, with their password, make tokens that let another device of theirs in (/login/get_token).",
            options => options.Login.Tokens,
            (options, tokens) => options with { Login = options.Login with { Tokens = tokens } }),
        ConfigKey.List(
            "support.contacts",
            "Whom users turn to, each \"ROLE CONTACT\" or \"ROLE CONTACT CONTACT\", as /.well-known/matrix/support tells.",
            options => options.Support.Contacts,
            (options, contacts) => options with { Support = options.Support with { Contacts = contacts } },
            SupportText.Refuse,
            mayBeEmpty: true),
        ConfigKey.Text(
            "support.page",
            "The URL of a page that helps users, as /.well-known/matrix/support tells.",
            options => options.Support.Page,
            (options, url) => options with { Support = options.Support with { Page = url } },
            RefuseBaseUrl),
        ConfigKey.Text(
            "notices.localpart",
            "What stands before the colon in the user id that notices of the server come from. Without it there are none.",
            options => options.Notices.Localpart,
            (options, localpart) => options with { Notices = options.Notices with { Localpart = localpart } },
            localpart => UserId.IsValidNewLocalpart(localpart) ? null : $"{Toml.Write(localpart)} is not of a-z, 0-9 and . _ = - / +"),
        ConfigKey.Text(
            "notices.name",
            "The display name of whoever sends notices.",
            options => options.Notices.Name,
            (options, name) => options with { Notices = options.Notices with { Name = name } },
            RefuseEmpty),
        ConfigKey.Text(
            "notices.room_name",
            "The name of the rooms in which users get notices.",
            options => options.Notices.RoomName,
            (options, name) => options with { Notices = options.Notices with { RoomName = name } },
            RefuseEmpty),
        ConfigKey.Choice(
            "rooms.default_version",
            "The room version of new rooms where the client asks for none.",
            [.. RoomVersions.All.Select(version => (version.Id, version.Id))],
            options => options.Rooms.DefaultVersion,
            (options, version) => options with { Rooms = options.Rooms with { DefaultVersion = version } }),
        ConfigKey.Flag(
            "rooms.forget_on_leave",
            "Whether a user who leaves a room, or is kicked or banned, forgets it at once.",
            options => options.Rooms.ForgetOnLeave,
            (options, forget) => options with { Rooms = options.Rooms with { ForgetOnLeave = forget } }),
        ConfigKey.Time(
            "rooms.purge_forgotten_after",
            "How long a room is kept that every user of this server has left and forgotten; then it is deleted.",
            options => options.Rooms.PurgeForgottenAfter,
            (options, time) => options with { Rooms = options.Rooms with { PurgeForgottenAfter = time } }),
        ConfigKey.Flag(
            "retention.enabled",
            "Whether messages expire: as their rooms' m.room.retention says, or retention.default_lifetime. State never does.",
            options => options.Retention.Enabled,
            (options, enabled) => options with { Retention = options.Retention with { Enabled = enabled } }),
        ConfigKey.Time(
            "retention.default_lifetime",
            "How long messages live in rooms that do not say. Without it: for ever.",
            options => options.Retention.DefaultLifetime,
            (options, time) => options with { Retention = options.Retention with { DefaultLifetime = time } }),
        ConfigKey.Time(
            "retention.shortest_lifetime",
            "A room that wants its messages to live for less gets this.",
            options => options.Retention.ShortestLifetime,
            (options, time) => options with { Retention = options.Retention with { ShortestLifetime = time } }),
        ConfigKey.Time(
            "retention.longest_lifetime",
            "A room that wants its messages to live for longer gets this.",
            options => options.Retention.LongestLifetime,
            (options, time) => options with { Retention = options.Retention with { LongestLifetime = time } }),
        ConfigKey.Choice(
            "limits.rate",
            "Whether who comes too often is told to wait: \"on\", or \"off\" for tests.",
            [("on", true), ("off", false)],
            options => options.Limits.Enabled,
            (options, enabled) => options with { Limits = options.Limits with { Enabled = enabled } }),
        Rate(
            "limits.other",
            "Whatever has no rate of its own, syncs too: of each user, and of each address that shows no token.",
            limits => limits.Other,
            (limits, rate) => limits with { Other = rate }),
        Rate(
            "limits.login",
            "Attempts to log in: of each address.",
            limits => limits.Login,
            (limits, rate) => limits with { Login = rate }),
        Rate(
            "limits.account",
            "Attempts to log in: to each account.",
            limits => limits.Account,
            (limits, rate) => limits with { Account = rate }),
        Rate(
            "limits.registration",
            "Attempts to make an account, two for each with most clients: of each address.",
            limits => limits.Registration,
            (limits, rate) => limits with { Registration = rate }),
        Rate(
            "limits.messages",
            "Events sent: of each user.",
            limits => limits.Message,
            (limits, rate) => limits with { Message = rate }),
        Rate(
            "limits.joins",
            "Joins, knocks and new rooms: of each user.",
            limits => limits.Join,
            (limits, rate) => limits with { Join = rate }),
        Rate(
            "limits.invites",
            "Invites: of each user.",
            limits => limits.Invite,
            (limits, rate) => limits with { Invite = rate }),
        Rate(
            "limits.media",
            "Uploads: of each user.",
            limits => limits.Media,
            (limits, rate) => limits with { Media = rate }),
        Rate(
            "limits.previews",
            "Previews of URLs: of each user.",
            limits => limits.Preview,
            (limits, rate) => limits with { Preview = rate }),
        Rate(
            "limits.servers",
            "Requests of other servers: of each server.",
            limits => limits.Server,
            (limits, rate) => limits with { Server = rate }),
        Rate(
            "limits.emails",
            "Mails that prove an address: asked for by one address of the network or one user, and to one e-mail address.",
            limits => limits.Email,
            (limits, rate) => limits with { Email = rate }),
        ConfigKey.Flag(
            "presence.enabled",
            "Whether users are told who of those they share rooms with is there.",
            options => options.Presence.Enabled,
            (options, enabled) => options with { Presence = options.Presence with { Enabled = enabled } }),
        ConfigKey.List(
            "turn.uris",
            "TURN servers for calls, as turn:turn.example.org?transport=udp.",
            options => options.Turn.Uris,
            (options, uris) => options with { Turn = options.Turn with { Uris = uris } },
            uri => uri.StartsWith("turn:", StringComparison.Ordinal) || uri.StartsWith("turns:", StringComparison.Ordinal)
                ? null
                : $"{Toml.Write(uri)} begins with neither turn: nor turns:",
            mayBeEmpty: true),
        ConfigKey.Text(
            "turn.shared_secret",
            "The secret that the TURN servers know too (coturn's static-auth-secret).",
            options => options.Turn.SharedSecret,
            (options, secret) => options with { Turn = options.Turn with { SharedSecret = secret } },
            RefuseEmpty,
            secret: true),
        ConfigKey.Time(
            "turn.lifetime",
            "How long credentials for the TURN servers are good.",
            options => options.Turn.Lifetime,
            (options, time) => options with { Turn = options.Turn with { Lifetime = time } }),
        ConfigKey.Choice(
            "push.badge",
            "What the number on the icon of an app counts: unread \"messages\", or \"rooms\" with some.",
            [("messages", BadgeCount.Messages), ("rooms", BadgeCount.Rooms)],
            options => options.Push.Badge,
            (options, badge) => options with { Push = options.Push with { Badge = badge } }),
        ConfigKey.List(
            "appservices",
            "Registration files (YAML) of application services: bridges and bots.",
            options => options.AppServices.Files,
            (options, files) => options with { AppServices = options.AppServices with { Files = files } },
            RefuseEmpty,
            mayBeEmpty: true),
        ConfigKey.Flag(
            "policy.enabled",
            "Whether this server is the policy server of rooms that name it, and signs what it recommends for them.",
            options => options.Policy.Enabled,
            (options, enabled) => options with { Policy = options.Policy with { Enabled = enabled } }),
        ConfigKey.List(
            "policy.words",
            "Patterns with * and ?: as a policy server, events with a text that has one in it are not recommended.",
            options => options.Policy.Words,
            (options, words) => options with { Policy = options.Policy with { Words = words } },
            word => word.Trim('*').Length == 0 ? $"{Toml.Write(word)} would be in every text" : null,
            mayBeEmpty: true),
        ConfigKey.Number(
            "policy.max_mentions",
            "How many users an event may mention that this server, as a policy server, recommends. Without it: any number.",
            1,
            10_000,
            options => options.Policy.MaxMentions,
            (options, most) => options with { Policy = options.Policy with { MaxMentions = most } }),
        ConfigKey.List(
            "policy.lists",
            "Ids of rooms with moderation policies, which users of this server are in: as a policy server, who is banned there is not recommended.",
            options => options.Policy.Lists,
            (options, lists) => options with { Policy = options.Policy with { Lists = lists } },
            list => RoomId.IsValid(list) ? null : $"{Toml.Write(list)} is no room ID",
            mayBeEmpty: true),
        ConfigKey.Size(
            "media.max_upload",
            "The largest file that a user may upload.",
            options => options.Media.MaxUpload,
            (options, bytes) => options with { Media = options.Media with { MaxUpload = bytes } }),
        ConfigKey.Size(
            "media.user_quota",
            "How large the files of one user may be together. Without it: any number.",
            options => options.Media.UserQuota,
            (options, bytes) => options with { Media = options.Media with { UserQuota = bytes } }),
        ConfigKey.Size(
            "media.thumbnail_cache",
            "How large all thumbnails may be together: those that were not asked for the longest go, and are made again when they are.",
            options => options.Media.ThumbnailCache,
            (options, bytes) => options with { Media = options.Media with { ThumbnailCache = bytes } }),
        ConfigKey.Flag(
            "media.url_previews",
            "Whether users may ask for previews of URLs, which the server then fetches.",
            options => options.Media.UrlPreviews,
            (options, previews) => options with { Media = options.Media with { UrlPreviews = previews } }),
        ConfigKey.Size(
            "media.preview_cache",
            "How large the pictures of URL previews may be together: those that were not asked for the longest go.",
            options => options.Media.PreviewCache,
            (options, bytes) => options with { Media = options.Media with { PreviewCache = bytes } }),
        ConfigKey.Size(
            "media.remote_cache",
            "How large the files of other servers may be together: those not asked for the longest go, and are fetched again when they are.",
            options => options.Media.RemoteCache,
            (options, bytes) => options with { Media = options.Media with { RemoteCache = bytes } }),
        ConfigKey.Time(
            "media.remote_lifetime",
            "How long files of other servers stay that nobody asks for. Without it: as long as there is room.",
            options => options.Media.RemoteLifetime,
            (options, lifetime) => options with { Media = options.Media with { RemoteLifetime = lifetime } }),
        ConfigKey.Flag(
            "search.enabled",
            "Whether users may search the messages of rooms that are not encrypted. Without it the index of words is deleted.",
            options => options.Search.Enabled,
            (options, enabled) => options with { Search = options.Search with { Enabled = enabled } }),
        ConfigKey.Choice(
            "storage.durability",
            "\"full\": acknowledged means on disk. \"relaxed\": a power cut may lose the last moments, never consistency.",
            [("full", Durability.Full), ("relaxed", Durability.Relaxed)],
            options => options.Storage.Durability,
            (options, durability) => options with { Storage = options.Storage with { Durability = durability } }),
        ConfigKey.Time(
            "storage.flush_interval",
            "With relaxed durability: a power cut loses no write that was acknowledged longer ago. Without it: up to 4 MiB of log; 0s: nothing.",
            options => options.Storage.FlushInterval,
            (options, interval) => options with { Storage = options.Storage with { FlushInterval = interval } }),
        ConfigKey.Size(
            "storage.limit",
            "How large the database may be: beyond, the oldest messages of the largest rooms are deleted, but for those of the last day.",
            options => options.Storage.Limit,
            (options, bytes) => options with { Storage = options.Storage with { Limit = bytes } }),
        ConfigKey.Size(
            "storage.room_limit",
            "How much the messages of one room may take: beyond, its oldest are deleted, but for those of the last day.",
            options => options.Storage.RoomLimit,
            (options, bytes) => options with { Storage = options.Storage with { RoomLimit = bytes } }),
        ConfigKey.SizeOrAuto(
            "memory.limit",
            "What the server may take of the memory, as 64MB. \"auto\": what its cgroup allows, else a quarter of the machine's.",
            MemoryBudget.MinLimit,
            1L << 40,
            options => options.Memory.Limit,
            (options, limit) => options with { Memory = options.Memory with { Limit = limit } }),
        ConfigKey.Text(
            "admin.token",
            "Bearer token that lets a machine read /metrics. Without it: only this machine may.",
            options => options.Admin.Token,
            (options, token) => options with { Admin = options.Admin with { Token = token } },
            RefuseEmpty,
            secret: true),
        ConfigKey.Choice(
            "log.level",
            "The least grave messages that are logged.",
            [
                ("trace", LogLevel.Trace), ("debug", LogLevel.Debug), ("information", LogLevel.Information),
                ("warning", LogLevel.Warning), ("error", LogLevel.Error),
            ],
            options => options.Log.Level,
            (options, level) => options with { Log = options.Log with { Level = level } }),
        ConfigKey.Choice(
            "log.format",
            "\"text\", or \"json\": one object a line.",
            [("text", LogFormat.Text), ("json", LogFormat.Json)],
            options => options.Log.Format,
            (options, format) => options with { Log = options.Log with { Format = format } }),
    ];

    private static ConfigKey Rate(string name, string doc, Func<RateLimits, Rate> read, Func<RateLimits, Rate, RateLimits> write) => ConfigKey.Text(
        name,
        doc,
        options => RateText.Write(read(options.Limits)),
        (options, text) => options with { Limits = write(options.Limits, RateText.Parse(text)!) },
        text => RateText.Parse(text) is null ? $"must be a rate such as \"10/s burst 200\" or \"3/m burst 20\", not {Toml.Write(text)}" : null);

    public static ConfigKey? Find(string name) => All.FirstOrDefault(key => key.EntryName is null && key.Name == name)
        ?? All.FirstOrDefault(key => key.EntryName is not null && name.StartsWith(key.Name + ".", StringComparison.Ordinal))?.Entry(name);

    /// <summary>The key that was probably meant, or null where none is near.</summary>
    public static string? Nearest(string name) => EditDistance.Nearest(name, All.Select(key => key.Name));

    private static string? RefuseEmpty(string text) => text.Length == 0 ? "must not be empty" : null;

    private static string? RefuseServerName(string name) =>
        !ServerName.IsValid(name) ? $"{Toml.Write(name)} is no server name: a host name or an IP address, then perhaps :PORT"
        : name.Length > ServerName.RecommendedMaxLength ? $"must not be longer than {ServerName.RecommendedMaxLength} characters"
        : null;

    private static string? RefuseBaseUrl(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https" && parsed.Query.Length == 0
            ? null
            : $"{Toml.Write(url)} is no URL that begins with http:// or https://";
}
