using EdgeMatrix.Outbound;

namespace EdgeMatrix.Federation.Requests;

/// <summary>An answer that is read as it comes, since it may be long; or why there is none.</summary>
public sealed class FederationStream : IDisposable
{
    private readonly OutboundResponse? _response;
    private readonly Action _end;

    internal FederationStream(OutboundResponse? response, FederationFailure? failure, Action end)
    {
        (_response, Failure, _end) = (response, failure, end);
    }

    public FederationFailure? Failure { get; }

    /// <summary>The body; throws an <see cref="OutboundException"/> where it is longer than was asked for, late, or cut off.</summary>
    /// <exception cref="InvalidOperationException">There is a failure instead.</exception>
    public Stream Body => _response?.Body ?? throw new InvalidOperationException(Failure?.Message);

    /// <summary>The <c>Content-Type</c>, as the server gave it; null if it gave none.</summary>
    public string? ContentType => Header("Content-Type");

    /// <summary>The <c>Content-Disposition</c>, as the server gave it; null if it gave none.</summary>
    public string? ContentDisposition => Header("Content-Disposition");

    public void Dispose()
    {
        _response?.Dispose();
        _end();
    }

    private string? Header(string name) =>
        _response?.ContentHeaders.TryGetValues(name, out var values) is true ? values.FirstOrDefault() : null;
}
