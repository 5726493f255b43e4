using System.Buffers;
using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using EdgeMatrix.Media.Pictures;
using EdgeMatrix.Outbound;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Media.Previews;

public enum PreviewVerdict
{
    Done,

    /// <summary>Not a URL of <c>http</c> or <c>https</c>, or one with a user name in it.</summary>
    BadUrl,

    /// <summary>It is at an address or a port that the server does not ask for users.</summary>
    Refused,

    /// <summary>There is no such site, or it did not answer as it should.</summary>
    NoAnswer,

    /// <summary>Too many previews are being made.</summary>
    Busy,
}

/// <summary>
/// Previews of URLs: looked up by the server, so that sites do not learn who reads of them. Kept for an hour, failures for less; of a URL
/// that several ask for at once one is made. Their pictures are media of this server.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediapreview_url</remarks>
public sealed class UrlPreviews : IAsyncDisposable
{
    private const int MaxUrlLength = 2_048;
    private const int MaxUnderWay = 64;
    private const int MaxPageBytes = 512 * 1024;
    private const int MaxPictureBytes = 10 * 1024 * 1024;

    // A JPEG has what cameras write before its size.
    private const int MaxHeadBytes = 128 * 1024;
    private const int MaxOEmbedBytes = 64 * 1024;
    private const int MaxTitle = 200;
    private const int MaxDescription = 600;
    private const string Pages = "text/html, application/xhtml+xml, image/*;q=0.9, */*;q=0.1";

    private static readonly TimeSpan _lifetime = TimeSpan.FromHours(1);
    private static readonly TimeSpan _lifetimeOfFailure = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(15);
    private static readonly JsonWriterOptions _json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly OutboundClient _client;
    private readonly MediaRepository _media;
    private readonly LocalServer _server;
    private readonly TimeProvider _time;
    private readonly BoundedCache<string, Preview> _made = new("url_previews", wanted: 512 << 10, least: 32 << 10);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Task<Preview>> _underWay = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();

    public UrlPreviews(OutboundNetwork network, MediaRepository media, LocalServer server, TimeProvider time, MemoryBudget memory)
    {
        (_media, _server, _time) = (media, server, time);
        _client = new OutboundClient(network, concurrency: 4);
        memory.Add(_made);
    }

    /// <summary>The preview of a URL.</summary>
    /// <param name="ts">The time whose version is wanted, ms since the Unix epoch; null: now. A newer one may be given.</param>
    /// <returns>A JSON object if it is done: Open Graph data, with the picture as an <c>mxc://</c> URI. An empty one for what has no preview.</returns>
    public async Task<(ReadOnlyMemory<byte> Json, PreviewVerdict Verdict)> GetAsync(string url, long? ts, CancellationToken cancellationToken)
    {
        if (url.Length > MaxUrlLength || !Uri.TryCreate(url, UriKind.Absolute, out var parsed)
            || parsed.Scheme is not ("http" or "https") || parsed.UserInfo.Length > 0 || parsed.Host.Length == 0)
        {
            return (default, PreviewVerdict.BadUrl);
        }

        var key = parsed.GetComponents(UriComponents.HttpRequestUrl, UriFormat.UriEscaped);
        if (FindOrMake(key, ts) is not { } making)
        {
            return (default, PreviewVerdict.Busy);
        }

        var preview = await making.WaitAsync(cancellationToken);
        return (preview.Json, preview.Verdict);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Task[] left;
        lock (_lock)
        {
            left = [.. _underWay.Values];
        }

        await Task.WhenAll(left).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _client.Dispose();
        _stopping.Dispose();
    }

