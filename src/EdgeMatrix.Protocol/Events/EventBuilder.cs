using System.Buffers;
using System.Globalization;
using System.Text;
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
    /// <param name="roomId">Ignored for a create event of a version whose room id is its hash.</param>
    /// <param name="originServerTs">Milliseconds since the Unix epoch.</param>
    /// <param name="key">Signs for <paramref name="serverName"/>, the server of the sender.</param>
    /// <returns>A refusal where the draft breaks a limit or has no canonical form.</returns>
    public static PduParse Build(
        EventDraft draft,
        RoomVersion version,
        string roomId,
        IReadOnlyList<string> prevEvents,
        IReadOnlyList<string> authEvents,
        long depth,
        long originServerTs,
        SigningKey key,
        string serverName)
    {
        var content = ContentOf(draft, version);
        var writtenRoomId = version.CreateEventIsRoomId && draft.Type == EventTypes.Create ? null : roomId;
        if (Check(draft, content, version, writtenRoomId, prevEvents, authEvents, depth, originServerTs) is { } refusal)
        {
            return PduParse.Refuse(refusal);
        }

        var canonicalContent = new ArrayBufferWriter<byte>();
        if (!CanonicalJson.TryWrite(content, version.CanonicalForm, canonicalContent, out var problem))
        {
            return PduParse.Refuse(problem!);
        }

        var topLevelRedacts = version.RedactsInContent ? null : draft.Redacts;
        var parts = new Parts(
            draft, writtenRoomId, topLevelRedacts, prevEvents, authEvents, depth, originServerTs, canonicalContent.WrittenMemory);

        var contentHash = UnpaddedBase64.Encode(EventHashes.Sha256(parts.Write(hash: null, signature: null)));

        var redactedContent = CanonicalJson.Write(content, version.Redaction.ContentOf(draft.Type), version.CanonicalForm);
        var redacted = parts with
        {
            Content = redactedContent,
            Redacts = version.Redaction.KeepsTopLevel("redacts") ? topLevelRedacts : null,
        };
        var signedPart = redacted.Write(contentHash, signature: null);

        var signature = new Signature(serverName, key.KeyId, UnpaddedBase64.Encode(key.Sign(signedPart)));
        var json = parts.Write(contentHash, signature);
        return EventFormat.CheckSize(json.Length) is { } tooLarge
            ? PduParse.RefuseSize(tooLarge)
            : PduParse.Accept(Pdu.FromStored(json, version, EventHashes.EventId(EventHashes.Sha256(signedPart), version)));
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
        EventDraft draft,
        JsonElement content,
        RoomVersion version,
        string? roomId,
        IReadOnlyList<string> prevEvents,
        IReadOnlyList<string> authEvents,
        long depth,
        long originServerTs)
    {
        if (content.ValueKind != JsonValueKind.Object)
        {
            return "content is not an object";
        }

        if (originServerTs is < -CanonicalJson.MaxInteger or > CanonicalJson.MaxInteger)
        {
            return "origin_server_ts is out of range";
        }

        if (!prevEvents.All(EventId.IsValid) || !authEvents.All(EventId.IsValid))
        {
            return "prev_events or auth_events hold something that is not an event id";
        }

        return EventFormat.CheckType(draft.Type)
            ?? EventFormat.CheckSender(draft.Sender)
            ?? EventFormat.CheckStateKey(draft.StateKey)
            ?? EventFormat.CheckRoomId(roomId, draft.Type, version)
            ?? EventFormat.CheckDepth(depth)
            ?? EventFormat.CheckPrevEventCount(prevEvents.Count)
            ?? EventFormat.CheckAuthEventCount(authEvents.Count);
    }

    private sealed record Signature(string ServerName, string KeyId, string Value);

    /// <summary>The fields of an event, written by hand in the order of canonical JSON.</summary>
    private sealed record Parts(
        EventDraft Draft,
        string? RoomId,
        string? Redacts,
        IReadOnlyList<string> PrevEvents,
        IReadOnlyList<string> AuthEvents,
        long Depth,
        long OriginServerTs,
        ReadOnlyMemory<byte> Content)
    {
        public byte[] Write(string? hash, Signature? signature)
        {
            var output = new ArrayBufferWriter<byte>(Content.Length + 1024);
            output.Write("{\"auth_events\":"u8);
            WriteIds(AuthEvents, output);
            output.Write(",\"content\":"u8);
            output.Write(Content.Span);
            output.Write(",\"depth\":"u8);
            WriteInteger(Depth, output);
            if (hash is not null)
            {
                output.Write(",\"hashes\":{\"sha256\":"u8);
                WriteString(hash, output);
                output.Write("}"u8);
            }

            output.Write(",\"origin_server_ts\":"u8);
            WriteInteger(OriginServerTs, output);
            output.Write(",\"prev_events\":"u8);
            WriteIds(PrevEvents, output);
            WriteField(",\"redacts\":"u8, Redacts, output);
            WriteField(",\"room_id\":"u8, RoomId, output);
            WriteField(",\"sender\":"u8, Draft.Sender, output);
            if (signature is not null)
            {
                output.Write(",\"signatures\":{"u8);
                WriteString(signature.ServerName, output);
                output.Write(":{"u8);
                WriteString(signature.KeyId, output);
                WriteField(":"u8, signature.Value, output);
                output.Write("}}"u8);
            }

            WriteField(",\"state_key\":"u8, Draft.StateKey, output);
            WriteField(",\"type\":"u8, Draft.Type, output);
            output.Write("}"u8);
            return output.WrittenSpan.ToArray();
        }

        private static void WriteField(ReadOnlySpan<byte> key, string? value, IBufferWriter<byte> output)
        {
            if (value is not null)
            {
                output.Write(key);
                WriteString(value, output);
            }
        }

        private static void WriteIds(IReadOnlyList<string> ids, IBufferWriter<byte> output)
        {
            output.Write("["u8);
            for (var index = 0; index < ids.Count; index++)
            {
                if (index > 0)
                {
                    output.Write(","u8);
                }

                WriteString(ids[index], output);
            }

            output.Write("]"u8);
        }

        private static void WriteString(string value, IBufferWriter<byte> output) =>
            JsonText.WriteString(Encoding.UTF8.GetBytes(value), output);

        private static void WriteInteger(long value, IBufferWriter<byte> output)
        {
            Span<byte> digits = stackalloc byte[20];
            value.TryFormat(digits, out var written, default, CultureInfo.InvariantCulture);
            output.Write(digits[..written]);
        }
    }
}
