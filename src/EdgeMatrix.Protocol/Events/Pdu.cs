using System.Text.Json;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Events;

/// <summary>
/// An event as servers exchange it: bytes that never change, and a typed view of them. Re-serialising an event would lose the fields
/// that we do not know and break its hash, so everything reads from the bytes.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#pdus</remarks>
public sealed class Pdu
{
    private readonly Range _contentRange;
    private readonly Range _prevEventsRange;
    private readonly Range _authEventsRange;
    private readonly Range _prevStateEventsRange;
    private readonly string? _topLevelRedacts;

    // Boxed, so that two threads that parse it at once store either a whole element or another equal one.
    private volatile object? _content;
    private IReadOnlyList<string>? _prevEvents;
    private IReadOnlyList<string>? _authEvents;
    private IReadOnlyList<string>? _prevStateEvents;

    internal Pdu(ReadOnlyMemory<byte> canonical, RoomVersion version, string eventId, PduFields fields)
    {
        Json = canonical;
        Version = version;
        EventId = eventId;
        HasRoomId = fields.RoomId is not null;
        Type = fields.Type;
        Sender = fields.Sender;
        StateKey = fields.StateKey;
        OriginServerTs = fields.OriginServerTs;
        Depth = fields.Depth;
        _prevEventsRange = fields.PrevEvents;
        _authEventsRange = fields.AuthEvents;
        _prevStateEventsRange = version.StateSource == StateSource.PrevStateEvents ? fields.PrevStateEvents : default;
        _topLevelRedacts = fields.Redacts;
        _contentRange = fields.Content;

        // "The room ID is the event ID of the event with sigil ! instead of $."
        RoomId = version.CreateEventIsRoomId && Type == EventTypes.Create
            ? string.Concat("!", eventId.AsSpan(1))
            : fields.RoomId ?? throw new FormatException("the stored event has no room_id");
    }

    public RoomVersion Version { get; }

    public string EventId { get; }

    /// <summary>For a create event of version 12, which has no <c>room_id</c>, the id that follows from its hash.</summary>
    public string RoomId { get; }

    public string Sender { get; }

    public string Type { get; }

    /// <summary>Null for an event that is no state event.</summary>
    public string? StateKey { get; }

    public bool IsState => StateKey is not null;

    /// <summary>Milliseconds since the Unix epoch, as the sending server would have it.</summary>
    public long OriginServerTs { get; }

    public long Depth { get; }

    public IReadOnlyList<string> PrevEvents => _prevEvents ??= PduFields.ReadIds(Json.Span[_prevEventsRange]);

    public IReadOnlyList<string> AuthEvents => _authEvents ??= PduFields.ReadIds(Json.Span[_authEventsRange]);

    /// <summary>Of a version with a state DAG, the newest state events before this one, which has no auth events; else none.</summary>
    public IReadOnlyList<string> PrevStateEvents => _prevStateEvents ??= PduFields.ReadIds(Json.Span[_prevStateEventsRange]);

    /// <summary>Canonical JSON with the signatures, without <c>unsigned</c>.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>Always an object; parsed when first asked for, and kept.</summary>
    public JsonElement Content
    {
        get
        {
            var content = _content ??= JsonElement.Parse(Json.Span[_contentRange]);
            return (JsonElement)content;
        }
    }

    /// <summary>The bytes of <see cref="Content"/>: canonical JSON.</summary>
    public ReadOnlySpan<byte> ContentJson => Json.Span[_contentRange];

    /// <summary>The event that an <c>m.room.redaction</c> redacts, wherever its room version puts it; null for every other type.</summary>
    public string? Redacts =>
        Type != EventTypes.Redaction ? null : Version.RedactsInContent ? Content.StringOrNull("redacts"u8) : _topLevelRedacts;

    /// <summary>Whether the bytes hold a <c>room_id</c>, which a create event of version 12 must not.</summary>
    internal bool HasRoomId { get; }

    /// <summary>Reads an event from anyone: refuses what has not the format of the room version, and strips <c>unsigned</c>.</summary>
    public static PduParse Parse(ReadOnlyMemory<byte> untrustedJson, RoomVersion version) => EventFormat.Parse(untrustedJson, version);

    /// <summary>Takes bytes that <see cref="Json"/> once gave, whose event id is known: no check, no hash, no copy.</summary>
    /// <exception cref="FormatException">They are no event: what stored them is broken.</exception>
    public static Pdu FromStored(ReadOnlyMemory<byte> canonical, RoomVersion version, string eventId) =>
        new(canonical, version, eventId, PduFields.Read(canonical.Span));

    /// <summary>The whole event, parsed anew.</summary>
    internal JsonElement ParseJson() => JsonElement.Parse(Json.Span);

    public override string ToString() => $"{Type} {EventId}";
}
