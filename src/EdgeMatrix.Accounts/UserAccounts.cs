using System.Text;
using EdgeMatrix.Accounts.Passwords;
using EdgeMatrix.Accounts.PushRules;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Accounts;

public enum UsernameVerdict
{
    Free,

    /// <summary>Not in the grammar of new user ids, or too long.</summary>
    Invalid,

    InUse,

    /// <summary>The e-mail address that was proved for it has become another account's.</summary>
    EmailInUse,
}

/// <summary>The users of this server: who there is, and their passwords.</summary>
public sealed class UserAccounts(
    Database database,
    LocalServer server,
    PasswordHasher passwords,
    Logins logins,
    ChangeNotifier notifier,
    RandomSource random,
    TimeProvider time)
{
    // "The length of a user ID, including the @ character and the domain, MUST NOT exceed 255 bytes."
    private const int MaxUserIdBytes = 255;

    /// <summary>Whether an account of that name can be made. Capitals count as small letters.</summary>
    public UsernameVerdict CheckUsername(string username)
    {
        var userId = UserIdOf(username);
        if (!UserId.IsValidNewLocalpart(username.ToLowerInvariant()) || Encoding.UTF8.GetByteCount(userId) > MaxUserIdBytes)
        {
            return UsernameVerdict.Invalid;
        }

        using var snapshot = database.OpenSnapshot();
        return AccountTable.Find(snapshot, userId) is null ? UsernameVerdict.Free : UsernameVerdict.InUse;
    }

    /// <summary>A localpart that nobody has, for whoever does not choose one.</summary>
    public string NewUsername() => random.Base62(16).ToLowerInvariant();

    /// <summary>Makes an account, with the name as display name and the predefined push rules.</summary>
    /// <param name="username">The localpart.</param>
    /// <param name="password">Null for an account without password login.</param>
    /// <param name="proved">The e-mail address that it is to have, as the user has proved it; the session ends. Null: none.</param>
    /// <returns>The account, or why there is none.</returns>
    public Task<(AccountRow? Account, UsernameVerdict Verdict)> AddAsync(
        string username, string? password, bool admin, CancellationToken cancellationToken, EmailSessionRow? proved = null) =>
        AddAsync(username, password, new AccountStanding(admin), cancellationToken, proved);

    /// <summary>Makes an account of a guest, with a name of ours and without a password.</summary>
    public async Task<AccountRow> AddGuestAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if ((await AddAsync(NewUsername(), null, new AccountStanding(Admin: false, Guest: true), cancellationToken)).Account is { } account)
            {
                return account;
            }
        }
    }

    /// <summary>Makes the account of a guest one like any other.</summary>
    /// <param name="user">Nid of the user.</param>
    /// <param name="proved">As of <see cref="AddAsync(string, string?, bool, CancellationToken, EmailSessionRow?)"/>.</param>
    /// <returns>The account, or why there is none: if it is no guest's any more, its name is in use.</returns>
    public async Task<(AccountRow? Account, UsernameVerdict Verdict)> UpgradeGuestAsync(
        long user, string? password, EmailSessionRow? proved, CancellationToken cancellationToken)
    {
        var hash = password is null ? null : await passwords.HashAsync(password, cancellationToken);
        return await database.WriteAsync<(AccountRow?, UsernameVerdict)>(db =>
        {
            if (AccountTable.Find(db, user) is not { Standing.Guest: true, IsDeactivated: false } account)
            {
                return (null, UsernameVerdict.InUse);
            }

            if (!TryGiveEmail(db, user, proved, time.GetUtcNow().ToUnixTimeMilliseconds()))
            {
                return (null, UsernameVerdict.EmailInUse);
            }

            AccountTable.SetPassword(db, user, hash);
            AccountTable.SetStanding(db, user, account.Standing with { Guest = false });
            logins.StandingChanged(db, user);
            return (AccountTable.Find(db, user), UsernameVerdict.Free);
        });
    }

    private async Task<(AccountRow? Account, UsernameVerdict Verdict)> AddAsync(
        string username, string? password, AccountStanding standing, CancellationToken cancellationToken, EmailSessionRow? proved = null)
    {
        var verdict = CheckUsername(username);
        if (verdict != UsernameVerdict.Free)
        {
            return (null, verdict);
        }

        var userId = UserIdOf(username);
        var hash = password is null ? null : await passwords.HashAsync(password, cancellationToken);
        var createdTs = time.GetUtcNow().ToUnixTimeMilliseconds();
        return await database.WriteAsync<(AccountRow?, UsernameVerdict)>(db =>
        {
            var user = UserTable.Intern(db, userId);
            var row = new AccountRow(user, userId, hash, standing, createdTs);
            if (AccountTable.Find(db, user) is not null)
            {
                return (null, UsernameVerdict.InUse);
            }

            if (!TryGiveEmail(db, user, proved, createdTs))
            {
                return (null, UsernameVerdict.EmailInUse);
            }

            AccountTable.TryAdd(db, row);

            ProfileTable.Set(db, user, "displayname", Json.OfString(UserIdLocalpart(userId)));
            UserPushRules.Store(db, notifier, user, DefaultPushRules.For(userId));
            return (row, UsernameVerdict.Free);
        });
    }

    // Of two who use one proof, or prove one address, the second has no account.
    private static bool TryGiveEmail(WriteTransaction db, long user, EmailSessionRow? proved, long ts) => proved is null
        || (EmailSessionTable.Delete(db, proved.Sid)
            && ThreePidTable.TryAdd(db, new ThreePidRow(ThreePidTable.Email, proved.Address, user, proved.ValidatedTs!.Value, ts)));

    /// <summary>The account of a user id or of a bare localpart; null if there is none here.</summary>
    public AccountRow? Find(string userIdOrLocalpart)
    {
        using var snapshot = database.OpenSnapshot();
        return AccountTable.Find(snapshot, UserIdOf(userIdOrLocalpart));
    }

    /// <param name="user">Nid of the user.</param>
    public AccountRow? Find(long user)
    {
        using var snapshot = database.OpenSnapshot();
        return AccountTable.Find(snapshot, user);
    }

    /// <summary>The account that has an e-mail address, in its canonical form; null if there is none.</summary>
    public AccountRow? FindByEmail(string address)
    {
        using var snapshot = database.OpenSnapshot();
        return ThreePidTable.Find(snapshot, ThreePidTable.Email, address) is { } owner ? AccountTable.Find(snapshot, owner.User) : null;
    }

    /// <summary>Every account, in the order of the user ids.</summary>
    public IReadOnlyList<AccountRow> List()
    {
        using var snapshot = database.OpenSnapshot();
        return AccountTable.All(snapshot);
    }

    /// <summary>The account of whoever gives its name and password; null for a wrong password and, after as long a time, for no account.</summary>
    /// <param name="userIdOrLocalpart">A user id, or the localpart of one.</param>
    public async Task<AccountRow?> AuthenticateAsync(string userIdOrLocalpart, string password, CancellationToken cancellationToken)
    {
        var account = Find(userIdOrLocalpart);
        return await passwords.VerifyAsync(account?.Password, password, cancellationToken) ? account : null;
    }

    /// <summary>Sets a password.</summary>
    /// <param name="user">Nid of the user.</param>
    /// <param name="logOut">Whether the user's devices are logged out and deleted.</param>
    /// <param name="except">Nid of the device that stays all the same; null for none.</param>
    public async Task SetPasswordAsync(long user, string password, bool logOut, long? except, CancellationToken cancellationToken)
    {
        var hash = await passwords.HashAsync(password, cancellationToken);
        await database.WriteAsync(db =>
        {
            AccountTable.SetPassword(db, user, hash);
            if (logOut)
            {
                logins.LogOutAll(db, user, except);
            }
        });
    }

    /// <summary>Gives a deactivated account back; its events are shown again to all, and it needs a password.</summary>
    /// <param name="user">Nid of the user.</param>
    public Task ReactivateAsync(long user) => database.WriteAsync(db =>
    {
        AccountTable.Reactivate(db, user);
        ErasedUserTable.Remove(db, user);
    });

    /// <summary>Changes what an account may do, from the next request on.</summary>
    /// <param name="user">Nid of the user, who has an account.</param>
    public Task<AccountStanding> ChangeStandingAsync(long user, Func<AccountStanding, AccountStanding> change) =>
        database.WriteAsync(db =>
        {
            var standing = change(AccountTable.Find(db, user)!.Standing);
            AccountTable.SetStanding(db, user, standing);
            logins.StandingChanged(db, user);
            return standing;
        });

    /// <summary>The user id that a client means by a user id or a localpart.</summary>
    public string UserIdOf(string userIdOrLocalpart)
    {
        if (!userIdOrLocalpart.StartsWith('@'))
        {
            return $"@{userIdOrLocalpart.ToLowerInvariant()}:{server.Name}";
        }

        // New names are in small letters only, and people type them as they like.
        var colon = userIdOrLocalpart.IndexOf(':', StringComparison.Ordinal);
        return colon < 0
            ? userIdOrLocalpart
            : string.Concat(userIdOrLocalpart[..colon].ToLowerInvariant(), userIdOrLocalpart.AsSpan(colon));
    }

    private static string UserIdLocalpart(string userId) => userId[1..userId.IndexOf(':', StringComparison.Ordinal)];
}
