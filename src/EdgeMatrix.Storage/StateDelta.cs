namespace EdgeMatrix.Storage;

/// <summary>The bytes of a delta: entries by ascending key, each key as the distance from the last, each number a varint.</summary>
internal static class StateDelta
{
    public static byte[] Pack(ReadOnlySpan<StateEntry> sorted, long firstKey)
    {
        var buffer = new byte[sorted.Length * 20];
        var length = 0;
        var last = firstKey;
        foreach (var entry in sorted)
        {
            length += WriteVarint(buffer.AsSpan(length), entry.StateKey - last);
            length += WriteVarint(buffer.AsSpan(length), entry.Event);
            last = entry.StateKey;
        }

        return buffer[..length];
    }

    /// <summary>The event of a key; null if the delta does not name it.</summary>
    public static long? Find(ReadOnlySpan<byte> delta, long firstKey, long key)
    {
        var at = firstKey;
        while (!delta.IsEmpty)
        {
            at += ReadVarint(ref delta);
            var @event = ReadVarint(ref delta);
            if (at >= key)
            {
                return at == key ? @event : null;
            }
        }

        return null;
    }

    public static void Read(ReadOnlySpan<byte> delta, long firstKey, List<StateEntry> into)
    {
        var at = firstKey;
        while (!delta.IsEmpty)
        {
            at += ReadVarint(ref delta);
            into.Add(new StateEntry(at, ReadVarint(ref delta)));
        }
    }

    private static int WriteVarint(Span<byte> target, long value)
    {
        var rest = (ulong)value;
        var length = 0;
        while (rest >= 0x80)
        {
            target[length++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        target[length++] = (byte)rest;
        return length;
    }

    private static long ReadVarint(ref ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (int shift = 0, i = 0; i < bytes.Length && shift < 64; shift += 7, i++)
        {
            value |= (ulong)(bytes[i] & 0x7f) << shift;
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return (long)value;
            }
        }

        throw new DatabaseException("A state delta is damaged");
    }
}
