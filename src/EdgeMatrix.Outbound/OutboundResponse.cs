using System.Net;
using System.Net.Http.Headers;

namespace EdgeMatrix.Outbound;

/// <summary>An answer whose body is still to be read. It holds a turn of its <see cref="OutboundClient"/> until it is disposed.</summary>
public sealed class OutboundResponse : IDisposable
{
    private readonly HttpResponseMessage _message;
    private readonly Action _end;

    internal OutboundResponse(HttpResponseMessage message, Uri url, Stream body, Action end)
    {
        (_message, Url, Body, _end) = (message, url, body, end);
    }

    public HttpStatusCode Status => _message.StatusCode;

    /// <summary>Where it came from, after redirects.</summary>
    public Uri Url { get; }

    public HttpResponseHeaders Headers => _message.Headers;

    public HttpContentHeaders ContentHeaders => _message.Content.Headers;

    /// <summary>Ends with an <see cref="OutboundException"/> where it is longer than was asked for, late, or cut off.</summary>
    public Stream Body { get; }

    /// <summary>The whole body.</summary>
    /// <exception cref="OutboundException">It is longer than was asked for, late, or cut off.</exception>
    public async Task<byte[]> ReadAsync(CancellationToken cancellation)
    {
        using var bytes = new MemoryStream();
        await Body.CopyToAsync(bytes, cancellation);
        return bytes.ToArray();
    }

    public void Dispose()
    {
        Body.Dispose();
        _message.Dispose();
        _end();
    }
}
