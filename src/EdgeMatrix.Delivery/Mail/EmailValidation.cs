using System.Security.Cryptography;
using System.Text;
using EdgeMatrix.Protocol;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using Sha256 = NSec.Cryptography.HashAlgorithm;

namespace EdgeMatrix.Delivery.Mail;

public enum EmailVerdict
{
    Done,

    /// <summary>An account has the address.</summary>
    InUse,

    /// <summary>No account has the address.</summary>
    NotFound,

    /// <summary>Too many mails wait, or too many addresses are being proved.</summary>
    Busy,
}

/// <summary>Proves that e-mail addresses are those of who names them: by a mail with a link, which leads to a page where they say so.</summary>
/// <remarks>
/// What is stored of a token and of a client's secret is a hash. A session is of one address, one secret and one purpose, and ends by itself.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information and
/// https://spec.matrix.org/v1.19/identity-service-api/#general-principles
/// </remarks>
public sealed class EmailValidation(MailQueue mails, Database database, LocalServer server, RandomSource random, TimeProvider time)
{
    /// <summary>Where links in mails lead, below the base URL, and where clients may submit a token themselves.</summary>
    public const string Path = "/_matrix/client/unstable/org.edgematrix/email/submit_token";

    private const int MaxSessions = 10_000;
    private const int SidLength = 24;
    private const int TokenLength = 32;

    private static readonly TimeSpan _lifetime = TimeSpan.FromHours(24);

    // Who finds such a mail later in somebody's mailbox shall not have the account.
    private static readonly TimeSpan _lifetimeOfReset = TimeSpan.FromHours(1);

    /// <summary>Null: this server proves no addresses.</summary>
    /// <inheritdoc cref="MailQueue.TakesAsync"/>
    public Task<bool> TakesAsync(string address, CancellationToken cancellation) => mails.TakesAsync(address, cancellation);

    public EmailOptions? Options => mails.Options;

    /// <summary>The <c>submit_url</c> of sessions.</summary>
    public string SubmitUrl => Options!.BaseUrl + Path;

    /// <summary>Begins to prove an address, or sends another mail if the client's attempt is a later one.</summary>
    /// <param name="address">In its canonical form.</param>
    /// <returns>The sid if it is done. Where it is not told who has accounts, it looks done: the mail says then what is the matter.</returns>
    public Task<(string? Sid, EmailVerdict Verdict)> BeginAsync(
        EmailPurpose purpose, string address, string clientSecret, long sendAttempt, string? nextLink)
    {
        var secret = Hash(clientSecret);
        var token = random.Base62(TokenLength);
        return database.WriteAsync<(string?, EmailVerdict)>(db =>
        {
            var owner = ThreePidTable.Find(db, ThreePidTable.Email, address);
            var problem = (purpose, owner) switch
            {
                (EmailPurpose.ResetPassword, null) => EmailVerdict.NotFound,
                (EmailPurpose.Register or EmailPurpose.Add, not null) => EmailVerdict.InUse,
                _ => EmailVerdict.Done,
            };
            if (problem != EmailVerdict.Done && !Options!.HideAccounts)
            {
                return (null, problem);
            }

            var now = time.GetUtcNow();
            EmailSessionTable.DeleteExpired(db, now.ToUnixTimeMilliseconds());
            var known = EmailSessionTable.Find(db, address, secret, purpose);
            if (known is not null && known.SendAttempt >= sendAttempt)
            {
                return (known.Sid, EmailVerdict.Done);
            }

            var expires = now + (purpose == EmailPurpose.ResetPassword ? _lifetimeOfReset : _lifetime);
            var sid = known?.Sid ?? random.Base62(SidLength);
            var mail = ValidationMails.Of(purpose, problem, server.Name, address, Link(sid, clientSecret, token), token);
            if ((known is null && EmailSessionTable.Count(db) >= MaxSessions) || !mails.TryAdd(db, mail, expires))
            {
                return (null, EmailVerdict.Busy);
            }

            EmailSessionTable.Set(db, new EmailSessionRow(
                sid, purpose, address, secret, Hash(token), sendAttempt, nextLink, expires.ToUnixTimeMilliseconds(), known?.ValidatedTs));
            return (sid, EmailVerdict.Done);
        });
    }

    /// <summary>Takes the token of a mail as proof that it came.</summary>
    /// <returns>The session; null if these do not belong together, or no longer.</returns>
    public Task<EmailSessionRow?> ValidateAsync(string sid, string clientSecret, string token) => database.WriteAsync(db =>
    {
        if (Find(db, sid, clientSecret) is not { } session || !CryptographicOperations.FixedTimeEquals(session.Token, Hash(token)))
        {
            return null;
        }

        if (session.ValidatedTs is null)
        {
            session = session with { ValidatedTs = time.GetUtcNow().ToUnixTimeMilliseconds() };
            EmailSessionTable.Set(db, session);
        }

        return session;
    });

    /// <summary>The session that has proved an address for the purpose; null if there is none, or the proof is still to come.</summary>
    public EmailSessionRow? FindProved(EmailPurpose purpose, string sid, string clientSecret)
    {
        using var db = database.OpenSnapshot();
        return Find(db, sid, clientSecret) is { ValidatedTs: not null } session && session.Purpose == purpose ? session : null;
    }

    /// <summary>Ends a session: what it proved is used.</summary>
    /// <returns>False if it has ended before.</returns>
    public Task<bool> TryEndAsync(EmailSessionRow session) => database.WriteAsync(db => EmailSessionTable.Delete(db, session.Sid));

    /// <summary>Adds the address that was proved to an account, and ends the session.</summary>
    /// <returns>False, and the session has ended, if an account has the address by now.</returns>
    public Task<bool> AddAsync(EmailSessionRow session, long user) => database.WriteAsync(db =>
        EmailSessionTable.Delete(db, session.Sid) && AccountTable.Find(db, user) is { IsDeactivated: false } && ThreePidTable.TryAdd(
            db,
            new ThreePidRow(ThreePidTable.Email, session.Address, user, session.ValidatedTs!.Value, time.GetUtcNow().ToUnixTimeMilliseconds())));

    private EmailSessionRow? Find(Session db, string sid, string clientSecret) =>
        EmailSessionTable.Find(db, sid) is { } session
        && session.ExpiresTs > time.GetUtcNow().ToUnixTimeMilliseconds()
        && CryptographicOperations.FixedTimeEquals(session.Secret, Hash(clientSecret))
            ? session
            : null;

    private string Link(string sid, string clientSecret, string token) =>
        $"{SubmitUrl}?sid={sid}&client_secret={Uri.EscapeDataString(clientSecret)}&token={token}";

    private static byte[] Hash(string text) => Sha256.Sha256.Hash(Encoding.UTF8.GetBytes(text));
}
