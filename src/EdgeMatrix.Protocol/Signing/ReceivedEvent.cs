using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>An event from another server after the first three of the checks that it has to pass.</summary>
/// <param name="Parse">"1. Is a valid event, otherwise it is dropped."</param>
/// <param name="Signatures">"2. Passes signature checks, otherwise it is dropped." Not checked where there is no event.</param>
/// <param name="HashMatches">
/// "3. Passes hash checks, otherwise it is redacted before being processed further": if false, the event of <paramref name="Parse"/> is
/// the redacted copy. Not checked where a signature is at fault.
/// </param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu</remarks>
public readonly record struct ReceivedEvent(PduParse Parse, SignatureVerdict Signatures, bool HashMatches)
{
    /// <summary>The event as it may be processed further; null if it is to be dropped.</summary>
    public Pdu? Event => Signatures.IsValid ? Parse.Event : null;

    public static ReceivedEvent Of(ReadOnlyMemory<byte> untrustedJson, RoomVersion version, KeyLookup keys)
    {
        var parse = Pdu.Parse(untrustedJson, version);
        return parse.Event is { } candidate ? Of(candidate, keys) : new ReceivedEvent(parse, SignatureVerdict.Valid, HashMatches: false);
    }

    /// <summary>The second and the third of the checks, of an event that passed the first.</summary>
    public static ReceivedEvent Of(Pdu candidate, KeyLookup keys)
    {
        var verdict = EventSignatures.Check(candidate, keys);
        var matches = verdict.IsValid && EventHashes.ContentHashMatches(candidate);
        return new ReceivedEvent(PduParse.Accept(matches || !verdict.IsValid ? candidate : Redaction.RedactPdu(candidate)), verdict, matches);
    }
}
