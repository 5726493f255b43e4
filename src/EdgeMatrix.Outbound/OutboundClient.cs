using System.Net;
using System.Net.Http.Headers;

namespace EdgeMatrix.Outbound;

/// <summary>
/// Makes requests over the <see cref="OutboundNetwork"/> for one part of the server (push, previews, application services), so many at once: parts that
/// wait for slow servers do not hold up others. Further ones wait for a turn, as long as their time-out allows.
/// </summary>
/// <param name="concurrency">How many requests are under way at once.</param>
public sealed class OutboundClient(OutboundNetwork network, int concurrency) : IDisposable
{
    private static readonly ProductInfoHeaderValue _userAgent = new(new ProductHeaderValue("EdgeMatrix"));

    private readonly SemaphoreSlim _turns = new(concurrency);

    public OutboundNetwork Network => network;

    /// <summary>Sends a request, and reads all of the answer.</summary>
    /// <exception cref="OutboundException">There was no answer, or none that is to be taken.</exception>
    public async Task<(HttpStatusCode Status, byte[] Body)> SendAsync(OutboundRequest request, CancellationToken cancellation)
    {
        using var response = await OpenAsync(request, cancellation);
        return (response.Status, await response.ReadAsync(cancellation));
    }

    /// <summary>Sends a request; the body of the answer, which may be long, is read by the caller.</summary>
    /// <exception cref="OutboundException">There was no answer, or none that is to be taken.</exception>
    public async Task<OutboundResponse> OpenAsync(OutboundRequest request, CancellationToken cancellation)
    {
        var deadline = new CancellationTokenSource(request.Timeout, network.Time);
        var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        var hasTurn = false;
        try
        {
            await _turns.WaitAsync(either.Token);
            hasTurn = true;
            var (message, url) = await FollowAsync(request, either.Token);
            if (message.Content.Headers.ContentLength > request.MaxBytes)
            {
                message.Dispose();
                throw BoundedBody.TooLarge(request.MaxBytes);
            }

            var body = await message.Content.ReadAsStreamAsync(either.Token);
            return new OutboundResponse(message, url, new BoundedBody(body, request, network.Time, deadline.Token), End);
        }
        catch (Exception exception)
        {
            End();
            throw exception switch
            {
                OutboundException => exception,
                HttpRequestException { InnerException: OutboundException inner } => inner,
                OperationCanceledException when !cancellation.IsCancellationRequested =>
                    new OutboundException(OutboundFailure.TimedOut, "The server did not answer in time", exception),
                HttpRequestException or IOException => new OutboundException(OutboundFailure.Unreachable, "The server cannot be reached", exception),
                _ => exception,
            };
        }

        void End()
        {
            either.Dispose();
            deadline.Dispose();
            if (hasTurn)
            {
                _turns.Release();
            }
        }
    }

    public void Dispose() => _turns.Dispose();

    private async Task<(HttpResponseMessage Message, Uri Url)> FollowAsync(OutboundRequest request, CancellationToken cancellation)
    {
        var url = request.Url;
        for (var redirects = 0; ; redirects++)
        {
            Check(url, request);
            var sender = request.NamedByOperator ? network.ToNamedByOperator : network.ToAnyone;
            using var message = Message(request, url);
            var response = await sender.SendAsync(message, cancellation);
            if (request.Method != HttpMethod.Get || request.MaxRedirects == 0 || Target(response, url) is not { } target)
            {
                return (response, url);
            }

            response.Dispose();
            if (redirects == request.MaxRedirects)
            {
                throw new OutboundException(OutboundFailure.TooManyRedirects, "The server redirects too often");
            }

            if (url.Scheme == Uri.UriSchemeHttps && target.Scheme == Uri.UriSchemeHttp)
            {
                throw new OutboundException(OutboundFailure.BadUrl, "The server redirects from https to http");
            }

            url = target;
        }
    }

    private static Uri? Target(HttpResponseMessage response, Uri url) => response.StatusCode
        is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect
        or HttpStatusCode.PermanentRedirect && response.Headers.Location is { } location
            ? new Uri(url, location)
            : null;

    private static HttpRequestMessage Message(OutboundRequest request, Uri url)
    {
        var message = new HttpRequestMessage(request.Method, url);
        message.Headers.UserAgent.Add(_userAgent);
        message.Headers.Host = request.Host;
        if (request.Accept is not null)
        {
            message.Headers.TryAddWithoutValidation("Accept", request.Accept);
        }

        if (request.Authorization is not null && url.GetLeftPart(UriPartial.Authority) == request.Url.GetLeftPart(UriPartial.Authority))
        {
            message.Headers.TryAddWithoutValidation("Authorization", request.Authorization);
        }

        if (request.Body is { } body)
        {
            message.Content = new ReadOnlyMemoryContent(body);
            message.Content.Headers.TryAddWithoutValidation("Content-Type", request.ContentType);
        }

        return message;
    }

    // An address that stands in the URL itself is known to be wrong before anything is sent, whatever the transport.
    private void Check(Uri url, OutboundRequest request)
    {
        if (!url.IsAbsoluteUri || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps) || url.UserInfo.Length > 0)
        {
            throw new OutboundException(OutboundFailure.BadUrl, "Not a URL of http or https, without a user name");
        }

        if (request.WebPortsOnly && url.Port is not (80 or 443 or > 1023))
        {
            throw new OutboundException(OutboundFailure.Refused, "The port is none of the web's");
        }

        if (!request.NamedByOperator && IPAddress.TryParse(url.IdnHost, out var literal) && !network.Addresses.Allows(literal))
        {
            throw new OutboundException(OutboundFailure.Refused, "The address is none that requests may go to");
        }
    }
}
