namespace EdgeMatrix.Storage;

/// <summary>
/// Packs the canonical JSON of events for the disk and gives the same bytes back. Hashes and signatures are taken out and
/// kept as bytes; the rest is compressed with a dictionary that knows what events look like. Thread-safe.
/// </summary>
/// <remarks>
/// The first byte is the format. 0: the body as it is. 1: the number of 32-byte units of hashes and signatures, those, and
/// the rest (see <see cref="FoldedBody"/>) as a zstd frame without magic number, with the dictionary <c>EventBody1.dict</c>. 2: the same
/// of what is the event's own; the other part is its <see cref="EventFrame"/> (see <see cref="FramedBody"/>), packed as 1 is. 3: a
/// <see cref="LeanBody"/>: the number of units, the depth and the time as <see cref="Varint"/>, the units, and its content as a frame of zstd; its other
/// part as that of 2.
/// A format, once written to a disk, must be readable for ever: a better dictionary is a new format.
/// </remarks>
public sealed class EventBodyCodec : IDisposable
{
    /// <summary>The longest body that is packed, in bytes; that of the largest event.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#size-limits</remarks>
    internal const int MaxPackedBytes = 65_536;

    internal const byte Plain = 0;
    internal const byte Folded = 1;
    internal const byte Framed = 2;
    internal const byte Lean = 3;

    private const string DictionaryName = "EdgeMatrix.Storage.EventBody1.dict";

    internal const int MaxCoders = 2;

    /// <summary>About what each takes once it is used.</summary>
    internal const long CoderBytes = 300 << 10;

    private readonly SemaphoreSlim _free = new(MaxCoders, MaxCoders);
    private readonly Lock _lock = new();
    private readonly Stack<EventBodyCoder> _idle = new();
    private byte[]? _dictionary;
    private bool _closed;
    private long _unpacked;
    private int _coders;

    /// <summary>How many working memories there are.</summary>
    internal int Coders => Volatile.Read(ref _coders);

    public byte[] Pack(ReadOnlySpan<byte> canonical)
    {
        if (canonical.Length <= MaxPackedBytes)
        {
            var coder = Take();
            try
            {
                if (coder.Pack(canonical) is { } packed)
                {
                    return packed;
                }
            }
            finally
            {
                Return(coder);
            }
        }

        var plain = new byte[canonical.Length + 1];
        plain[0] = Plain;
        canonical.CopyTo(plain.AsSpan(1));
        return plain;
    }

    /// <summary>The frames of events read and written lately.</summary>
    internal KnownFrames Frames { get; } = new();

    /// <summary>Bodies read lately.</summary>
    internal RecentBodies Recent { get; } = new();

    /// <summary>How many bodies were unpacked.</summary>
    internal long Unpacked => Interlocked.Read(ref _unpacked);

    /// <summary>The frame of an event, and what is its own, packed; null if the event is best packed whole.</summary>
    internal (EventFrame Frame, byte[] Own)? PackFramed(ReadOnlySpan<byte> canonical)
    {
        if (canonical.Length > MaxPackedBytes)
        {
            return null;
        }

        var coder = Take();
        try
        {
            return coder.PackFramed(canonical);
        }
        finally
        {
            Return(coder);
        }
    }

    /// <summary>Packs a frame; null if it is not worth packing.</summary>
    internal byte[]? PackFrame(EventFrame frame)
    {
        var coder = Take();
        try
        {
            return coder.Pack(frame);
        }
        finally
        {
            Return(coder);
        }
    }

    /// <exception cref="DatabaseException">The bytes are damaged, or of a newer format.</exception>
    internal EventFrame UnpackFrame(ReadOnlySpan<byte> stored)
    {
        if (stored is not [Folded, ..])
        {
            throw Damaged(null);
        }

        var coder = Take();
        try
        {
            return coder.UnpackFrame(stored);
        }
        finally
        {
            Return(coder);
        }
    }

    /// <exception cref="DatabaseException">The bytes are damaged, or of a newer format.</exception>
    public byte[] Unpack(ReadOnlySpan<byte> stored) => Unpack(stored, null);

    /// <param name="frame">That of an event which has one.</param>
    /// <exception cref="DatabaseException">The bytes are damaged, or of a newer format.</exception>
    internal byte[] Unpack(ReadOnlySpan<byte> stored, EventFrame? frame)
    {
        Interlocked.Increment(ref _unpacked);
        switch (stored)
        {
            case [Plain, .. var plain]:
                return plain.ToArray();
            case [Folded, ..] when frame is null:
            case [Framed or Lean, ..] when frame is not null:
                var coder = Take();
                try
                {
                    return frame is null ? coder.Unpack(stored) : coder.Unpack(stored, frame);
                }
                finally
                {
                    Return(coder);
                }

            default:
                throw Damaged(null);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            while (_idle.TryPop(out var coder))
            {
                coder.Dispose();
            }
        }
    }

    /// <summary>Gives back the working memory that is not in use.</summary>
    internal void ReleaseIdle()
    {
        lock (_lock)
        {
            while (_idle.TryPop(out var coder))
            {
                coder.Dispose();
                _coders--;
            }
        }
    }

    internal static DatabaseException Damaged(Exception? cause) =>
        new("The stored body of an event is damaged, or of a newer EdgeMatrix. Restore a backup.", cause);

    private EventBodyCoder Take()
    {
        _free.Wait();
        lock (_lock)
        {
            if (_idle.TryPop(out var coder))
            {
                return coder;
            }

            try
            {
                var made = new EventBodyCoder(_dictionary ??= ReadDictionary());
                _coders++;
                return made;
            }
            catch
            {
                _free.Release();
                throw;
            }
        }
    }

    private void Return(EventBodyCoder coder)
    {
        lock (_lock)
        {
            if (_closed)
            {
                coder.Dispose();
            }
            else
            {
                _idle.Push(coder);
            }
        }

        _free.Release();
    }

    private static byte[] ReadDictionary()
    {
        using var stream = typeof(EventBodyCodec).Assembly.GetManifestResourceStream(DictionaryName)
            ?? throw new InvalidOperationException($"{DictionaryName} is not in the program.");
        var dictionary = new byte[stream.Length];
        stream.ReadExactly(dictionary);
        return dictionary;
    }
}
