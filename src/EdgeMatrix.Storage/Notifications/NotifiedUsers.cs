namespace EdgeMatrix.Storage.Notifications;

/// <param name="User">Nid of the user.</param>
/// <param name="Highlight">Whether the event is to stand out for them.</param>
public readonly record struct Notified(long User, bool Highlight);

/// <summary>
/// The users whom an event notifies, in the order of their nids, packed: of each the difference to the one before, doubled, and one more
/// where the event stands out, as a <see cref="Varint"/>. In a room of some dozen users it is a byte or two for each.
/// </summary>
internal static class NotifiedUsers
{
    /// <param name="users">In the order of their nids, none twice.</param>
    public static byte[] Pack(IReadOnlyList<Notified> users)
    {
        var (length, last) = (0, 0L);
        foreach (var one in users)
        {
            length += Varint.Length(Number(one, last));
            last = one.User;
        }

        var packed = new byte[length];
        (length, last) = (0, 0L);
        foreach (var one in users)
        {
            length += Varint.Write(packed.AsSpan(length), Number(one, last));
            last = one.User;
        }

        return packed;
    }

    /// <exception cref="DatabaseException">They are cut off.</exception>
    public static List<Notified> Unpack(ReadOnlySpan<byte> packed)
    {
        var users = new List<Notified>();
        for (var last = 0L; !packed.IsEmpty;)
        {
            var one = Next(ref packed, last);
            users.Add(one);
            last = one.User;
        }

        return users;
    }

    /// <summary>Whether the event stands out for a user; null where it does not notify them.</summary>
    /// <exception cref="DatabaseException">They are cut off.</exception>
    public static bool? Highlights(ReadOnlySpan<byte> packed, long user)
    {
        for (var last = 0L; last < user && !packed.IsEmpty;)
        {
            var one = Next(ref packed, last);
            if (one.User == user)
            {
                return one.Highlight;
            }

            last = one.User;
        }

        return null;
    }

    private static ulong Number(Notified one, long last) => ((ulong)(one.User - last) << 1) | (one.Highlight ? 1UL : 0);

    private static Notified Next(ref ReadOnlySpan<byte> packed, long last) => Varint.TryRead(ref packed, out var number)
        ? new Notified(last + (long)(number >> 1), (number & 1) != 0)
        : throw new DatabaseException("The list of users whom an event notifies is cut off.");
}
