using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Accounts.Tokens;

/// <summary>The user and device that an access token stands for.</summary>
/// <param name="UserNid">Nid of the user.</param>
/// <param name="DeviceNid">Nid of the device; never used again once the device is deleted.</param>
/// <param name="ExpiresTs">When the token ends, ms since the Unix epoch; null: at logout.</param>
/// <param name="Refreshable">A refresh token can bring the session on after that.</param>
public sealed record TokenOwner(
    string UserId, long UserNid, string DeviceId, long DeviceNid, AccountStanding Standing, long? ExpiresTs, bool Refreshable)
{
    /// <summary>What one takes, and the hash that leads to it, besides the strings.</summary>
    internal const int OwnBytes = 120;

    private long _lastSeenTs;

    /// <summary>When the device was last written down as seen, ms since the Unix epoch.</summary>
    internal long LastSeenTs
    {
        get => Interlocked.Read(ref _lastSeenTs);
        init => _lastSeenTs = value;
    }

    /// <summary>Takes it upon the caller to write the device down as seen; false if that was done less than a minute ago.</summary>
    internal bool TrySee(long nowTs)
    {
        var last = LastSeenTs;
        return nowTs - last >= 60_000 && Interlocked.CompareExchange(ref _lastSeenTs, nowTs, last) == last;
    }
}

public enum TokenVerdict
{
    Good,

    /// <summary>Never issued, or logged out since.</summary>
    Unknown,

    /// <summary>Past its time, while its refresh token is still good: a soft logout.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#soft-logout</remarks>
    Expired,
}

/// <param name="Owner">Null unless the token is good.</param>
public readonly record struct TokenLookup(TokenVerdict Verdict, TokenOwner? Owner);
