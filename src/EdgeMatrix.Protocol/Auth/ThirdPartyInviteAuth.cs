using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.Signing;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>"If <c>content</c> has a <c>third_party_invite</c> property": the first rule for invites.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#verifying-the-invite</remarks>
internal static class ThirdPartyInviteAuth
{
    /// <summary>
    /// How many pairs of signature and key are tried. Honest invites have one or two; two events full of them would ask for half a
    /// million, at 50 µs each.
    /// </summary>
    private const int MaxAttempts = 1_000;

    public static AuthVerdict Check(Pdu candidate, JsonElement thirdPartyInvite, string target, RoomAuthState room)
    {
        // If target user is banned, reject.
        if (room.MembershipOf(target) == "ban")
        {
            return AuthVerdict.Reject("who is invited is banned");
        }

        // If content.third_party_invite does not have a signed property, reject.
        if (thirdPartyInvite.ObjectOrNull("signed"u8) is not { } signed)
        {
            return AuthVerdict.Reject("the third party invite is not signed");
        }

        // If signed does not have mxid and token properties, reject.
        if (signed.StringOrNull("mxid"u8) is not { } mxid || signed.StringOrNull("token"u8) is not { } token)
        {
            return AuthVerdict.Reject("the third party invite has no mxid or no token");
        }

        // If mxid does not match state_key, reject.
        if (mxid != target)
        {
            return AuthVerdict.Reject("the third party invite is for another user");
        }

        // If there is no m.room.third_party_invite event in the current room state with state_key matching token, reject.
        if (room.ThirdPartyInvite(token) is not { } invitation)
        {
            return AuthVerdict.Reject("the room has no third party invite of that token");
        }

        // If sender does not match sender of the m.room.third_party_invite, reject.
        if (candidate.Sender != invitation.Sender)
        {
            return AuthVerdict.Reject("the third party invite was sent by another user");
        }

        // If any signature in signed matches any public key in the m.room.third_party_invite event, allow. Otherwise, reject.
        return IsSignedByAnyOf(PublicKeysOf(invitation), signed, candidate.Version.CanonicalForm)
            ? AuthVerdict.Allow
            : AuthVerdict.Reject("the third party invite is signed by none of its keys");
    }

    private static bool IsSignedByAnyOf(List<byte[]> publicKeys, JsonElement signed, CanonicalForm form)
    {
        if (!SignedJson.TrySignedBytes(signed, form, out var signedBytes))
        {
            return false;
        }

        var attempts = 0;
        foreach (var signature in SignaturesOf(signed))
        {
            foreach (var publicKey in publicKeys)
            {
                if (attempts++ == MaxAttempts)
                {
                    return false;
                }

                if (Ed25519.Verify(publicKey, signedBytes, signature))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static IEnumerable<byte[]> SignaturesOf(JsonElement signed)
    {
        if (signed.ObjectOrNull("signatures"u8) is not { } signatures)
        {
            yield break;
        }

        foreach (var signer in signatures.EnumerateObject())
        {
            foreach (var keyId in SignedJson.KeyIdsOf(signed, signer.Name))
            {
                if (SignedJson.TryReadSignature(signed, signer.Name, keyId, out var signature))
                {
                    yield return signature;
                }
            }
        }
    }

    // "The public keys are in content of m.room.third_party_invite as: A single public key in the public_key property. A list of public
    // keys in the public_keys property."
    private static List<byte[]> PublicKeysOf(Pdu invitation)
    {
        var keys = new List<byte[]>();
        if (UnpaddedBase64.TryDecode(invitation.Content.StringOrNull("public_key"u8), out var single))
        {
            keys.Add(single);
        }

        if (invitation.Content.ArrayOrNull("public_keys"u8) is { } list)
        {
            foreach (var entry in list.EnumerateArray())
            {
                if (UnpaddedBase64.TryDecode(entry.StringOrNull("public_key"u8), out var listed))
                {
                    keys.Add(listed);
                }
            }
        }

        return keys;
    }
}
