using System.Text;
using EdgeMatrix.Protocol;
using EdgeMatrix.Storage.Accounts;
using NSec.Cryptography;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>The operation that a session authenticates: a session is good for one operation only.</summary>
/// <param name="Hash">All that is kept of the request: it may be long, and hold a new password.</param>
internal sealed record InteractiveOperation(string Hash)
{
    /// <param name="userId">Who asks; null where there is no account yet.</param>
    /// <param name="body">The body without <c>auth</c>; empty where the client may change it on the way.</param>
    public static InteractiveOperation Of(string method, string path, string? userId, string body) =>
        new(Convert.ToHexString(HashAlgorithm.Sha256.Hash(Encoding.UTF8.GetBytes($"{method}\0{path}\0{userId}\0{body}"))));
}

/// <summary>How far a client has come with proving what one operation needs.</summary>
/// <param name="flows">Each a list of stages, to be passed in their order.</param>
/// <param name="userId">Whose operation it is; null where there is no account yet, or none is proved.</param>
internal sealed class InteractiveSession(string id, InteractiveOperation operation, string[][] flows, string? userId, long begun)
{
    public string Id { get; } = id;

    public string? UserId { get; } = userId;

    public InteractiveOperation Operation { get; } = operation;

    public long Begun { get; } = begun;

    /// <summary>The stages that were passed, in their order: those of a flow, which are few.</summary>
    public IReadOnlyList<string> Completed { get; private set; } = [];

    /// <summary>The account that a stage has proved to be the client's.</summary>
    public AccountRow? Account { get; set; }

    /// <summary>The e-mail address that a stage was passed with.</summary>
    public EmailSessionRow? Email { get; set; }

    /// <summary>The registration token that a stage was passed with.</summary>
    public string? RegistrationToken { get; set; }

    /// <summary>
    /// What the first request of a registration asked for: clients give it once, and then <c>auth</c> alone. Forgotten with the session's end.
    /// </summary>
    public RegisterRequest? Registration { get; set; }

    /// <summary>The account that a registration made, and by which request; null if it made none.</summary>
    public (AccountRow Account, InteractiveOperation Attempt)? Registered { get; set; }

    /// <summary>Whether what it authenticated is done.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>"the flow's stages must be completed in order"</summary>
    public bool IsNext(string stage) => flows.Any(flow => flow.TakeWhile(Completed.Contains).Count() is var done
        && done == Completed.Count
        && done < flow.Length
        && flow[done] == stage);

    public void Complete(string stage) => Completed = [.. Completed, stage];

    public void End() => (IsEnded, Registration) = (true, null);
}

/// <summary>Sessions of user-interactive authentication, in memory: so many, and for so long.</summary>
internal sealed class InteractiveSessions(RandomSource random, TimeProvider time)
{
    private const int MaxSessions = 1_000;

    // Mails may be slow, and so may be who reads them.
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, InteractiveSession> _sessions = [];
    private readonly Queue<string> _order = new();

    public InteractiveSession Begin(InteractiveOperation operation, string[][] flows, string? userId)
    {
        var session = new InteractiveSession(random.Base62(24), operation, flows, userId, time.GetTimestamp());
        lock (_lock)
        {
            while (_order.TryPeek(out var oldest) && (_order.Count >= MaxSessions || !IsAlive(oldest)))
            {
                _sessions.Remove(_order.Dequeue());
            }

            _sessions[session.Id] = session;
            _order.Enqueue(session.Id);
        }

        return session;
    }

    /// <summary>Null if there is no such session, or it is ended.</summary>
    public InteractiveSession? Find(string id) => FindAny(id) is { IsEnded: false } session ? session : null;

    /// <summary>As <see cref="Find"/>, of those that are ended too.</summary>
    public InteractiveSession? FindAny(string id)
    {
        lock (_lock)
        {
            return IsAlive(id) ? _sessions[id] : null;
        }
    }

    /// <summary>How many sessions a registration token has passed that are not done.</summary>
    public int CountWith(string registrationToken)
    {
        lock (_lock)
        {
            return _sessions.Values.Count(session => session.RegistrationToken == registrationToken && !session.IsEnded && IsAlive(session.Id));
        }
    }

    /// <summary>Ends a session: what it authenticated is done once.</summary>
    /// <returns>False if another request was quicker.</returns>
    public bool TryEnd(InteractiveSession session)
    {
        lock (_lock)
        {
            if (session.IsEnded || !_sessions.ContainsKey(session.Id))
            {
                return false;
            }

            session.End();
            return true;
        }
    }

    private bool IsAlive(string id) => _sessions.TryGetValue(id, out var session) && time.GetElapsedTime(session.Begun) <= Lifetime;
}
