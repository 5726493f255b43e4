using EdgeMatrix.Protocol;

namespace EdgeMatrix.Accounts.Tokens;

/// <summary>Tokens by which a user lets another device of theirs in: each once, and soon. Kept in memory, as their hashes.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv1loginget_token</remarks>
public sealed class LoginTokens(RandomSource random, TimeProvider time)
{
    /// <summary>"120000 (2 minutes) is recommended as a default."</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);

    private const int MaxTokens = 1_000;
    private const int TokenLength = 43;

    private readonly Lock _lock = new();
    private readonly Dictionary<TokenHash, (long User, long Issued)> _tokens = [];
    private readonly Queue<TokenHash> _order = new();

    /// <param name="user">Nid of the user who is to be logged in.</param>
    public string Issue(long user)
    {
        var token = "eml_" + random.Base62(TokenLength);
        var hash = TokenHash.Of(token);
        lock (_lock)
        {
            while (_order.TryPeek(out var oldest)
                && (_order.Count >= MaxTokens || !_tokens.TryGetValue(oldest, out var known) || time.GetElapsedTime(known.Issued) > Lifetime))
            {
                _tokens.Remove(_order.Dequeue());
            }

            _tokens[hash] = (user, time.GetTimestamp());
            _order.Enqueue(hash);
        }

        return token;
    }

    /// <summary>Uses a token up.</summary>
    /// <returns>Nid of the user; null if it was never issued, is used or too old.</returns>
    public long? Redeem(string token)
    {
        lock (_lock)
        {
            return _tokens.Remove(TokenHash.Of(token), out var known) && time.GetElapsedTime(known.Issued) <= Lifetime ? known.User : null;
        }
    }

    /// <summary>Voids what the user has handed out: the account is not to be used any more as it was.</summary>
    public void Revoke(long user)
    {
        lock (_lock)
        {
            foreach (var hash in _tokens.Where(known => known.Value.User == user).Select(known => known.Key).ToList())
            {
                _tokens.Remove(hash);
            }
        }
    }
}
