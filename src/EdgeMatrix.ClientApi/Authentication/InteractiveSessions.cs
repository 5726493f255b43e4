using EdgeMatrix.Protocol;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>The operation that a session authenticates: a session is good for one operation only.</summary>
/// <param name="UserId">Who asks; null where there is no account yet.</param>
/// <param name="Body">The body without <c>auth</c>; empty where the client may change it on the way.</param>
internal sealed record InteractiveOperation(string Method, string Path, string? UserId, string Body);

/// <summary>Sessions of user-interactive authentication, in memory: so many, and for so long.</summary>
internal sealed class InteractiveSessions(RandomSource random, TimeProvider time)
{
    private const int MaxSessions = 1_000;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(15);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (InteractiveOperation Operation, long Begun)> _sessions = [];
    private readonly Queue<string> _order = new();

    public string Begin(InteractiveOperation operation)
    {
        var id = random.Base62(24);
        lock (_lock)
        {
            while (_order.TryPeek(out var oldest) && (_order.Count >= MaxSessions || !IsAlive(oldest)))
            {
                _sessions.Remove(_order.Dequeue());
            }

            _sessions[id] = (operation, time.GetTimestamp());
            _order.Enqueue(id);
        }

        return id;
    }

    /// <summary>The operation that the session was begun for; null if there is no such session.</summary>
    public InteractiveOperation? Find(string id)
    {
        lock (_lock)
        {
            return IsAlive(id) ? _sessions[id].Operation : null;
        }
    }

    /// <summary>Ends a session: what it authenticated is done once.</summary>
    public void End(string id)
    {
        lock (_lock)
        {
            _sessions.Remove(id);
        }
    }

    private bool IsAlive(string id) => _sessions.TryGetValue(id, out var session) && time.GetElapsedTime(session.Begun) <= Lifetime;
}
