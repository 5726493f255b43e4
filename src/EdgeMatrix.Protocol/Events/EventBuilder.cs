using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.Signing;

namespace EdgeMatrix.Protocol.Events;

/// <summary>
/// Makes an event of a draft: content hash, then the redacted form, which is signed and hashed once for signature and event id alike.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#adding-hashes-and-signatures-to-outgoing-events</remarks>
public static class EventBuilder
{
    private const int OpaqueIdBytes = 16;

    /// <param name="roomId">Ignored for a create event of a version whose room id is its hash.</param>
    /// <param name="originServerTs">Milliseconds since the Unix epoch.</param>
    /// <param name="key">Signs for <paramref name="serverName"/>, the server of the sender.</param>
    /// <returns>A refusal where the draft breaks a limit or has no canonical form.</returns>
    public static PduParse Build(
        EventDraft draft,
        RoomVersion version,
        string roomId,
        EventLinks links,
        long originServerTs,
        SigningKey key,
        string serverName)
    {
        var content = ContentOf(draft, version);
        var writtenRoomId = version.CreateEventIsRoomId && draft.Type == EventTypes.Create ? null : roomId;
        if (Check(draft, content, version, writtenRoomId, links, originServerTs) is { } refusal)
        {
            return PduParse.Refuse(refusal);
        }

        var canonicalContent = new ArrayBufferWriter<byte>();
        if (!CanonicalJson.TryWrite(content, version.CanonicalForm, canonicalContent, out var problem))
        {
            return PduParse.Refuse(problem!);
        }

        var topLevelRedacts = version.RedactsInContent ? null : draft.Redacts;
        var parts = new EventText(draft, links, writtenRoomId, topLevelRedacts, originServerTs, canonicalContent.WrittenMemory);
        if (version.EventIdFormat == EventIdFormat.Chosen)
        {
            parts = parts with { EventId = ChooseEventId(parts, serverName) };
        }

        var contentHash = UnpaddedBase64.Encode(EventHashes.Sha256(parts.Write(hash: null, signature: null)));

        var redactedContent = CanonicalJson.Write(content, version.Redaction.ContentOf(draft.Type), version.CanonicalForm);
        var redacted = parts with
        {
            Content = redactedContent,
            Redacts = version.Redaction.KeepsTopLevel("redacts") ? topLevelRedacts : null,
            Origin = version.Redaction.KeepsTopLevel("origin") ? draft.Origin : null,
        };
        var signedPart = redacted.Write(contentHash, signature: null);

        var signature = new EventText.Signature(serverName, key.KeyId, UnpaddedBase64.Encode(key.Sign(signedPart)));
        var json = parts.Write(contentHash, signature);
        if (EventFormat.CheckSize(json.Length) is { } tooLarge)
        {
            return PduParse.RefuseSize(tooLarge);
        }

        var eventId = parts.EventId ?? EventHashes.EventId(EventHashes.Sha256(signedPart), version);
        return PduParse.Accept(Pdu.FromStored(json, version, eventId));
    }

    // "opaque_id is a locally-unique string": a hash of all else that the event says is as unique as the event.
    private static string ChooseEventId(EventText parts, string serverName)
    {
        var hash = EventHashes.Sha256(parts.Write(hash: null, signature: null));
        return $"${Base64Url.EncodeToString(hash.AsSpan(0, OpaqueIdBytes))}:{serverName}";
    }

    private static JsonElement ContentOf(EventDraft draft, RoomVersion version)
    {
        if (draft.Redacts is null || !version.RedactsInContent || draft.Content.ValueKind != JsonValueKind.Object)
        {
            return draft.Content;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var property in draft.Content.EnumerateObject())
            {
                if (!property.NameEquals("redacts"u8))
                {
                    property.WriteTo(writer);
                }
            }

            writer.WriteString("redacts"u8, draft.Redacts);
            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private static string? Check(
        EventDraft draft, JsonElement content, RoomVersion version, string? roomId, EventLinks links, long originServerTs)
    {
        if (content.ValueKind != JsonValueKind.Object)
        {
            return "content is not an object";
        }

        if (originServerTs is < -CanonicalJson.MaxInteger or > CanonicalJson.MaxInteger)
        {
            return "origin_server_ts is out of range";
        }

        if (!AreReferences(links.PrevEvents, version) || !AreReferences(links.AuthEvents, version))
        {
            return "prev_events or auth_events hold something that is not an event id";
        }

        if ((links.PrevStateEvents is not null) != (version.StateSource == StateSource.PrevStateEvents)
            || (links.PrevStateEvents is not null && links.AuthEvents.Count > 0)
            || !AreReferences(links.PrevStateEvents ?? [], version))
        {
            return "prev_state_events are of versions with a state DAG, and auth_events of the others";
        }

        return EventFormat.CheckType(draft.Type)
            ?? EventFormat.CheckSender(draft.Sender)
            ?? EventFormat.CheckStateKey(draft.StateKey)
            ?? EventFormat.CheckRoomId(roomId, draft.Type, version)
            ?? EventFormat.CheckDepth(links.Depth, version)
            ?? EventFormat.CheckPrevEventCount(links.PrevEvents.Count)
            ?? EventFormat.CheckAuthEventCount(links.AuthEvents.Count)
            ?? EventFormat.CheckPrevStateEventCount(links.PrevStateEvents?.Count ?? 0);
    }

    private static bool AreReferences(IReadOnlyList<EventReference> references, RoomVersion version) =>
        references.All(cited => EventId.IsValid(cited.EventId)
            && (cited.Sha256 is not null) == (version.EventIdFormat == EventIdFormat.Chosen));
}
