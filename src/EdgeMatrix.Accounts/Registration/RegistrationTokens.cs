using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.Protocol;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Accounts.Registration;

/// <summary>Tokens that let people make accounts on a server that is not open to all.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#token-authenticated-registration</remarks>
public sealed class RegistrationTokens(Database database, RandomSource random, TimeProvider time)
{
    /// <summary>"an opaque string using the Opaque Identifier Grammar, with maximum length of 64 characters"</summary>
    public const int MaxLength = 64;

    // They are listed whole.
    private const int MaxTokens = 10_000;

    public static bool IsValid(string token) =>
        token.Length is > 0 and <= MaxLength && token.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '~' or '-');

    /// <summary>Whether an account can be made with the token now.</summary>
    public bool IsGood(string token) => Find(token) is { } row && IsGood(row);

    public bool IsGood(RegistrationTokenRow row) =>
        (row.UsesAllowed is null || row.Completed < row.UsesAllowed)
        && (row.ExpiryTs is null || row.ExpiryTs > time.GetUtcNow().ToUnixTimeMilliseconds());

    public RegistrationTokenRow? Find(string token)
    {
        using var snapshot = database.OpenSnapshot();
        return RegistrationTokenTable.Find(snapshot, HashOf(token));
    }

    public IReadOnlyList<RegistrationTokenRow> List()
    {
        using var snapshot = database.OpenSnapshot();
        return RegistrationTokenTable.All(snapshot);
    }

    public string NewToken(int length) => random.Base62(length);

    /// <summary>False if there is such a token already, or there are too many.</summary>
    public Task<bool> AddAsync(RegistrationTokenRow row) => database.WriteAsync(db =>
        RegistrationTokenTable.Count(db) < MaxTokens && RegistrationTokenTable.TryAdd(db, HashOf(row.Token), row));

    /// <summary>Changes a token; null if there is none.</summary>
    public Task<RegistrationTokenRow?> ChangeAsync(string token, Func<RegistrationTokenRow, RegistrationTokenRow> change) => database.WriteAsync(db =>
    {
        if (RegistrationTokenTable.Find(db, HashOf(token)) is not { } row)
        {
            return null;
        }

        var changed = change(row);
        RegistrationTokenTable.Update(db, HashOf(token), changed.UsesAllowed, changed.ExpiryTs);
        return changed;
    });

    /// <summary>False if there is no such token.</summary>
    public Task<bool> DeleteAsync(string token) => database.WriteAsync(db => RegistrationTokenTable.Delete(db, HashOf(token)));

    /// <summary>Counts one more account that is made with it; false if it is gone, expired or used up.</summary>
    public Task<bool> TryUseAsync(string token) => database.WriteAsync(db =>
        RegistrationTokenTable.Find(db, HashOf(token)) is { } row && IsGood(row) && RegistrationTokenTable.TryUse(db, HashOf(token)));

    private static byte[] HashOf(string token) => TokenHash.Of(token).ToBytes();
}
