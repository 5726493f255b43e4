using System.Buffers;
using System.IO.Pipelines;

namespace EdgeMatrix.Sync;

/// <summary>
/// The bytes of an answer: it is written whole while a snapshot is open, and sent after that. A long one stands in a file meanwhile, as
/// soon as <see cref="AnswerSpool"/> has no memory for more.
/// </summary>
public sealed class ResponseBuffer(AnswerSpool spool) : IBufferWriter<byte>, IDisposable
{
    // Small enough to stay off the large object heap, whatever the length of the answer.
    private const int PieceBytes = 32 * 1024;

    private readonly List<(byte[] Bytes, int Written)> _full = [];
    private FileStream? _file;
    private long _fileBytes;

    // Empty until something is written: a sync that waits for news holds no piece.
    private byte[] _current = [];
    private int _written;

    public void Advance(int count) => _written += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_current.Length - _written < Math.Max(sizeHint, 1))
        {
            PutAway();
            _current = _current.Length > 0 ? _current : ArrayPool<byte>.Shared.Rent(Math.Max(sizeHint, PieceBytes));
        }

        return _current.AsMemory(_written);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public long Length => (_file?.Length ?? 0) + _full.Sum(piece => (long)piece.Written) + _written;

    /// <summary>Sends all of it, no faster than the client takes it.</summary>
    public async Task CopyToAsync(PipeWriter output, CancellationToken cancellationToken)
    {
        if (_file is not null)
        {
            _file.Position = 0;
            while (await _file.ReadAsync(output.GetMemory(PieceBytes), cancellationToken) is var read and > 0)
            {
                output.Advance(read);
                await output.FlushAsync(cancellationToken);
            }
        }

        foreach (var (bytes, written) in _full)
        {
            await output.WriteAsync(bytes.AsMemory(0, written), cancellationToken);
        }

        await output.WriteAsync(_current.AsMemory(0, _written), cancellationToken);
    }

    /// <summary>Forgets what was written.</summary>
    /// <remarks>Also after <see cref="AnswersFullException"/>, which any write may throw.</remarks>
    public void Clear()
    {
        GiveBackFull();
        if (_current.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_current);
        }

        _file?.Dispose();
        spool.ReleaseFileBytes(_fileBytes);
        _file = null;
        _fileBytes = 0;
        _current = [];
        _written = 0;
    }

    /// <summary>All of it in one array.</summary>
    public byte[] ToArray()
    {
        using var all = new MemoryStream();
        if (_file is not null)
        {
            _file.Position = 0;
            _file.CopyTo(all);
        }

        foreach (var (bytes, written) in _full.Append((_current, _written)))
        {
            all.Write(bytes, 0, written);
        }

        return all.ToArray();
    }

    public void Dispose() => Clear();

    // The piece at hand is full: kept as it is, or its bytes moved to the file, and then it can be filled again.
    private void PutAway()
    {
        if (_current.Length == 0)
        {
            return;
        }

        if (_file is null && spool.InMemory.TryHold(_current.Length))
        {
            _full.Add((_current, _written));
            _current = [];
        }
        else
        {
            _file ??= spool.CreateFile();
            foreach (var (bytes, written) in _full)
            {
                WriteToFile(_file, bytes, written);
            }

            GiveBackFull();
            WriteToFile(_file, _current, _written);
            ArrayPool<byte>.Shared.Return(_current);
            _current = [];
        }

        _written = 0;
    }

    private void WriteToFile(FileStream file, byte[] bytes, int written)
    {
        spool.HoldFileBytes(written);
        _fileBytes += written;
        file.Write(bytes, 0, written);
    }

    private void GiveBackFull()
    {
        foreach (var (bytes, _) in _full)
        {
            ArrayPool<byte>.Shared.Return(bytes);
            spool.InMemory.Release(bytes.Length);
        }

        _full.Clear();
    }
}
