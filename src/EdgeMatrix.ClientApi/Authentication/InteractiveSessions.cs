using System.Text;
using EdgeMatrix.Protocol;
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
