using System.Buffers.Binary;

namespace EdgeMatrix.Storage.Space;

/// <summary>Reads pages of a database as they are committed: from the log where it has a newer one, else from the file.</summary>
/// <remarks>
/// For whoever holds a snapshot meanwhile, so that the log is not begun anew under it.
/// Format: https://sqlite.org/fileformat2.html#the_write_ahead_log
/// </remarks>
internal sealed class PageReader : IDisposable
{
    private const int LogHeaderBytes = 32;
    private const int FrameHeaderBytes = 24;

    private readonly FileStream _file;
    private readonly FileStream? _log;
    private readonly Dictionary<uint, long> _inLog = [];

    public PageReader(string path)
    {
        _file = Open(path);
        if (File.Exists(path + "-wal"))
        {
            _log = Open(path + "-wal");
            FindFrames(_log);
        }
    }

    /// <summary>Bytes of the log file.</summary>
    public long LogBytes => _log?.Length ?? 0;

    /// <param name="page">From 1.</param>
    /// <param name="bytes">Takes one page.</param>
    public void Read(uint page, Span<byte> bytes)
    {
        var (file, offset) = _inLog.TryGetValue(page, out var frame) ? (_log!, frame) : (_file, (page - 1L) * FreePages.PageBytes);
        for (var read = 0; read < bytes.Length;)
        {
            var part = RandomAccess.Read(file.SafeFileHandle, bytes[read..], offset + read);
            if (part == 0)
            {
                throw new DatabaseException($"Page {page} is beyond the end of the file.");
            }

            read += part;
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        _log?.Dispose();
    }

    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    // Frames of the present log have the salts of its header; a transaction counts with its last frame, which tells the size of the file.
    private void FindFrames(FileStream log)
    {
        Span<byte> header = stackalloc byte[LogHeaderBytes];
        if (RandomAccess.Read(log.SafeFileHandle, header, 0) < LogHeaderBytes)
        {
            return;
        }

        var salts = header[16..24].ToArray();
        var uncommitted = new List<(uint Page, long Offset)>();
        Span<byte> frame = stackalloc byte[FrameHeaderBytes];
        for (long at = LogHeaderBytes; RandomAccess.Read(log.SafeFileHandle, frame, at) == FrameHeaderBytes; at += FrameHeaderBytes + FreePages.PageBytes)
        {
            if (!frame[8..16].SequenceEqual(salts))
            {
                return;
            }

            uncommitted.Add((BinaryPrimitives.ReadUInt32BigEndian(frame), at + FrameHeaderBytes));
            if (BinaryPrimitives.ReadUInt32BigEndian(frame[4..]) != 0)
            {
                uncommitted.ForEach(known => _inLog[known.Page] = known.Offset);
                uncommitted.Clear();
            }
        }
    }
}
