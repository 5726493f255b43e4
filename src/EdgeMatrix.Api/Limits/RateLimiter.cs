using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Api.Limits;

/// <summary>What requests are counted together as.</summary>
public enum RateKind
{
    /// <summary>Whatever has no kind of its own.</summary>
    Other,

    /// <summary>Attempts to log in, by address.</summary>
    Login,

    /// <summary>Attempts to log in to one account, from wherever.</summary>
    Account,

    /// <summary>New accounts, by address.</summary>
    Registration,

    /// <summary>Events sent, by user.</summary>
    Message,

    /// <summary>Joins, knocks and new rooms, by user.</summary>
    Join,

    /// <summary>Invites, by user.</summary>
    Invite,

    /// <summary>Uploads, by user.</summary>
    Media,

    /// <summary>Previews of URLs, by user.</summary>
    Preview,

    /// <summary>Mails that prove an address: by who asks for them, and to one address.</summary>
    Email,

    /// <summary>Requests of other servers, by server.</summary>
    Server,
}

/// <summary>So many requests in a time, and so many at once after a rest.</summary>
/// <param name="Interval">What one takes in the long run.</param>
/// <param name="Burst">How many may come at once.</param>
public sealed record Rate(TimeSpan Interval, int Burst);

/// <summary>How often each kind of request may come.</summary>
public sealed record RateLimits
{
    public static readonly RateLimits Off = new() { Enabled = false };

    public bool Enabled { get; init; } = true;

    public Rate Other { get; init; } = new(TimeSpan.FromMilliseconds(20), 1_000);

    public Rate Login { get; init; } = new(TimeSpan.FromSeconds(2), 30);

    public Rate Account { get; init; } = new(TimeSpan.FromSeconds(10), 20);

    public Rate Registration { get; init; } = new(TimeSpan.FromSeconds(20), 20);

    public Rate Message { get; init; } = new(TimeSpan.FromMilliseconds(100), 200);

    public Rate Join { get; init; } = new(TimeSpan.FromSeconds(1), 50);

    public Rate Invite { get; init; } = new(TimeSpan.FromSeconds(1), 100);

    public Rate Media { get; init; } = new(TimeSpan.FromMilliseconds(500), 100);

    public Rate Preview { get; init; } = new(TimeSpan.FromSeconds(1), 50);

    public Rate Email { get; init; } = new(TimeSpan.FromMinutes(5), 10);

    public Rate Server { get; init; } = new(TimeSpan.FromMilliseconds(20), 1_000);

    internal Rate this[RateKind kind] => kind switch
    {
        RateKind.Login => Login,
        RateKind.Account => Account,
        RateKind.Registration => Registration,
        RateKind.Message => Message,
        RateKind.Join => Join,
        RateKind.Invite => Invite,
        RateKind.Media => Media,
        RateKind.Preview => Preview,
        RateKind.Email => Email,
        RateKind.Server => Server,
        _ => Other,
    };
}

/// <summary>Counts requests, each kind by who makes them. Whoever is not heard of for long is forgotten, and may begin anew.</summary>
/// <remarks>
/// Of each only one time is kept: when all that came would have come at the lasting rate. Spec: https://spec.matrix.org/v1.19/client-server-api/#rate-limiting
/// </remarks>
public sealed class RateLimiter
{
    // The key, the time, and their places in the tables.
    private const int EntryBytes = 250;

    private readonly RateLimits _limits;
    private readonly TimeProvider _time;
    private readonly Database _database;
    private readonly BoundedCache<(RateKind, string), Mark> _marks = new("rate_limits", wanted: 1 << 20, least: 128 << 10);

    public RateLimiter(RateLimits limits, Database database, TimeProvider time)
    {
        (_limits, _database, _time) = (limits, database, time);
        database.Memory.Add(_marks);
    }

    /// <summary>Call when how often a user may send was set anew: they begin afresh.</summary>
    public void Forget(string userId)
    {
        foreach (var kind in Enum.GetValues<RateKind>())
        {
            _marks.Remove((kind, userId));
        }
    }

    /// <summary>Counts a request.</summary>
    /// <param name="who">The user, the account or the address.</param>
    /// <returns>Null if it may go on, else after which time it would have been let in.</returns>
    public TimeSpan? Count(RateKind kind, string who)
    {
        if (!_limits.Enabled)
        {
            return null;
        }

        var now = _time.GetUtcNow();
        var mark = _marks.TryGet((kind, who), out var known)
            ? known
            : _marks.GetOrAdd((kind, who), new Mark(RateOf(kind, who)), EntryBytes + (2 * who.Length));
        if (mark.Rate is not { } rate)
        {
            return null;
        }

        lock (mark)
        {
            var next = (mark.Until > now ? mark.Until : now) + rate.Interval;
            var early = next - now - (rate.Interval * rate.Burst);
            if (early > TimeSpan.Zero)
            {
                return early;
            }

            mark.Until = next;
            return null;
        }
    }

    /// <returns>Null: not counted.</returns>
    private Rate? RateOf(RateKind kind, string who)
    {
        // Who guesses passwords, makes accounts or has mails written is not known yet, or not by the name.
        if (kind is RateKind.Login or RateKind.Account or RateKind.Registration or RateKind.Email || who is not ['@', ..])
        {
            return _limits[kind];
        }

        using var db = _database.OpenSnapshot();
        return (UserTable.Find(db, who) is { } user ? RateOverrideTable.Find(db, user) : null) switch
        {
            { PerSecond: 0 } => null,
            { } own when kind == RateKind.Message => new Rate(TimeSpan.FromSeconds(1.0 / own.PerSecond), (int)Math.Clamp(own.Burst, 1, int.MaxValue)),
            _ => _limits[kind],
        };
    }

    /// <param name="rate">Null: not counted.</param>
    private sealed class Mark(Rate? rate)
    {
        public Rate? Rate => rate;

        public DateTimeOffset Until { get; set; }
    }
}
