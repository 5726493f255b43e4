using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>What another server told of a room's events; or why it did not.</summary>
/// <param name="Events">JSON of events, not checked in any way; null if there is a failure.</param>
public readonly record struct ToldEvents(List<ReadOnlyMemory<byte>>? Events, FederationFailure? Failure);

/// <param name="State">Ids of the state before an event; null if there is a failure.</param>
/// <param name="AuthChain">Ids of what is in the auth chains of that.</param>
public readonly record struct ToldState(List<string>? State, List<string>? AuthChain, FederationFailure? Failure);

/// <summary>Asks other servers for events of rooms that this server is in.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events</remarks>
public sealed class RemoteEvents(FederationClient client, ReceivedCounts counts)
{
    private const string V1 = "/_matrix/federation/v1";
    private const int MaxIds = 20;

    // An event has 64 KiB at most, and most have one.
    private const int MaxEventBytes = 128 << 10;
    private const int MaxEventsBytes = 8 << 20;

    // A state of 100,000 events.
    private const int MaxStateIdsBytes = 12 << 20;
    private const int MaxStateBytes = 24 << 20;

    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(30);

    /// <summary>Events before the latest, and not before the earliest; the oldest first.</summary>
    /// <param name="minDepth">Of the events.</param>
    /// <param name="includeLatest">Whether the latest are asked for as well, which only servers give that know <see cref="ForwardExtremities"/>.</param>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1get_missing_eventsroomid</remarks>
    public async Task<ToldEvents> MissingAsync(
        string server,
        string roomId,
        IEnumerable<string> latest,
        IEnumerable<string> earliest,
        int limit,
        long minDepth,
        bool includeLatest,
        CancellationToken cancellation)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            WriteIds(json, "latest_events"u8, latest);
            WriteIds(json, "earliest_events"u8, earliest);
            json.WriteNumber("limit"u8, limit);
            json.WriteNumber("min_depth"u8, minDepth);
            if (includeLatest)
            {
                json.WriteBoolean("include_latest_events"u8, true);
            }

