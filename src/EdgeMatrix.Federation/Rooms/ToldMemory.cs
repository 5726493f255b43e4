namespace EdgeMatrix.Federation.Rooms;

/// <summary>The memory for what residents tell of rooms, until it is on the disk: so much for all rooms that are being entered.</summary>
internal sealed class ToldMemory(long maxBytes)
{
    // An event's object, its strings, and its place in lists.
    private const int BytesBesideEvent = 700;

    private long _held;

    private long MaxBytes => maxBytes;

    public Part Begin() => new(this);

    /// <summary>What one room takes of it; given back when it is disposed.</summary>
    public sealed class Part(ToldMemory memory) : IDisposable
    {
        private long _bytes;

        /// <summary>An event more is kept.</summary>
        /// <exception cref="MalformedAnswerException">There is no memory for it.</exception>
        public void Add(int eventBytes)
        {
            _bytes += eventBytes + BytesBesideEvent;
            if (Interlocked.Add(ref memory._held, eventBytes + BytesBesideEvent) > memory.MaxBytes)
            {
                throw new MalformedAnswerException("the room is too large for the memory of this server");
            }
        }

        public void Dispose() => Interlocked.Add(ref memory._held, -Interlocked.Exchange(ref _bytes, 0));
    }
}
