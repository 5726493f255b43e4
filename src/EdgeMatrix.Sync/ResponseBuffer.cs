using System.Buffers;
using System.IO.Pipelines;

namespace EdgeMatrix.Sync;

/// <summary>The bytes of an answer, in rented pieces: it is written whole while a snapshot is open, and sent after that.</summary>
public sealed class ResponseBuffer : IBufferWriter<byte>, IDisposable
{
    // Small enough to stay off the large object heap, whatever the length of the answer.
    private const int PieceBytes = 32 * 1024;

    private readonly List<(byte[] Bytes, int Written)> _full = [];

    // Empty until something is written: a sync that waits for news holds no piece.
    private byte[] _current = [];
    private int _written;

    public void Advance(int count) => _written += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_current.Length - _written < Math.Max(sizeHint, 1))
        {
            if (_current.Length > 0)
            {
                _full.Add((_current, _written));
            }

            _current = ArrayPool<byte>.Shared.Rent(Math.Max(sizeHint, PieceBytes));
            _written = 0;
        }

        return _current.AsMemory(_written);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public long Length => _full.Sum(piece => (long)piece.Written) + _written;

    /// <summary>Sends all of it, no faster than the client takes it.</summary>
    public async Task CopyToAsync(PipeWriter output, CancellationToken cancellationToken)
    {
        foreach (var (bytes, written) in _full)
        {
            await output.WriteAsync(bytes.AsMemory(0, written), cancellationToken);
        }

        await output.WriteAsync(_current.AsMemory(0, _written), cancellationToken);
    }

    /// <summary>Forgets what was written.</summary>
    public void Clear()
    {
        foreach (var (bytes, _) in _full)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }

        if (_current.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_current);
        }

        _full.Clear();
        _current = [];
        _written = 0;
    }

    /// <summary>All of it in one array.</summary>
    public byte[] ToArray()
    {
        var all = new byte[Length];
        var at = 0;
        foreach (var (bytes, written) in _full.Append((_current, _written)))
        {
            bytes.AsSpan(0, written).CopyTo(all.AsSpan(at));
            at += written;
        }

        return all;
    }

    public void Dispose() => Clear();
}
