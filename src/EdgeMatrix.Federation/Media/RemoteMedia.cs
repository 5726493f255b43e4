using System.Net;
using System.Net.Http.Headers;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Media;
using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms;

namespace EdgeMatrix.Federation.Media;

/// <summary>The file that an <c>mxc://</c> URI stands for, whichever server's it is: that of another is fetched once, and kept.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#content-repository</remarks>
/// <param name="web">The way to where servers keep files elsewhere.</param>
public sealed class RemoteMedia(
    FederationClient client, OutboundNetwork web, MediaRepository media, RemoteMediaStore store, LocalServer server) : IAsyncDisposable
{
    private const int MostUnderWay = 256;
    private const int MostOfServer = 4;
    private const int MostElsewhere = 8;
    private const int MostRedirects = 3;
    private const int MaxIdLength = 255;

    // The delimiters of the parts, their headers, and the object of the first.
    private const int MaxBytesBesideFile = 64 * 1024;

    // Fifty megabytes come within it over a poor line.
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    private readonly OutboundClient _web = new(web, MostElsewhere);
    private readonly TurnsByName _turns = new(MostOfServer);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<(string, string), Task<Fetched>> _underWay = [];

    /// <param name="wait">How long to wait for a file whose id was made and that is not there yet.</param>
    /// <returns>And why another server did not give it, where that is so.</returns>
    /// <exception cref="OperationCanceledException">The caller gave up, or the server stops.</exception>
    public async Task<(MediaLookup Found, FederationFailure? Failure)> FindAsync(
        string serverName, string mediaId, TimeSpan wait, CancellationToken cancellation)
    {
        if (serverName == server.Name)
        {
            return (await media.FindAsync(serverName, mediaId, wait, cancellation), null);
        }

        if (!ServerName.IsValid(serverName) || !IsId(mediaId))
        {
            return (new MediaLookup(MediaVerdict.NotFound), null);
        }

        if (store.Find(serverName, mediaId) is { } kept)
        {
            return (kept, null);
        }

        var fetched = await FetchOnce(serverName, mediaId, wait).WaitAsync(cancellation);
        return fetched.Verdict == MediaVerdict.Found
            ? (store.Find(serverName, mediaId) ?? new MediaLookup(MediaVerdict.NotFound), null)
            : (new MediaLookup(fetched.Verdict), fetched.Failure);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Task[] running;
        lock (_lock)
        {
            running = [.. _underWay.Values];
        }

        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _web.Dispose();
        _stopping.Dispose();
    }

    // "opaque", but of a file's name and of a path it has nothing.
    private static bool IsId(string mediaId) =>
        mediaId.Length is > 0 and <= MaxIdLength
        && mediaId.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.' or '=' or '~');

    private Task<Fetched> FetchOnce(string serverName, string mediaId, TimeSpan wait)
    {
        lock (_lock)
        {
            if (_underWay.TryGetValue((serverName, mediaId), out var known))
            {
                return known;
            }

            if (_underWay.Count >= MostUnderWay)
            {
                return Task.FromResult(new Fetched(MediaVerdict.NotGiven, Failed("Too many files are being fetched")));
            }

            return _underWay[(serverName, mediaId)] = Task.Run(() => FetchAsync(serverName, mediaId, wait));
        }
    }

    private async Task<Fetched> FetchAsync(string serverName, string mediaId, TimeSpan wait)
    {
        try
        {
            var endTurn = await _turns.TakeAsync(serverName, _stopping.Token);
            try
            {
                return await FetchPartsAsync(serverName, mediaId, wait) ?? await FetchOldAsync(serverName, mediaId, wait);
            }
            finally
            {
                endTurn();
            }
        }
        catch (OutboundException exception)
        {
            return exception.Failure == OutboundFailure.TooLarge
                ? new Fetched(MediaVerdict.TooLarge)
                : new Fetched(MediaVerdict.NotGiven, Failed($"{serverName}: {exception.Message}"));
        }
        catch (InvalidDataException exception)
        {
            return new Fetched(MediaVerdict.NotGiven, Failed($"{serverName}: {exception.Message}"));
        }
        finally
        {
            lock (_lock)
            {
                _underWay.Remove((serverName, mediaId));
            }
        }
    }

    /// <summary><c>GET /_matrix/federation/v1/media/download/{mediaId}</c></summary>
    /// <returns>Null if the server does not know the endpoint.</returns>
    private async Task<Fetched?> FetchPartsAsync(string serverName, string mediaId, TimeSpan wait)
    {
        var target = $"/_matrix/federation/v1/media/download/{mediaId}?timeout_ms={(long)wait.TotalMilliseconds}";
        using var answer = await client.OpenAsync(Bounded(FederationRequest.Get(serverName, target)), _stopping.Token);
        if (answer.Failure is { } failure)
        {
            // A 404 of a server that knows the endpoint says M_NOT_FOUND.
            return failure.Status is 404 or 405 && failure.Code != "M_NOT_FOUND" ? null : Refused(failure);
        }

        var parts = new MultipartReader(answer.Body, BoundaryOf(answer.ContentType));
        if (await parts.NextAsync(_stopping.Token) is null || await parts.NextAsync(_stopping.Token) is not { } headers)
        {
            throw new InvalidDataException("There is no part with a file");
        }

        // "the location from which the media can be downloaded", a CDN's say.
        return headers.TryGetValue("Location", out var location)
            ? await FetchElsewhereAsync(serverName, mediaId, location)
            : await StoreAsync(
                serverName,
                mediaId,
                parts.Part,
                headers.GetValueOrDefault("Content-Type"),
                headers.GetValueOrDefault("Content-Disposition"));
    }

    /// <summary><c>GET /_matrix/media/v3/download/{serverName}/{mediaId}</c>, as servers gave files to anybody before v1.11.</summary>
    private async Task<Fetched> FetchOldAsync(string serverName, string mediaId, TimeSpan wait)
    {
        var target = $"/_matrix/media/v3/download/{serverName}/{mediaId}?allow_remote=false&timeout_ms={(long)wait.TotalMilliseconds}";
        var request = Bounded(FederationRequest.Get(serverName, target)) with { IsSigned = false };
        using var answer = await client.OpenAsync(request, _stopping.Token);
        return answer.Failure is { } failure
            ? Refused(failure)
            : await StoreAsync(serverName, mediaId, answer.Body, answer.ContentType, answer.ContentDisposition);
    }

    private async Task<Fetched> FetchElsewhereAsync(string serverName, string mediaId, string location)
    {
        if (!Uri.TryCreate(location, UriKind.Absolute, out var url))
        {
            throw new InvalidDataException("Where the file is said to be is no URL");
        }

        var request = new OutboundRequest(HttpMethod.Get, url)
        {
            MaxBytes = store.MaxBytes, Timeout = _timeout, Patience = _patience, MaxRedirects = MostRedirects, WebPortsOnly = true,
        };
        using var answer = await _web.OpenAsync(request, _stopping.Token);
        return answer.Status == HttpStatusCode.OK
            ? await StoreAsync(
                serverName,
                mediaId,
                answer.Body,
                answer.ContentHeaders.ContentType?.ToString(),
                answer.ContentHeaders.ContentDisposition?.ToString())
            : new Fetched(MediaVerdict.NotGiven, Failed($"{serverName} says that the file is where it is not"));
    }

    private async Task<Fetched> StoreAsync(string serverName, string mediaId, Stream body, string? type, string? disposition)
    {
        var name = ContentDispositionHeaderValue.TryParse(disposition, out var read) ? read.FileNameStar ?? read.FileName?.Trim('"') : null;
        return await store.StoreAsync(serverName, mediaId, body, MediaNames.Type(type), MediaNames.Clean(name), _stopping.Token)
            ? new Fetched(MediaVerdict.Found)
            : new Fetched(MediaVerdict.TooLarge);
    }

    private FederationRequest Bounded(FederationRequest request) =>
        request with { Lane = FederationLane.Media, MaxBytes = store.MaxBytes + MaxBytesBesideFile, Timeout = _timeout };

    private static string BoundaryOf(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type) && type.MediaType == "multipart/mixed"
        && type.Parameters.FirstOrDefault(parameter => parameter.Name.Equals("boundary", StringComparison.OrdinalIgnoreCase)) is { Value: { } value }
        && value.Trim('"') is { Length: > 0 and <= MultipartReader.MaxBoundaryLength } boundary
            ? boundary
            : throw new InvalidDataException("The answer is not in parts");

    private static Fetched Refused(FederationFailure failure) => failure switch
    {
        { Code: "M_NOT_YET_UPLOADED" } => new Fetched(MediaVerdict.NotYetUploaded),

        // An answer of which nothing was read yet is malformed by the length that it says.
        { Code: "M_TOO_LARGE" } or { Kind: FederationFailureKind.Malformed } => new Fetched(MediaVerdict.TooLarge),
        _ => new Fetched(MediaVerdict.NotGiven, failure),
    };

    private static FederationFailure Failed(string message) => new(FederationFailureKind.Malformed, 0, null, message);

    /// <param name="Failure">Of <see cref="MediaVerdict.NotGiven"/>.</param>
    private readonly record struct Fetched(MediaVerdict Verdict, FederationFailure? Failure = null);
}
