namespace EdgeMatrix.Delivery.AppServices;

/// <summary>In which rooms typing changed, and whose presence, since an application service was last told: in memory, as they are themselves.</summary>
internal sealed class EphemeralNews
{
    /// <summary>Of each so many; what comes beyond is not told until it changes again.</summary>
    public const int Max = 1_000;

    private readonly Lock _lock = new();
    private HashSet<long> _typingRooms = [];
    private HashSet<long> _presenceUsers = [];

    public void TypingChanged(long room)
    {
        lock (_lock)
        {
            Add(_typingRooms, room);
        }
    }

    public void PresenceChanged(long user)
    {
        lock (_lock)
        {
            Add(_presenceUsers, user);
        }
    }

    public (HashSet<long> TypingRooms, HashSet<long> PresenceUsers) Take()
    {
        lock (_lock)
        {
            var taken = (_typingRooms, _presenceUsers);
            (_typingRooms, _presenceUsers) = ([], []);
            return taken;
        }
    }

    private static void Add(HashSet<long> set, long nid)
    {
        if (set.Count < Max)
        {
            set.Add(nid);
        }
    }
}
