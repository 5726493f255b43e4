using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.Signing;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>The server that a room asks whether an event should be in it.</summary>
/// <param name="Name">Its server name.</param>
/// <param name="PublicKey">What it signs with, 32 bytes; any others sign nothing.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#policy-servers</remarks>
public sealed record PolicyServer(string Name, ReadOnlyMemory<byte> PublicKey)
{
    /// <summary>The state event that names it.</summary>
    public const string EventType = "m.room.policy";

    /// <summary>"The Key ID for the <c>ed25519</c> key in <c>m.room.policy</c> is always <c>ed25519:policy_server</c>."</summary>
    public const string KeyId = "ed25519:policy_server";

    /// <summary>The policy server that the room uses; null if it uses none.</summary>
    /// <param name="currentState">"'Current state' shares the same definition as soft failure."</param>
    /// <param name="isJoined">Whether a server has at least one joined user in the room.</param>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#determining-if-a-policy-server-is-enabled-in-a-room</remarks>
    public static PolicyServer? Of(StateLookup currentState, Func<string, bool> isJoined)
    {
        // "A string value for via. An object value for public_keys containing at least a string value for ed25519."
        if (currentState(EventType, "") is not { } policy
            || policy.Content.StringOrNull("via"u8) is not { } via
            || policy.Content.ObjectOrNull("public_keys"u8)?.StringOrNull("ed25519"u8) is not { } encoded)
        {
            return null;
        }

        // "The server name denoted by via has at least one joined user in the room."
        if (!ServerName.IsValid(via) || !isJoined(via))
        {
            return null;
        }

        return new PolicyServer(via, UnpaddedBase64.TryDecode(encoded, out var key) ? key : default);
    }

    /// <summary>Whether the event is recommended for inclusion: it is signed by the server, or is one that it is not asked about.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#validating-policy-server-signatures</remarks>
    public bool Recommends(Pdu candidate)
    {
        // "The Policy Server is not asked to sign m.room.policy state events with empty string state_keys. Those events are by default
        // recommended for inclusion."
        return candidate is { Type: EventType, StateKey: "" } || EventSignatures.Verify(candidate, Name, KeyId, PublicKey.Span);
    }
}
