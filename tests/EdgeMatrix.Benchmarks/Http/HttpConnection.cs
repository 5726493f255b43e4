using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace EdgeMatrix.Benchmarks.Http;

/// <summary>One HTTP/1.1 connection that is kept, so lean that the client takes little of the machine it shares with the server.</summary>
internal sealed class HttpConnection(Uri server) : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] _received = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <returns>The status and the body, which is valid until the next request.</returns>
    public async Task<(int Status, ReadOnlyMemory<byte> Body)> SendAsync(string method, string path, string? token, string? body)
    {
        if (!_socket.Connected)
        {
            await _socket.ConnectAsync(server.Host, server.Port);
        }

        var authorization = token is null ? "" : $"Authorization: Bearer {token}\r\n";
        var length = body is null ? "" : $"Content-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n";
        var request = Encoding.UTF8.GetBytes($"{method} {path} HTTP/1.1\r\nHost: {server.Authority}\r\n{authorization}{length}\r\n{body}");
        await _socket.SendAsync(request);
        _start = _end = 0;
        return await ReceiveAsync();
    }

    public void Dispose() => _socket.Dispose();

    private async Task<(int Status, ReadOnlyMemory<byte> Body)> ReceiveAsync()
    {
        var statusLine = await ReadLineAsync();
        var status = int.Parse(statusLine.AsSpan(9, 3), CultureInfo.InvariantCulture);
        var length = 0;
        var chunked = false;
        while (await ReadLineAsync() is { Length: > 0 } header)
        {
            if (header.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
            {
                length = int.Parse(header.AsSpan(15), CultureInfo.InvariantCulture);
            }
            else if (header.StartsWith("Transfer-Encoding:", StringComparison.OrdinalIgnoreCase))
            {
                chunked = true;
            }
        }

        return (status, chunked ? await ReadChunksAsync() : await ReadAsync(length));
    }

    private async Task<ReadOnlyMemory<byte>> ReadChunksAsync()
    {
        var body = new MemoryStream();
        while (int.Parse((await ReadLineAsync()).Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture) is var length)
        {
            body.Write((await ReadAsync(length)).Span);
            await ReadLineAsync();
            if (length == 0)
            {
                break;
            }
        }

        return body.ToArray();
    }

    private async Task<string> ReadLineAsync()
    {
        int length;
        while ((length = _received.AsSpan(_start, _end - _start).IndexOf("\r\n"u8)) < 0)
        {
            await FillAsync();
        }

        var line = Encoding.Latin1.GetString(_received, _start, length);
        _start += length + 2;
        return line;
    }

    private async Task<ReadOnlyMemory<byte>> ReadAsync(int length)
    {
        while (_end - _start < length)
        {
            await FillAsync();
        }

        var body = _received.AsMemory(_start, length);
        _start += length;
        return body;
    }

    private async Task FillAsync()
    {
        if (_end == _received.Length)
        {
            Array.Resize(ref _received, _received.Length * 2);
        }

        var count = await _socket.ReceiveAsync(_received.AsMemory(_end));
        _end += count > 0 ? count : throw new IOException($"{server} closed the connection");
    }
}
