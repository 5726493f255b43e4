using System.Text.Json;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Policy;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>Asks policy servers to sign events.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#asking-for-a-policy-server-signature-on-an-event</remarks>
public sealed class PolicySigning(FederationClient client, LocalServer server, OwnPolicyServer own)
{
    private const int MaxAnswerBytes = 64 * 1024;

    // The room waits for it.
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(5);

    /// <inheritdoc cref="EdgeMatrix.Rooms.Engine.PolicySigner"/>
    public Task<Outcome<Pdu>> SignAsync(Room room, PolicyServer policyServer, Pdu candidate, CancellationToken cancellation) =>
        policyServer.Name == server.Name ? Task.FromResult(own.Sign(room, candidate)) : AskAsync(policyServer, candidate, cancellation);

    private async Task<Outcome<Pdu>> AskAsync(PolicyServer policyServer, Pdu candidate, CancellationToken cancellation)
    {
        var request = FederationRequest.Post(policyServer.Name, "/_matrix/policy/v1/sign", candidate.Json) with
        {
            MaxBytes = MaxAnswerBytes, Timeout = _timeout,
        };
        var (answer, failure) = await client.SendAsync(request, cancellation);
        if (failure is not null)
        {
            // "If the Policy Server returned an error, that error SHOULD be provided to the client verbatim."
            return failure is { Kind: FederationFailureKind.Refused, Code: { } code }
                ? Refusal.Relay(failure.Status, code, failure.Message)
                : Refusal.Forbidden($"{policyServer.Name}, the policy server of the room, could not be asked: {failure.Message}");
        }

        if (Signature(answer!.Value, policyServer.Name) is not { } signature)
        {
            return Refusal.Forbidden($"{policyServer.Name}, the policy server of the room, did not sign the event");
        }

        // "After asking for a signature, homeservers SHOULD validate the returned signature."
        var signed = EventSignatures.Add(candidate, policyServer.Name, PolicyServer.KeyId, signature);
        return policyServer.Recommends(signed)
            ? signed
            : Refusal.Forbidden($"{policyServer.Name} signed the event with another key than the room knows of its policy server");
    }

    private static byte[]? Signature(JsonElement answer, string server) =>
        answer.TryGetProperty(server, out var keys)
        && keys.ValueKind == JsonValueKind.Object
        && keys.TryGetProperty(PolicyServer.KeyId, out var encoded)
        && encoded.ValueKind == JsonValueKind.String
        && UnpaddedBase64.TryDecode(encoded.GetString(), out var signature)
            ? signature
            : null;
}
