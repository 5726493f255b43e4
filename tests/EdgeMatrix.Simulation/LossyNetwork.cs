using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using EdgeMatrix.Testing;

namespace EdgeMatrix.Simulation;

/// <summary>
/// Carries requests between servers as a bad network does: late, out of order, twice or not at all, and from one to the other but not back. What
/// becomes of a request follows from the seed, from which servers it is between, what it asks, and how often that was asked before: where a run is changed
/// a little, what has nothing to do with the change goes as it went.
/// </summary>
/// <param name="trace">Told of each request what becomes of it.</param>
internal sealed class LossyNetwork(ulong seed, Action<string> trace) : TestNetwork
{
    // After so long whoever sent a request that was lost sees the connection break.
    private static readonly TimeSpan _breaks = TimeSpan.FromSeconds(8);

    private readonly Dictionary<string, int> _asked = new(StringComparer.Ordinal);
    private readonly HashSet<(string From, string To)> _cuts = [];
    private readonly Dictionary<string, int> _lives = new(StringComparer.Ordinal);
    private int _asks;

    /// <summary>Whether requests are lost and doubled.</summary>
    public bool IsLossy { get; set; } = true;

    /// <summary>Whether keys reach the server whatever becomes of everything else: an event that comes with a join is dropped if they do not.</summary>
    public Func<string, bool> IsJoining { get; set; } = _ => true;

    /// <summary>Nothing comes from one server to the other any more, be it a request or an answer.</summary>
    public void Cut(string from, string to) => _cuts.Add((from, to));

    public void MendAll() => _cuts.Clear();

    /// <summary>What the server is, or was until now, sends nothing more; the next handler is of one that is started over its data.</summary>
    public void Kill(string server) => _lives[server] = _lives.GetValueOrDefault(server) + 1;

    public override HttpMessageHandler HandlerOf(string sender, TimeProvider time) =>
        new Living(() => _lives.GetValueOrDefault(sender)) { InnerHandler = base.HandlerOf(sender, time) };

    protected override async Task<HttpResponseMessage> CarryAsync(
        string sender, HttpRequestMessage request, Func<HttpMessageInvoker?> server, TimeProvider time, CancellationToken cancellation)
    {
        var host = request.RequestUri!.Host;
        var passes = request.RequestUri.AbsolutePath.StartsWith("/_matrix/key/", StringComparison.Ordinal) && IsJoining(sender);
        var fate = FateOf(sender, host, request);
        var number = ++_asks;
        var body = request.Content is null ? null : await request.Content.ReadAsByteArrayAsync(cancellation);
        trace($"#{number} {sender} -> {host} {request.Method} {request.RequestUri.PathAndQuery} {Told.Of(body)} {fate}");
        await Task.Delay(fate.There, time, cancellation);
        await PassAsync(sender, host, fate.LosesRequest, passes, time, cancellation);
        if (fate.Doubles)
        {
            _ = DoubleAsync(Copy(request, body), server, fate, time);
        }

        var life = _lives.GetValueOrDefault(host);
        using var response = await (server() ?? throw NotThere(request)).SendAsync(Copy(request, body), cancellation);
        var said = await response.Content.ReadAsByteArrayAsync(cancellation);
        trace($"#{number} {(int)response.StatusCode} {Told.Of(said)}");
        var answer = new HttpResponseMessage(response.StatusCode) { Content = new ByteArrayContent(said) };
        foreach (var header in response.Content.Headers)
        {
            answer.Content.Headers.TryAddWithoutValidation(header.Key, header.Value);
        }

        if (_lives.GetValueOrDefault(host) != life)
        {
            // Its power went before it could say so.
            await PassAsync(host, sender, loses: true, passes: false, time, cancellation);
        }

        await Task.Delay(fate.Back, time, cancellation);
        await PassAsync(host, sender, fate.LosesAnswer, passes, time, cancellation);
        return answer;
    }

    private async Task PassAsync(string from, string to, bool loses, bool passes, TimeProvider time, CancellationToken cancellation)
    {
        if (!passes && (loses || _cuts.Contains((from, to))))
        {
            await Task.Delay(_breaks, time, cancellation);
            throw new HttpRequestException(HttpRequestError.ConnectionError, $"the connection from {from} to {to} broke");
        }
    }

    private static async Task DoubleAsync(HttpRequestMessage request, Func<HttpMessageInvoker?> server, Fate fate, TimeProvider time)
    {
        await Task.Delay(fate.Again, time, CancellationToken.None);
        try
        {
            using var answer = await (server() ?? throw NotThere(request)).SendAsync(request, CancellationToken.None);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Nobody waits for it.
        }
    }

    private Fate FateOf(string sender, string host, HttpRequestMessage request)
    {
        // Without the ids in a path, of which each is asked for only once.
        var asks = string.Join('/', request.RequestUri!.AbsolutePath.Split('/').Take(5));
        var key = $"{sender} {host} {request.Method} {asks}";
        var nth = _asked[key] = _asked.GetValueOrDefault(key) + 1;
        var random = new Random(BinaryPrimitives.ReadInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{seed} {key} {nth}"))));
        return new Fate(
            Delay(random), Delay(random), Delay(random) + TimeSpan.FromSeconds(random.Next(20)),
            IsLossy && random.Next(20) == 0, IsLossy && random.Next(20) == 0, IsLossy && random.Next(12) == 0);
    }

    // Mostly tens of milliseconds, now and then seconds: so that later requests overtake.
    private static TimeSpan Delay(Random random) =>
        TimeSpan.FromMilliseconds(random.Next(12) == 0 ? random.Next(1, 5000) : random.Next(1, 150));

    private static HttpRequestMessage Copy(HttpRequestMessage request, byte[]? body)
    {
        var copy = new HttpRequestMessage(request.Method, request.RequestUri) { Version = HttpVersion.Version11 };
        foreach (var header in request.Headers)
        {
            copy.Headers.TryAddWithoutValidation(header.Key, header.Value);
        }

        if (body is not null)
        {
            copy.Content = new ByteArrayContent(body);
            foreach (var header in request.Content!.Headers)
            {
                copy.Content.Headers.TryAddWithoutValidation(header.Key, header.Value);
            }
        }

        return copy;
    }

    private sealed class Living(Func<int> life) : DelegatingHandler
    {
        private readonly int _life = life();

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Require();
            var answer = await base.SendAsync(request, cancellationToken);
            Require();
            return answer;
        }

        private void Require()
        {
            if (life() != _life)
            {
                throw new HttpRequestException(HttpRequestError.ConnectionError, "the power is off");
            }
        }
    }

    /// <param name="There">How long the request takes.</param>
    /// <param name="Back">How long the answer takes.</param>
    /// <param name="Again">When the request comes again, if it is doubled.</param>
    private readonly record struct Fate(TimeSpan There, TimeSpan Back, TimeSpan Again, bool LosesRequest, bool LosesAnswer, bool Doubles)
    {
        public override string ToString() =>
            $"{There.TotalMilliseconds}+{Back.TotalMilliseconds} ms{(LosesRequest ? ", lost" : "")}{(LosesAnswer ? ", answer lost" : "")}{(Doubles ? ", twice" : "")}";
    }
}
