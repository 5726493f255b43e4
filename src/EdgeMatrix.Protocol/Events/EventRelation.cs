using System.Text.Json;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Events;

/// <summary>How an event relates to another one: the <c>m.relates_to</c> of its content.</summary>
/// <param name="RelType">What the relation is: <c>m.thread</c>.</param>
/// <param name="EventId">The event that it points to, its parent; not checked to be there.</param>
/// <param name="Key">Of an annotation; null if it has none.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#forming-relationships-between-events</remarks>
public sealed record EventRelation(string RelType, string EventId, string? Key)
{
    public const string Annotation = "m.annotation";
    public const string Reference = "m.reference";
    public const string Replace = "m.replace";
    public const string Thread = "m.thread";

    /// <summary>As event types; what is longer is no relation type.</summary>
    private const int MaxTypeLength = 255;

    /// <summary>The relation of an event, or null if it has none: replies have no <c>rel_type</c>, and so no relation.</summary>
    public static EventRelation? Of(Pdu pdu) => pdu.ContentJson.IndexOf("\"m.relates_to\""u8) < 0 ? null : Of(pdu.Content);

    /// <summary>As <see cref="Of(Pdu)"/>, of a content that is yet to become an event.</summary>
    public static EventRelation? Of(JsonElement content)
    {
        // Relationships which don't match the schema, or which break the rules of a relationship, are simply ignored.
        if (content.ValueKind != JsonValueKind.Object
            || !content.TryGetProperty("m.relates_to"u8, out var relatesTo)
            || relatesTo.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        try
        {
            return relatesTo.StringOrNull("rel_type"u8) is { Length: > 0 and <= MaxTypeLength } relType
                && relatesTo.StringOrNull("event_id"u8) is { Length: > 0 } eventId
                    ? new EventRelation(relType, eventId, relatesTo.StringOrNull("key"u8))
                    : null;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, which the parser takes, makes no string.
            return null;
        }
    }
}
