using System.Text.Json;

namespace EdgeMatrix.Protocol.Events;

/// <summary>What somebody wants to say in a room, before it has a place there.</summary>
/// <param name="StateKey">Null for an event that is no state event.</param>
/// <param name="Content">An object; as it was parsed, canonical or not.</param>
/// <param name="Redacts">For an <c>m.room.redaction</c>, its target: the builder puts it where the room version wants it.</param>
public sealed record EventDraft(string Type, string? StateKey, string Sender, JsonElement Content, string? Redacts = null)
{
    /// <summary>When it happened, ms since the Unix epoch; null: now.</summary>
    public long? OriginServerTs { get; init; }

    /// <summary>The server that makes it, where the event is to say so: in the handshakes by which servers let each other's users in and out.</summary>
    public string? Origin { get; init; }
}