            json.WriteEndObject();
        }

        var answer = await SendAsync(
            FederationRequest.Post(server, $"{V1}/get_missing_events/{Escape(roomId)}", body.WrittenMemory) with { MaxBytes = MaxEventsBytes },
            cancellation);
        return Events(answer, "events");
    }

    /// <summary>Where a room ends for a server: ids of what its next event would follow; or why it does not tell, and none.</summary>
    /// <remarks>MSC4370: https://github.com/matrix-org/matrix-spec-proposals/pull/4370</remarks>
    public async Task<(List<string> Ids, FederationFailure? Failure)> ExtremitiesAsync(string server, string roomId, CancellationToken cancellation)
    {
        var target = $"/_matrix/federation/unstable/org.matrix.msc4370/extremities/{Escape(roomId)}";
        var answer = await SendAsync(FederationRequest.Get(server, target), cancellation);
        return answer.Json is { } json ? ([.. ForwardExtremities.Ids(json, "prev_events")], null) : ([], answer.Failure);
    }

    /// <summary>The named events and what is before them, the newest first.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid</remarks>
    public async Task<ToldEvents> BackfillAsync(
        string server, string roomId, IEnumerable<string> from, int limit, CancellationToken cancellation)
    {
        var named = string.Concat(from.Take(MaxIds).Select(id => $"&v={Escape(id)}"));
        var answer = await SendAsync(
            FederationRequest.Get(server, $"{V1}/backfill/{Escape(roomId)}?limit={limit}{named}") with { MaxBytes = MaxEventsBytes }, cancellation);
        return Events(answer, "pdus");
    }

    /// <summary>One event.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1eventeventid</remarks>
    public async Task<ToldEvents> EventAsync(string server, string eventId, CancellationToken cancellation) => Events(
        await SendAsync(FederationRequest.Get(server, $"{V1}/event/{Escape(eventId)}") with { MaxBytes = MaxEventBytes }, cancellation), "pdus");

    /// <summary>The auth chain of an event.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1event_authroomideventid</remarks>
    public async Task<ToldEvents> AuthChainAsync(string server, string roomId, string eventId, CancellationToken cancellation)
    {
        var target = $"{V1}/event_auth/{Escape(roomId)}/{Escape(eventId)}";
        return Events(await SendAsync(FederationRequest.Get(server, target) with { MaxBytes = MaxEventsBytes }, cancellation), "auth_chain");
    }

    /// <summary>Ids of the state before an event.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1state_idsroomid</remarks>
    public async Task<ToldState> StateIdsAsync(string server, string roomId, string eventId, CancellationToken cancellation)
    {
        var answer = await SendAsync(Get("state_ids", server, roomId, eventId) with { MaxBytes = MaxStateIdsBytes }, cancellation);
        return answer.Json is not { } json ? new ToldState(null, null, answer.Failure)
            : Ids(json, "pdu_ids") is { } state && Ids(json, "auth_chain_ids") is { } chain ? new ToldState(state, chain, null)
            : new ToldState(null, null, Malformed(server));
    }

    /// <summary>The events of the state before an event, and of its auth chains.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1stateroomid</remarks>
    public async Task<ToldEvents> StateAsync(string server, string roomId, string eventId, CancellationToken cancellation)
    {
        var answer = await SendAsync(Get("state", server, roomId, eventId) with { MaxBytes = MaxStateBytes }, cancellation);
        var (state, chain) = (Events(answer, "pdus"), Events(answer, "auth_chain"));
        return chain.Events is null || state.Events is null ? state with { Events = null, Failure = chain.Failure } : new ToldEvents([.. chain.Events, .. state.Events], null);
    }

    /// <summary>The id of the event closest to a time, and its own time; null if the server knows none.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid</remarks>
    public async Task<(string EventId, long Ts)?> ByTimestampAsync(
        string server, string roomId, long ts, bool backward, CancellationToken cancellation)
    {
        var target = $"{V1}/timestamp_to_event/{Escape(roomId)}?ts={ts}&dir={(backward ? "b" : "f")}";
        var answer = await SendAsync(FederationRequest.Get(server, target), cancellation);
        return answer.Json is { } json
            && json.TryGetProperty("event_id"u8, out var id) && id.ValueKind == JsonValueKind.String
            && json.TryGetProperty("origin_server_ts"u8, out var time) && time.ValueKind == JsonValueKind.Number && time.TryGetInt64(out var at)
                ? (id.GetString()!, at)
                : null;
    }

    /// <summary>The server of whoever sent an event.</summary>
    internal static string ServerOf(Pdu pdu) => pdu.Sender[(pdu.Sender.IndexOf(':') + 1)..];

    /// <summary>Asks a server of a room at an event.</summary>
    internal static FederationRequest Get(string endpoint, string server, string roomId, string eventId) =>
        FederationRequest.Get(server, $"{V1}/{endpoint}/{Escape(roomId)}?event_id={Escape(eventId)}");

    private Task<FederationAnswer> SendAsync(FederationRequest request, CancellationToken cancellation)
    {
        counts.AddRequest();
        return client.SendAsync(request with { Timeout = _timeout }, cancellation);
    }

    private static ToldEvents Events(FederationAnswer answer, string name) =>
        answer.Json is not { } json ? new ToldEvents(null, answer.Failure)
        : json.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? new ToldEvents([.. list.EnumerateArray().Select(pdu => (ReadOnlyMemory<byte>)JsonMarshal.GetRawUtf8Value(pdu).ToArray())], null)
            : new ToldEvents(null, Malformed("The server"));

    private static List<string>? Ids(JsonElement json, string name)
    {
        if (!json.TryGetProperty(name, out var list) || list.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var ids = new List<string>(list.GetArrayLength());
        foreach (var id in list.EnumerateArray())
        {
            if (id.ValueKind != JsonValueKind.String)
            {
                return null;
            }

            ids.Add(id.GetString()!);
        }

        return ids;
    }

    private static FederationFailure Malformed(string server) =>
        new(FederationFailureKind.Malformed, 200, null, $"{server} answered otherwise than it was asked");

    private static void WriteIds(Utf8JsonWriter json, ReadOnlySpan<byte> name, IEnumerable<string> ids)
    {
        json.WriteStartArray(name);
        foreach (var id in ids.Take(MaxIds))
        {
            json.WriteStringValue(id);
        }

        json.WriteEndArray();
    }

    // What a path may hold as it is stays as it is: servers that sign what they decoded see no other path.
    private static string Escape(string id) => Uri.EscapeDataString(id).Replace("%21", "!", StringComparison.Ordinal)
        .Replace("%24", "$", StringComparison.Ordinal).Replace("%3A", ":", StringComparison.Ordinal);
}
