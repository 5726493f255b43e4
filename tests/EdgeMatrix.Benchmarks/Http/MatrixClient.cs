using System.Text;
using System.Text.Json;

namespace EdgeMatrix.Benchmarks.Http;

/// <summary>A user and the access token of a device of theirs.</summary>
internal sealed record MatrixUser(string Id, string Token);

/// <summary>One device on one connection. Every operation fails unless it is answered with 200.</summary>
internal sealed class MatrixClient(Uri server, MatrixUser? user) : IDisposable
{
    private const string Api = "/_matrix/client/v3";

    // Transaction ids must differ between runs against one peer.
    private readonly string _transactions = Guid.NewGuid().ToString("N");
    private readonly HttpConnection _connection = new(server);
    private int _sent;

    public async Task<ReadOnlyMemory<byte>> RequestAsync(string method, string path, string? body = null)
    {
        var (status, answer) = await _connection.SendAsync(method, Api + path, user?.Token, body);
        return status == 200 ? answer : throw new IOException($"{method} {path}: {status} {Encoding.UTF8.GetString(answer.Span)}");
    }

    public Task<ReadOnlyMemory<byte>> GetAsync(string path) => RequestAsync("GET", path);

    public async Task<string> RequestTextAsync(string method, string path, string body, string property) =>
        Property(await RequestAsync(method, path, body), property);

    public Task<ReadOnlyMemory<byte>> PutMessageAsync(string room, string text) => RequestAsync(
        "PUT",
        $"/rooms/{Uri.EscapeDataString(room)}/send/m.room.message/{_transactions}{++_sent}",
        $$"""{"msgtype":"m.text","body":"{{text}}"}""");

    public async Task<string> SendMessageAsync(string room, string text) => Property(await PutMessageAsync(room, text), "event_id");

    public Task<ReadOnlyMemory<byte>> SyncAsync(string? since, int timeoutMs = 0, string? filter = null) =>
        GetAsync($"/sync?timeout={timeoutMs}{Parameter("since", since)}{Parameter("filter", filter)}");

    public async Task<string> SyncTokenAsync(string? since, int timeoutMs = 0, string? filter = null) =>
        Property(await SyncAsync(since, timeoutMs, filter), "next_batch");

    public Task JoinAsync(string room) => RequestAsync("POST", $"/join/{Uri.EscapeDataString(room)}", "{}");

    public Task LeaveAsync(string room) => RequestAsync("POST", $"/rooms/{Uri.EscapeDataString(room)}/leave", "{}");

    public void Dispose() => _connection.Dispose();

    private static string Parameter(string name, string? value) => value is null ? "" : $"&{name}={Uri.EscapeDataString(value)}";

    // The property of the top level, without building a document of a large answer.
    private static string Property(ReadOnlyMemory<byte> json, string name)
    {
        var reader = new Utf8JsonReader(json.Span);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals(name);
            reader.Read();
            if (found)
            {
                return reader.GetString()!;
            }

            reader.Skip();
        }

        throw new IOException($"an answer without {name}");
    }
}
