using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using EdgeMatrix.Testing;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Stands before a server, counts what it is asked, and changes what it answers.</summary>
internal sealed class TamperedServer(TestHomeserver server) : HttpMessageHandler
{
    private readonly Lock _lock = new();
    private readonly List<string> _asked = [];

    /// <summary>Changes an answer that is an object; the path of the request comes with it.</summary>
    public Action<string, JsonObject>? Change { get; set; }

    /// <summary>Gives a whole answer instead of the server's own; null for none.</summary>
    public Func<string, HttpResponseMessage?>? Replace { get; set; }

    /// <summary>Waited for before a request reaches the server.</summary>
    public Task Before { get; set; } = Task.CompletedTask;

    /// <summary>How often a path was asked for that has this in it.</summary>
    public int Asked(string part)
    {
        lock (_lock)
        {
            return _asked.Count(path => path.Contains(part, StringComparison.Ordinal));
        }
    }

    public static HttpResponseMessage Answer(HttpStatusCode status, string json) =>
        new(status) { Content = new StringContent(json, Encoding.UTF8, "application/json") };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var path = request.RequestUri!.PathAndQuery;
        lock (_lock)
        {
            _asked.Add(path);
        }

        await Before.WaitAsync(cancellationToken);
        if (Replace?.Invoke(path) is { } whole)
        {
            return whole;
        }

        using var copy = new HttpRequestMessage(request.Method, path);
        foreach (var (name, values) in request.Headers)
        {
            copy.Headers.TryAddWithoutValidation(name, values);
        }

        if (request.Content is not null)
        {
            copy.Content = new ByteArrayContent(await request.Content.ReadAsByteArrayAsync(cancellationToken));
        }

        var answer = await server.Http.SendAsync(copy, cancellationToken);
        if (Change is null || !answer.IsSuccessStatusCode || JsonNode.Parse(await answer.Content.ReadAsStringAsync(cancellationToken)) is not JsonObject body)
        {
            return answer;
        }

        Change(path, body);
        answer.Dispose();
        return Answer(HttpStatusCode.OK, body.ToJsonString());
    }
}
