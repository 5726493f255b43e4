namespace EdgeMatrix.Storage.Notifications;

/// <param name="User">Nid of the user.</param>
public readonly record struct UnreadCount(long User, long Notifications, long Highlights)
{
    /// <summary>The same user with more of both, or less.</summary>
    public UnreadCount Plus(long notifications, long highlights) => new(User, Notifications + notifications, Highlights + highlights);
}

/// <summary>
/// How much of a room's main timeline, or of a thread, each user was notified of and has not read: so many rows of a table in one, so
/// that a message which notifies everybody changes one page. Who has read everything is not in it.
/// </summary>
/// <remarks>Packed, in the order of the users: the difference to the user before, notifications, highlights, each a <see cref="Varint"/>.</remarks>
internal sealed class UnreadCounts
{
    private readonly List<UnreadCount> _counts = [];

    /// <exception cref="DatabaseException">They are cut off.</exception>
    public UnreadCounts(ReadOnlySpan<byte> packed)
    {
        for (var last = 0L; !packed.IsEmpty; last = _counts[^1].User)
        {
            _counts.Add(Next(ref packed, last));
        }
    }

    /// <summary>Whether something was set to what it was not.</summary>
    public bool IsChanged { get; private set; }

    /// <summary>Everybody who has something unread, in the order of their nids.</summary>
    public IReadOnlyList<UnreadCount> All => _counts;

    public UnreadCount this[long user] => Index(user) is >= 0 and var index ? _counts[index] : new UnreadCount(user, 0, 0);

    public void Set(UnreadCount count)
    {
        var index = Index(count.User);
        if (index >= 0 && count.Notifications > 0)
        {
            _counts[index] = count;
        }
        else if (index >= 0)
        {
            _counts.RemoveAt(index);
        }
        else if (count.Notifications > 0)
        {
            _counts.Insert(~index, count);
        }

        IsChanged = true;
    }

    public void Clear()
    {
        _counts.Clear();
        IsChanged = true;
    }

    public byte[] Pack()
    {
        var (length, last) = (0, 0L);
        foreach (var (user, notifications, highlights) in _counts)
        {
            length += Varint.Length((ulong)(user - last)) + Varint.Length((ulong)notifications) + Varint.Length((ulong)highlights);
            last = user;
        }

        var packed = new byte[length];
        (length, last) = (0, 0L);
        foreach (var (user, notifications, highlights) in _counts)
        {
            length += Varint.Write(packed.AsSpan(length), (ulong)(user - last));
            length += Varint.Write(packed.AsSpan(length), (ulong)notifications);
            length += Varint.Write(packed.AsSpan(length), (ulong)highlights);
            last = user;
        }

        return packed;
    }

    /// <summary>The counts of one user, without unpacking those of the others.</summary>
    /// <exception cref="DatabaseException">They are cut off.</exception>
    public static UnreadCount Find(ReadOnlySpan<byte> packed, long user)
    {
        for (var last = 0L; last < user && !packed.IsEmpty;)
        {
            var count = Next(ref packed, last);
            if (count.User == user)
            {
                return count;
            }

            last = count.User;
        }

        return new UnreadCount(user, 0, 0);
    }

    // As List.BinarySearch, which would need a comparer.
    private int Index(long user)
    {
        var (low, high) = (0, _counts.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var found = _counts[middle].User;
            if (found == user)
            {
                return middle;
            }

            (low, high) = found < user ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }

    private static UnreadCount Next(ref ReadOnlySpan<byte> packed, long last) =>
        Varint.TryRead(ref packed, out var user)
        && Varint.TryRead(ref packed, out var notifications)
        && Varint.TryRead(ref packed, out var highlights)
            ? new UnreadCount(last + (long)user, (long)notifications, (long)highlights)
            : throw new DatabaseException("The unread counts of a room are cut off.");
}
