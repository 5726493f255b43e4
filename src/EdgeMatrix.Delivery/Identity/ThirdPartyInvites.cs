using System.Text.Json;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Delivery.Identity;

/// <summary>Invites of whoever has an e-mail address or a phone number.</summary>
/// <remarks>
/// 1. The identity server that the inviting user chose tells whose the address is: then that is an invite as any. 2. Else it keeps the invite, and
/// the room gets an m.room.third_party_invite with the keys that it will sign with. 3. Once it learns whose the address is, it signs that, and a
/// server in the room makes an invite of it. Spec: https://spec.matrix.org/v1.19/client-server-api/#third-party-invites
/// </remarks>
public sealed class ThirdPartyInvites(RoomEngine engine, RoomMembers members, IdentityServers identities)
{
    // Whoever sends a room with more wants to have us ask.
    private const int MaxKeys = 8;

    /// <summary>Steps 1 and 2.</summary>
    public async Task<Outcome<string>> InviteAsync(
        Room room, string sender, IdentityServer identity, string medium, string address, string? reason, CancellationToken cancellation)
    {
        // Before anybody gets mail of it.
        if ((await engine.TemplateAsync(room, _ => Draft(sender, "", default), cancellation)).Refusal is { } mayNot)
        {
            return mayNot;
        }

        var (userId, refusal) = await identities.FindUserAsync(identity, medium, address, cancellation);
        if (refusal is not null)
        {
            return refusal;
        }

        if (userId is not null)
        {
            return await members.InviteAsync(room, sender, userId, reason, cancellation);
        }

        (var stored, refusal) = await identities.StoreInviteAsync(identity, medium, address, room.Id, sender, cancellation);
        return refusal is not null
            ? refusal
            : await engine.SendAsync(room, _ => Draft(sender, stored!.Token, Content(stored)), null, cancellation);
    }

    /// <summary>Step 3: sends the invite, which the room allows if it is signed by a key of the third-party invite that it came from.</summary>
    /// <param name="signed">What the identity server signed.</param>
    public async Task<Outcome<string>> AcceptAsync(Room room, string sender, string invited, JsonElement signed, CancellationToken cancellation)
    {
        if (!engine.Server.Owns(sender))
        {
            return Refusal.Forbidden("The invite is of a user of another server");
        }

        if (JsonContent.Text(signed, "token") is not { } token || await FindAsync(room, token) is not { } original)
        {
            return Refusal.Forbidden("The room has no third-party invite of that token");
        }

        if (!await IsStillValidAsync(original, signed, cancellation))
        {
            return Refusal.Forbidden("The invite is signed by no key that its identity server still stands by");
        }

        Outcome<EventDraft> Invite(StateLookup state) => state(EventTypes.Member, invited) is { } member && Memberships.Of(member) is Membership.Join
            ? Refusal.Forbidden($"{invited} is already in the room")
            : new EventDraft(EventTypes.Member, invited, sender, Invitation(signed, JsonContent.Text(original.Content, "display_name")));

        return members.MustBeSigned(invited)
            ? await members.InviteAsync(room, Invite, cancellation)
            : await engine.SendAsync(room, Invite, null, cancellation);
    }

    /// <summary>The content of the member event that such an invite becomes.</summary>
    public static JsonElement Invitation(JsonElement signed, string? displayName) => JsonContent.Object(json =>
    {
        json.WriteString("membership", "invite");
        json.WriteStartObject("third_party_invite");
        json.WriteString("display_name", displayName ?? "");
        json.WritePropertyName("signed");
        signed.WriteTo(json);
        json.WriteEndObject();
    });

    private async Task<Pdu?> FindAsync(Room room, string token)
    {
        Pdu? found = null;
        await engine.TemplateAsync(room, state =>
        {
            found = state(EventTypes.ThirdPartyInvite, token);
            return Refusal.NotFound("Only looked");
        }, CancellationToken.None);
        return found;
    }

    /// <remarks>"If the key_validity_url is absent, the key must be considered valid indefinitely"; else it is asked at the time of the invite.</remarks>
    private async Task<bool> IsStillValidAsync(Pdu original, JsonElement signed, CancellationToken cancellation)
    {
        foreach (var (publicKey, url) in KeysOf(original.Content).Take(MaxKeys))
        {
            if (UnpaddedBase64.TryDecode(publicKey, out var key) && IsSignedBy(signed, key)
                && (url is null || await identities.IsValidAsync(url, publicKey, cancellation)))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsSignedBy(JsonElement signed, byte[] key) =>
        signed.ObjectOrNull("signatures"u8) is { } signatures
        && signatures.EnumerateObject().Any(signer =>
            SignedJson.KeyIdsOf(signed, signer.Name).Any(keyId => SignedJson.Verify(signed, signer.Name, keyId, key)));

    private static IEnumerable<(string PublicKey, string? Url)> KeysOf(JsonElement content) =>
        (content.ArrayOrNull("public_keys"u8) is { } list ? list.EnumerateArray().Append(content) : [content])
            .Where(key => JsonContent.Text(key, "public_key") is not null)
            .Select(key => (JsonContent.Text(key, "public_key")!, JsonContent.Text(key, "key_validity_url")));

    private static EventDraft Draft(string sender, string token, JsonElement content) =>
        new(EventTypes.ThirdPartyInvite, token, sender, content.ValueKind == JsonValueKind.Undefined ? JsonContent.Object(_ => { }) : content);

    private static JsonElement Content(StoredInvite stored) => JsonContent.Object(json =>
    {
        json.WriteString("display_name", stored.DisplayName);
        WriteKey(json, stored.Keys[0]);
        json.WriteStartArray("public_keys");
        foreach (var key in stored.Keys)
        {
            json.WriteStartObject();
            WriteKey(json, key);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static void WriteKey(Utf8JsonWriter json, (string PublicKey, string? ValidityUrl) key)
    {
        if (key.ValidityUrl is not null)
        {
            json.WriteString("key_validity_url", key.ValidityUrl);
        }

        json.WriteString("public_key", key.PublicKey);
    }
}
