using System.Text.Encodings.Web;
using System.Text.Json;
using Xunit;

namespace EdgeMatrix.Testing;

/// <summary>
/// Writes every exchange of the tests into the file that <c>EDGEMATRIX_TRAFFIC</c> names, a JSON object a line, so that others can judge the server's
/// answers, and <c>tests/conformance</c> can tell which tests see which endpoints.
/// </summary>
internal sealed class TrafficRecorder(HttpMessageHandler server, string file) : DelegatingHandler(server)
{
    private static readonly Lock _writing = new();

    // What servers ask each other later on they ask for the test that started them.
    private readonly string? _test = TestContext.Current.TestClass?.TestClassName;
    private static readonly JsonWriterOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Between a server and its test, or other servers, where traffic is recorded; else the way to the server itself.</summary>
    public static HttpMessageHandler Before(HttpMessageHandler server) =>
        Environment.GetEnvironmentVariable("EDGEMATRIX_TRAFFIC") is { Length: > 0 } file ? new TrafficRecorder(server, file) : server;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        await response.Content.LoadIntoBufferAsync(cancellationToken);
        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        var type = response.Content.Headers.ContentType?.ToString() ?? "";
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line, _options))
        {
            json.WriteStartObject();
            json.WriteString("method"u8, request.Method.Method);
            json.WriteString("path"u8, request.RequestUri!.PathAndQuery);
            json.WriteNumber("status"u8, (int)response.StatusCode);
            json.WriteString("type"u8, type);
            json.WriteBoolean("auth"u8, request.Headers.Contains("Authorization"));
            json.WriteString("body"u8, type.Contains("json", StringComparison.Ordinal) ? System.Text.Encoding.UTF8.GetString(body) : null);
            json.WriteNumber("length"u8, body.Length);
            json.WriteString("test"u8, TestContext.Current.TestClass?.TestClassName ?? _test);
            json.WriteEndObject();
        }

        line.WriteByte((byte)'\n');
        lock (_writing)
        {
            using var log = new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
            line.WriteTo(log);
        }

        return response;
    }
}
