using System.Buffers;
using System.Globalization;
using System.Text;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Events;

/// <summary>The fields of an event that is being made, written by hand in the order of canonical JSON.</summary>
/// <param name="Content">In canonical JSON.</param>
internal sealed record EventText(
    EventDraft Draft, EventLinks Links, string? RoomId, string? Redacts, long OriginServerTs, ReadOnlyMemory<byte> Content)
{
    /// <summary>What the event itself says its id is; null since version 3.</summary>
    public string? EventId { get; init; }

    /// <summary>Null where the event does not say which server made it.</summary>
    public string? Origin { get; init; } = Draft.Origin;

    public byte[] Write(string? hash, Signature? signature)
    {
        var output = new ArrayBufferWriter<byte>(Content.Length + 1024);
        output.Write("{"u8);
        if (Links.PrevStateEvents is null)
        {
            output.Write("\"auth_events\":"u8);
            WriteReferences(Links.AuthEvents, output);
            output.Write(","u8);
        }

        output.Write("\"content\":"u8);
        output.Write(Content.Span);
        output.Write(",\"depth\":"u8);
        WriteInteger(Links.Depth, output);
        WriteField(",\"event_id\":"u8, EventId, output);
        if (hash is not null)
        {
            output.Write(",\"hashes\":"u8);
            WriteSha256(hash, output);
        }

        WriteField(",\"origin\":"u8, Origin, output);
        output.Write(",\"origin_server_ts\":"u8);
        WriteInteger(OriginServerTs, output);
        output.Write(",\"prev_events\":"u8);
        WriteReferences(Links.PrevEvents, output);
        if (Links.PrevStateEvents is { } prevStateEvents)
        {
            output.Write(",\"prev_state_events\":"u8);
            WriteReferences(prevStateEvents, output);
        }

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

    // Ids, or in room versions 1 and 2 pairs of an id and its reference hash.
    private static void WriteReferences(IReadOnlyList<EventReference> references, IBufferWriter<byte> output)
    {
        output.Write("["u8);
        for (var index = 0; index < references.Count; index++)
        {
            if (index > 0)
            {
                output.Write(","u8);
            }

            if (references[index].Sha256 is { } hash)
            {
                output.Write("["u8);
                WriteString(references[index].EventId, output);
                output.Write(","u8);
                WriteSha256(hash, output);
                output.Write("]"u8);
            }
            else
            {
                WriteString(references[index].EventId, output);
            }
        }

        output.Write("]"u8);
    }

    private static void WriteSha256(string hash, IBufferWriter<byte> output)
    {
        output.Write("{\"sha256\":"u8);
        WriteString(hash, output);
        output.Write("}"u8);
    }

    private static void WriteString(string value, IBufferWriter<byte> output) =>
        JsonText.WriteString(Encoding.UTF8.GetBytes(value), output);

    private static void WriteInteger(long value, IBufferWriter<byte> output)
    {
        Span<byte> digits = stackalloc byte[20];
        value.TryFormat(digits, out var written, default, CultureInfo.InvariantCulture);
        output.Write(digits[..written]);
    }

    public sealed record Signature(string ServerName, string KeyId, string Value);
}
