using System.Buffers.Binary;

namespace EdgeMatrix.Storage.Backups;

/// <summary>Which pages of a database stand in its log, up to the last commit that is whole there.</summary>
/// <remarks>Format: https://sqlite.org/fileformat2.html#the_write_ahead_log</remarks>
internal sealed class LogFrames
{
    private const int HeaderBytes = 32;
    private const int FrameHeaderBytes = 24;
    private const uint LittleEndianSums = 0x377F0682;
    private const uint BigEndianSums = 0x377F0683;

    private readonly FileStream _log;
    private readonly byte[] _header;
    private readonly Dictionary<uint, long> _offsets = [];

    private LogFrames(FileStream log, byte[] header)
    {
        _log = log;
        _header = header;
    }

    /// <summary>Bytes of a page.</summary>
    public int PageSize { get; private set; }

    /// <summary>Pages of the database after the commit; 0: the log holds no commit.</summary>
    public uint Pages { get; private set; }

    public static LogFrames Read(FileStream log)
    {
        while (true)
        {
            var header = new byte[HeaderBytes];
            var frames = new LogFrames(log, header);
            if (RandomAccess.Read(log.SafeFileHandle, header, 0) == HeaderBytes)
            {
                frames.Scan();
            }

            if (frames.IsCurrent())
            {
                return frames;
            }
        }
    }

    /// <summary>Reads a page of the log; false where it is to be read from the database.</summary>
    /// <remarks>
    /// A log is begun anew only when the database has every page of it. So a log that is another one by the time a page was read says
    /// that the database has that page, and keeps it, as <see cref="DatabaseCopy"/> tells.
    /// </remarks>
    public bool TryRead(uint page, Span<byte> into) =>
        _offsets.TryGetValue(page, out var offset) && RandomAccess.Read(_log.SafeFileHandle, into, offset) == into.Length && IsCurrent();

    private bool IsCurrent()
    {
        Span<byte> now = stackalloc byte[HeaderBytes];
        var read = RandomAccess.Read(_log.SafeFileHandle, now, 0);
        now[read..].Clear();
        return now.SequenceEqual(_header);
    }

    private void Scan()
    {
        var magic = BinaryPrimitives.ReadUInt32BigEndian(_header);
        var sums = new Sums(bigEndian: magic == BigEndianSums);
        sums.Add(_header.AsSpan(0, 24));
        if (magic is not (LittleEndianSums or BigEndianSums) || !sums.Match(_header.AsSpan(24)))
        {
            return;
        }

        var pageSize = (int)BinaryPrimitives.ReadUInt32BigEndian(_header.AsSpan(8));
        var frame = new byte[FrameHeaderBytes + pageSize];
        var open = new List<(uint Page, long Offset)>();
        for (long at = HeaderBytes; RandomAccess.Read(_log.SafeFileHandle, frame, at) == frame.Length; at += frame.Length)
        {
            // What a log before this one left has other salts.
            sums.Add(frame.AsSpan(0, 8));
            sums.Add(frame.AsSpan(FrameHeaderBytes));
            if (!frame.AsSpan(8, 8).SequenceEqual(_header.AsSpan(16, 8)) || !sums.Match(frame.AsSpan(16)))
            {
                return;
            }

            open.Add((BinaryPrimitives.ReadUInt32BigEndian(frame), at + FrameHeaderBytes));
            if (BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(4)) is > 0 and var pages)
            {
                open.ForEach(written => _offsets[written.Page] = written.Offset);
                open.Clear();
                (Pages, PageSize) = (pages, pageSize);
            }
        }
    }

    private struct Sums(bool bigEndian)
    {
        private uint _first;
        private uint _second;

        public void Add(ReadOnlySpan<byte> bytes)
        {
            for (; bytes.Length >= 8; bytes = bytes[8..])
            {
                _first += Word(bytes) + _second;
                _second += Word(bytes[4..]) + _first;
            }
        }

        public readonly bool Match(ReadOnlySpan<byte> stored) =>
            BinaryPrimitives.ReadUInt32BigEndian(stored) == _first && BinaryPrimitives.ReadUInt32BigEndian(stored[4..]) == _second;

        private readonly uint Word(ReadOnlySpan<byte> bytes) =>
            bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }
}
