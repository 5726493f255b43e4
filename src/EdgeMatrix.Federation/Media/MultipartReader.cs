using System.Text;

namespace EdgeMatrix.Federation.Media;

/// <summary>Reads a <c>multipart/mixed</c> body part by part as it comes; in memory is one piece of it at a time.</summary>
/// <remarks>
/// RFC 2046, section 5.1. Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1mediadownloadmediaid
/// </remarks>
/// <param name="boundary">As the <c>Content-Type</c> gives it.</param>
internal sealed class MultipartReader(Stream body, string boundary)
{
    /// <summary>"Boundary delimiters must not be longer than 70 characters".</summary>
    public const int MaxBoundaryLength = 70;

    private const int PieceBytes = 32 * 1024;
    private const int MaxHeaderBytes = 8 * 1024;

    // The line break before a boundary is of the boundary: so there is one before the first, too.
    private readonly byte[] _delimiter = Encoding.ASCII.GetBytes("\r\n--" + boundary);
    private readonly byte[] _buffer = [(byte)'\r', (byte)'\n', .. new byte[PieceBytes]];
    private int _start;
    private int _end = 2;

    /// <summary>The bytes of the part whose headers were read last.</summary>
    public Stream Part => new PartStream(this);

    /// <summary>Passes over what is left of a part, and reads the headers of the next.</summary>
    /// <returns>Null after the last.</returns>
    /// <exception cref="InvalidDataException">The body ends in between, or the headers are too long.</exception>
    public async Task<Dictionary<string, string>?> NextAsync(CancellationToken cancellation)
    {
        var rest = new byte[PieceBytes];
        while (await ReadAsync(rest, cancellation) > 0)
        {
        }

        _start += _delimiter.Length;
        var line = await LineAsync(cancellation);
        if (line.StartsWith("--", StringComparison.Ordinal))
        {
            return null;
        }

        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (var bytes = 0; (line = await LineAsync(cancellation)).Length > 0;)
        {
            if ((bytes += line.Length) > MaxHeaderBytes)
            {
                throw new InvalidDataException("The headers of a part are too long");
            }

            var colon = line.IndexOf(':');
            if (colon > 0)
            {
                headers[line[..colon].Trim()] = line[(colon + 1)..].Trim();
            }
        }

        return headers;
    }

    /// <returns>0 at the end of the part.</returns>
    private async ValueTask<int> ReadAsync(Memory<byte> into, CancellationToken cancellation)
    {
        while (true)
        {
            var at = _buffer.AsSpan(_start, _end - _start).IndexOf(_delimiter);
            if (at == 0)
            {
                return 0;
            }

            // What may be the beginning of a boundary is left until more has come.
            var ready = at > 0 ? at : _end - _start - _delimiter.Length + 1;
            if (ready > 0)
            {
                var count = Math.Min(ready, into.Length);
                _buffer.AsSpan(_start, count).CopyTo(into.Span);
                _start += count;
                return count;
            }

            await FillAsync(cancellation);
        }
    }

    private async Task<string> LineAsync(CancellationToken cancellation)
    {
        int length;
        while ((length = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n"u8)) < 0)
        {
            if (_end - _start > MaxHeaderBytes)
            {
                throw new InvalidDataException("A line of the headers of a part is too long");
            }

            await FillAsync(cancellation);
        }

        var line = Encoding.UTF8.GetString(_buffer, _start, length);
        _start += length + 2;
        return line;
    }

    private async Task FillAsync(CancellationToken cancellation)
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        var read = await body.ReadAsync(_buffer.AsMemory(_end), cancellation);
        _end += read > 0 ? read : throw new InvalidDataException("The body ends within a part");
    }

    private sealed class PartStream(MultipartReader reader) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            reader.ReadAsync(buffer, cancellationToken);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("read it without blocking");

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
