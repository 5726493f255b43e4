using System.Text.Json;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Events;

/// <summary>Strips an event of all but the keys that the room rests on.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#redactions</remarks>
public static class Redaction
{
    /// <summary>The redacted event in canonical JSON; its signatures and hashes stay, and stay right.</summary>
    /// <exception cref="FormatException">The event has no canonical form.</exception>
    public static byte[] Redact(JsonElement eventJson, RoomVersion version) =>
        CanonicalJson.Write(eventJson, version.Redaction.WholeOf(TypeOf(eventJson)), version.CanonicalForm);

    /// <summary>The same event, under the same id, with what redaction leaves.</summary>
    public static Pdu RedactPdu(Pdu original) =>
        Pdu.FromStored(
            CanonicalMembers.CopyOf(original.Json.Span, original.Version.Redaction.WholeOf(original.Type)),
            original.Version,
            original.EventId);

    /// <summary>The bytes that servers sign and that the reference hash covers.</summary>
    internal static byte[] SignedPart(JsonElement eventJson, RoomVersion version) =>
        CanonicalJson.Write(eventJson, version.Redaction.SignedPartOf(TypeOf(eventJson)), version.CanonicalForm);

    /// <summary>The same bytes of an event that is in canonical JSON already; returns their number, never more than the event has.</summary>
    internal static int CopySignedPart(ReadOnlySpan<byte> canonicalEvent, string type, RoomVersion version, Span<byte> output) =>
        CanonicalMembers.Copy(canonicalEvent, version.Redaction.SignedPartOf(type), output);

    private static string TypeOf(JsonElement eventJson) => eventJson.StringOrNull("type"u8) ?? "";
}
