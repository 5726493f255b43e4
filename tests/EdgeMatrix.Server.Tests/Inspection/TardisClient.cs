using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EdgeMatrix.Server.Tests.Inspection;

/// <summary>Does what TARDIS does when one steps to the end of a loaded room and asks for the state.</summary>
/// <param name="roomVersion">What TARDIS takes it for: version 10 unless a scenario says otherwise.</param>
internal sealed class TardisClient(Uri shim, IReadOnlyList<JsonObject> events, string roomVersion) : IDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly Dictionary<string, JsonObject> _eventCache = events.ToDictionary(static e => (string)e["event_id"]!);

    /// <summary>What TARDIS knows, by event: the state after it, with keys such as <c>["m.room.topic",""]</c>.</summary>
    public Dictionary<string, Dictionary<string, string>> StateAtEvent { get; } = [];

    /// <summary>Why steps failed, by event.</summary>
    public Dictionary<string, string> Errors { get; } = [];

    /// <summary>The ids of the events that the shim asked for, in their order.</summary>
    public List<string> Asked { get; } = [];

    /// <summary>The events of an export, one a line.</summary>
    public static List<JsonObject> Load(IEnumerable<string> ndjson) => [.. ndjson.Select(static line => JsonNode.Parse(line)!.AsObject())];

    public async Task StepThroughAsync(CancellationToken cancellation)
    {
        await _socket.ConnectAsync(shim, cancellation);
        foreach (var atEvent in events)
        {
            await StepAsync(atEvent, cancellation);
        }

        await _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", cancellation);
    }

    public async Task StepAsync(JsonObject atEvent, CancellationToken cancellation)
    {
        var eventId = (string)atEvent["event_id"]!;
        if (StateAtEvent.ContainsKey(eventId))
        {
            return;
        }

        var states = atEvent["prev_events"]!.AsArray().Select(prev => StateAtEvent.GetValueOrDefault((string)prev!) ?? []);
        var id = Guid.NewGuid().ToString();
        var data = new JsonObject
        {
            ["state"] = new JsonArray([.. states.Select(static state => JsonNode.Parse(JsonSerializer.Serialize(state)))]),
            ["room_version"] = roomVersion,
            ["event"] = atEvent.DeepClone(),
        };
        if (atEvent["room_id"] is { } roomId)
        {
            data["room_id"] = roomId.DeepClone();
        }

        await SendAsync(new JsonObject { ["id"] = id, ["type"] = "resolve_state", ["data"] = data }, cancellation);
        while (await ReceiveAsync(cancellation) is { } message)
        {
            if ((string)message["type"]! == "get_event")
            {
                var asked = (string)message["data"]!["event_id"]!;
                Asked.Add(asked);
                if (_eventCache.TryGetValue(asked, out var given))
                {
                    message["data"]!["event"] = given.DeepClone();
                }

                await SendAsync(message, cancellation);
            }
            else if ((string)message["id"]! == id)
            {
                var error = (string)message["data"]!["error"]!;
                var result = message["data"]!["result"]!.AsObject();
                StateAtEvent[eventId] = result.ToDictionary(static entry => entry.Key, static entry => (string)entry.Value!);
                if (error.Length > 0)
                {
                    Errors[eventId] = error;
                }

                return;
            }
        }
    }

    public async Task ConnectAsync(CancellationToken cancellation) => await _socket.ConnectAsync(shim, cancellation);

    public Task SendAsync(JsonObject message, CancellationToken cancellation) => SendAsync(message.ToJsonString(), cancellation);

    public Task SendAsync(string text, CancellationToken cancellation) =>
        _socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, cancellation);

    /// <summary>Null when the shim closes.</summary>
    public async Task<JsonObject?> ReceiveAsync(CancellationToken cancellation)
    {
        using var whole = new MemoryStream();
        var buffer = new byte[4096];
        while (true)
        {
            var received = await _socket.ReceiveAsync(buffer, cancellation);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            whole.Write(buffer, 0, received.Count);
            if (received.EndOfMessage)
            {
                return JsonNode.Parse(whole.ToArray())!.AsObject();
            }
        }
    }

    public void Dispose() => _socket.Dispose();
}
