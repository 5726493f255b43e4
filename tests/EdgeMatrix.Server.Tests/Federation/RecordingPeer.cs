using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Another server that remembers the transactions it is sent, and answers as a test wants.</summary>
internal sealed class RecordingPeer : HttpMessageHandler
{
    private readonly ConcurrentQueue<(string TxnId, JsonElement Body)> _received = new();

    /// <summary>What it answers to a transaction; null: that all is well.</summary>
    public Func<JsonElement, Task<HttpResponseMessage?>>? Answer { get; set; }

    /// <summary>All that arrived, also what it did not take, in their order.</summary>
    public IReadOnlyList<(string TxnId, JsonElement Body)> Received => [.. _received];

    /// <summary>The bodies of the messages among the events, in their order.</summary>
    public IEnumerable<string> Texts => Pdus.Where(pdu => Type(pdu) == "m.room.message")
        .Select(pdu => pdu.GetProperty("content").GetProperty("body").GetString()!);

    public IEnumerable<JsonElement> Pdus => Received.SelectMany(transaction => transaction.Body.GetProperty("pdus").EnumerateArray());

    public static HttpResponseMessage Fail(HttpStatusCode status, int? retryAfterSeconds = null)
    {
        var answer = new HttpResponseMessage(status) { Content = new StringContent("""{"errcode":"M_UNKNOWN","error":"no"}""") };
        answer.Headers.RetryAfter = retryAfterSeconds is { } seconds ? new RetryConditionHeaderValue(TimeSpan.FromSeconds(seconds)) : null;
        return answer;
    }

    /// <summary>The contents of the EDUs of a type, in their order.</summary>
    public IReadOnlyList<JsonElement> Edus(string type) =>
    [
        .. Received.Where(transaction => transaction.Body.TryGetProperty("edus", out _))
            .SelectMany(transaction => transaction.Body.GetProperty("edus").EnumerateArray())
            .Where(edu => edu.GetProperty("edu_type").GetString() == type)
            .Select(edu => edu.GetProperty("content")),
    ];

    public static string Type(JsonElement pdu) => pdu.GetProperty("type").GetString()!;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        const string send = "/_matrix/federation/v1/send/";
        var path = request.RequestUri!.AbsolutePath;
        if (!path.StartsWith(send, StringComparison.Ordinal))
        {
            return Fail(HttpStatusCode.NotFound);
        }

        var body = JsonElement.Parse(await request.Content!.ReadAsStringAsync(cancellationToken));
        _received.Enqueue((path[send.Length..], body));
        return (Answer is null ? null : await Answer(body).WaitAsync(cancellationToken))
            ?? new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("""{"pdus":{}}""", Encoding.UTF8, "application/json") };
    }
}