    // One that was fetched before the time that is wanted will do as long as it would have done then.
    private bool IsOf(Preview preview, long? ts)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        var lifetime = preview.Verdict == PreviewVerdict.Done ? _lifetime : _lifetimeOfFailure;
        return Math.Min(ts ?? now, now) - preview.FetchedTs < lifetime.TotalMilliseconds;
    }

    // Both under the lock: one that is kept between two looks would be made twice.
    private Task<Preview>? FindOrMake(string url, long? ts)
    {
        lock (_lock)
        {
            if (_made.TryGet(url, out var made) && IsOf(made, ts))
            {
                return Task.FromResult(made);
            }

            if (_underWay.TryGetValue(url, out var known))
            {
                return known;
            }

            if (_underWay.Count >= MaxUnderWay || _stopping.IsCancellationRequested)
            {
                return null;
            }

            return _underWay[url] = Task.Run(() => MakeAndKeepAsync(url));
        }
    }

    private async Task<Preview> MakeAndKeepAsync(string url)
    {
        try
        {
            var (json, verdict) = await MakeAsync(new Uri(url));
            var preview = new Preview(json, verdict, _time.GetUtcNow().ToUnixTimeMilliseconds());
            _made.Set(url, preview, (2 * url.Length) + json.Length + 100);
            return preview;
        }
        finally
        {
            lock (_lock)
            {
                _underWay.Remove(url);
            }
        }
    }

    private async Task<(byte[] Json, PreviewVerdict Verdict)> MakeAsync(Uri url)
    {
        try
        {
            return await FetchAsync(url) switch
            {
                { Page: { } page } found => (await WriteAsync(PageFacts.Read(page, found.Url)), PreviewVerdict.Done),
                { Status: HttpStatusCode.OK } found => (Write(json => WritePicture(json, found.Picture)), PreviewVerdict.Done),
                _ => ([], PreviewVerdict.NoAnswer),
            };
        }
        catch (OutboundException exception)
        {
            return ([], exception.Failure switch
            {
                OutboundFailure.Refused => PreviewVerdict.Refused,
                OutboundFailure.BadUrl => PreviewVerdict.BadUrl,
                _ => PreviewVerdict.NoAnswer,
            });
        }
    }

    /// <summary>What is at a URL: a picture, the beginning of a page, or nothing of anything else; and where it came from.</summary>
    /// <remarks>The request is over when this ends: a preview that kept its turn while it fetches a picture could wait for one that does the same.</remarks>
    private async Task<Found> FetchAsync(Uri url)
    {
        using var answer = await _client.OpenAsync(Request(url, Pages, MaxPictureBytes), _stopping.Token);
        var type = answer.ContentHeaders.ContentType;
        var isGood = answer.Status == HttpStatusCode.OK;
        var isPicture = type?.MediaType?.StartsWith("image/", StringComparison.OrdinalIgnoreCase) is true;
        var isPage = type?.MediaType is null or "text/html" or "application/xhtml+xml";
        return new Found(
            answer.Status,
            answer.Url,
            isGood && isPage ? PageCharset.Read(await ReadStartAsync(answer.Body, MaxPageBytes, mayBreakOff: true), type?.ToString()) ?? "" : null,
            isGood && isPicture ? await StoreAsync(answer.Body) : null);
    }

    private async Task<byte[]> WriteAsync(PageFacts facts)
    {
        var embed = facts is { IsMarkedUp: false, OEmbed: { } described } ? await ReadOEmbedAsync(described) : null;
        var image = embed?.Thumbnail ?? facts.Image;
        var picture = image is null ? null : await FetchPictureAsync(image);
        return Write(json =>
        {
            WriteText(json, "og:title"u8, embed?.Title ?? facts.Title, MaxTitle);
            WriteText(json, "og:description"u8, facts.Description, MaxDescription);
            WriteText(json, "og:site_name"u8, facts.SiteName ?? embed?.Provider, MaxTitle);
            WriteText(json, "og:type"u8, facts.Type, MaxTitle);
            WriteText(json, "og:url"u8, facts.Url?.AbsoluteUri, MaxUrlLength);
            WritePicture(json, picture);
            if (picture is not null)
            {
                WriteText(json, "og:image:alt"u8, facts.ImageAlt, MaxDescription);
            }
        });
    }

    private async Task<OEmbed?> ReadOEmbedAsync(Uri url)
    {
        try
        {
            var (status, body) = await _client.SendAsync(Request(url, "application/json", MaxOEmbedBytes), _stopping.Token);
            return status == HttpStatusCode.OK ? OEmbed.Read(body, url) : null;
        }
        catch (OutboundException)
        {
            return null;
        }
    }

    // A page is previewed without its picture where that cannot be had.
    private async Task<StoredPicture?> FetchPictureAsync(Uri url)
    {
        try
        {
            using var answer = await _client.OpenAsync(Request(url, "image/*", MaxPictureBytes), _stopping.Token);
            return answer.Status == HttpStatusCode.OK ? await StoreAsync(answer.Body) : null;
        }
        catch (OutboundException)
        {
            return null;
        }
    }

    // As it comes, to the disk: in memory is its head only.
    private async Task<StoredPicture?> StoreAsync(Stream body)
    {
        var head = await ReadStartAsync(body, MaxHeadBytes, mayBreakOff: false);
        return PictureHeader.Read(head) is { } header && await _media.StoreOfServerAsync(head, body, header.Type, _stopping.Token) is { } stored
            ? new StoredPicture($"mxc://{_server.Name}/{stored.MediaId}", header.Type, header.Width, header.Height, stored.Bytes)
            : null;
    }

    /// <param name="mayBreakOff">Whether of what breaks off, or comes too late, the part that is there will do.</param>
    private async Task<byte[]> ReadStartAsync(Stream body, int most, bool mayBreakOff)
    {
        var start = new byte[most];
        var read = 0;
        try
        {
            while (read < start.Length && await body.ReadAsync(start.AsMemory(read), _stopping.Token) is var more and > 0)
            {
                read += more;
            }
        }
        catch (OutboundException) when (mayBreakOff && read > 0)
        {
            // The beginning of a page says all that a preview needs.
        }

        return start[..read];
    }

    private static OutboundRequest Request(Uri url, string accept, long maxBytes) => new(HttpMethod.Get, url)
    {
        Accept = accept, MaxBytes = maxBytes, Timeout = _timeout, MaxRedirects = 5, WebPortsOnly = true,
    };

    private static void WritePicture(Utf8JsonWriter json, StoredPicture? picture)
    {
        if (picture is not null)
        {
            json.WriteString("og:image"u8, picture.Uri);
            json.WriteString("og:image:type"u8, picture.Type);
            json.WriteNumber("og:image:width"u8, picture.Width);
            json.WriteNumber("og:image:height"u8, picture.Height);
            json.WriteNumber("matrix:image:size"u8, picture.Bytes);
        }
    }

    private static void WriteText(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? text, int most)
    {
        if (PreviewText.Clean(text, most) is { } clean)
        {
            json.WriteString(name, clean);
        }
    }

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, _json))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private sealed record Preview(byte[] Json, PreviewVerdict Verdict, long FetchedTs);

    private sealed record StoredPicture(string Uri, string Type, int Width, int Height, long Bytes);

    private sealed record Found(HttpStatusCode Status, Uri Url, string? Page, StoredPicture? Picture);
}
