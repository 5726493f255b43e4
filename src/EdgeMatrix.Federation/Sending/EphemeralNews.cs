namespace EdgeMatrix.Federation.Sending;

/// <summary>
/// Who began or ended typing, and whose presence changed, since a server was last told: in memory, as they are themselves. And the rooms that
/// the server came into.
/// </summary>
internal sealed class EphemeralNews
{
    /// <summary>So many who type.</summary>
    private const int MaxTypists = 100;

    /// <summary>So many whose presence changed.</summary>
    public const int MaxUsers = 1_000;

    /// <summary>So many rooms.</summary>
    private const int MaxEntered = 50;

    private readonly Lock _lock = new();
    private HashSet<(long Room, string UserId)> _typists = [];
    private HashSet<long> _users = [];
    private HashSet<long> _entered = [];

    /// <summary>What comes beyond is told when it next changes.</summary>
    public void TypingChanged(long room, string userId)
    {
        lock (_lock)
        {
            if (_typists.Count < MaxTypists)
            {
                _typists.Add((room, userId));
            }
        }
    }

    /// <inheritdoc cref="TypingChanged"/>
    public void PresenceChanged(long user)
    {
        lock (_lock)
        {
            if (_users.Count < MaxUsers)
            {
                _users.Add(user);
            }
        }
    }

    /// <summary>The server came into a room. Whatever it does not hear of here it finds out when it is told of the room next.</summary>
    public void Entered(long room)
    {
        lock (_lock)
        {
            if (_entered.Count < MaxEntered)
            {
                _entered.Add(room);
            }
        }
    }

    public (IReadOnlyList<(long Room, string UserId)> Typists, IReadOnlyList<long> Users, IReadOnlyList<long> Entered) Take()
    {
        lock (_lock)
        {
            if (_typists.Count == 0 && _users.Count == 0 && _entered.Count == 0)
            {
                return ([], [], []);
            }

            var taken = (_typists.ToList(), _users.ToList(), _entered.ToList());
            (_typists, _users, _entered) = ([], [], []);
            return taken;
        }
    }
}
