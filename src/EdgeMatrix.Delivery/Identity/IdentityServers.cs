using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;

namespace EdgeMatrix.Delivery.Identity;

/// <summary>An identity server that a user chose.</summary>
/// <param name="Name">Its host, perhaps with a port.</param>
/// <param name="AccessToken">The user's own at that server, which their client got there.</param>
public sealed record IdentityServer(string Name, string AccessToken);

/// <summary>An invite that an identity server keeps until it learns whose address it is for.</summary>
/// <param name="Token">What the invite will be told by.</param>
/// <param name="DisplayName">The address, as others may see it.</param>
/// <param name="Keys">At least one; the server signs with one of them, and tells at the URL whether it is still good.</param>
public sealed record StoredInvite(string Token, string DisplayName, IReadOnlyList<(string PublicKey, string? ValidityUrl)> Keys);

/// <summary>Asks identity servers, which know whose an e-mail address or a phone number is. This server has none of its own that it asks.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/identity-service-api/</remarks>
public sealed class IdentityServers(OutboundNetwork network, LocalServer server) : IDisposable
{
    private const string V2 = "/_matrix/identity/v2";
    private const int AtOnce = 8;
    private const int MaxKeys = 4;

    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(15);

    private readonly OutboundClient _client = new(network, AtOnce);

    /// <summary>The user whose an address is; null if the server knows of none.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/identity-service-api/#association-lookup</remarks>
    public async Task<(string? UserId, Refusal? Refusal)> FindUserAsync(IdentityServer identity, string medium, string address, CancellationToken cancellation)
    {
        var (details, unknown) = await AskAsync(identity, HttpMethod.Get, "/hash_details", null, cancellation);
        if (unknown is not null)
        {
            return (null, unknown);
        }

        if (JsonContent.Text(details, "lookup_pepper") is not { } pepper)
        {
            return (null, Malformed(identity.Name));
        }

        // "the address, medium and pepper … concatenated … with spaces, … SHA-256 …, encoded … URL-safe unpadded base64."
        var hash = Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes($"{address} {medium} {pepper}")));
        var (answer, refusal) = await AskAsync(identity, HttpMethod.Post, "/lookup", JsonContent.Object(json =>
        {
            json.WriteStartArray("addresses");
            json.WriteStringValue(hash);
            json.WriteEndArray();
            json.WriteString("algorithm", "sha256");
            json.WriteString("pepper", pepper);
        }), cancellation);
        return refusal is not null ? (null, refusal)
            : answer.ObjectOrNull("mappings"u8) is not { } mappings ? (null, Malformed(identity.Name))
            : (JsonContent.Text(mappings, hash) is { } userId && UserId.TryParse(userId, out _) ? userId : null, null);
    }

    /// <summary>Has a server keep an invite, and tell whoever has the address of it.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/identity-service-api/#invitation-storage</remarks>
    public async Task<Outcome<StoredInvite>> StoreInviteAsync(
        IdentityServer identity, string medium, string address, string roomId, string sender, CancellationToken cancellation)
    {
        var (answer, refusal) = await AskAsync(identity, HttpMethod.Post, "/store-invite", JsonContent.Object(json =>
        {
            json.WriteString("address", address);
            json.WriteString("medium", medium);
            json.WriteString("room_id", roomId);
            json.WriteString("sender", sender);
        }), cancellation);
        if (refusal is not null)
        {
            return refusal;
        }

        var keys = answer.ArrayOrNull("public_keys"u8) is { } list
            ? list.EnumerateArray().Where(key => JsonContent.Text(key, "public_key") is not null).Take(MaxKeys)
                .Select(key => (JsonContent.Text(key, "public_key")!, JsonContent.Text(key, "key_validity_url"))).ToList()
            : [];
        return keys.Count > 0 && JsonContent.Text(answer, "token") is { } token && JsonContent.Text(answer, "display_name") is { } name
            ? new StoredInvite(token, name, keys)
            : Malformed(identity.Name);
    }

    /// <summary>Has a server know an address as that of a user, who proved it there.</summary>
    /// <returns>The medium and the address.</returns>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/identity-service-api/#establishing-associations</remarks>
    public async Task<(string? Medium, string? Address, Refusal? Refusal)> BindAsync(
        IdentityServer identity, string sid, string clientSecret, string userId, CancellationToken cancellation)
    {
        var (answer, refusal) = await AskAsync(identity, HttpMethod.Post, "/3pid/bind", JsonContent.Object(json =>
        {
            json.WriteString("client_secret", clientSecret);
            json.WriteString("mxid", userId);
            json.WriteString("sid", sid);
        }), cancellation);
        return refusal is not null ? (null, null, refusal)
            : JsonContent.Text(answer, "medium") is { } medium && JsonContent.Text(answer, "address") is { } address ? (medium, address, null)
            : (null, null, Malformed(identity.Name));
    }

    /// <summary>Has a server know an address no longer as that of a user of this one. That needs no word of the user's, but one of the homeserver.</summary>
    /// <returns>Whether it does.</returns>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/identity-service-api/#post_matrixidentityv23pidunbind</remarks>
    public async Task<bool> UnbindAsync(string identity, string medium, string address, string userId, CancellationToken cancellation)
    {
        const string Target = V2 + "/3pid/unbind";
        var content = JsonContent.Object(json =>
        {
            json.WriteString("mxid", userId);
            json.WriteStartObject("threepid");
            json.WriteString("address", address);
            json.WriteString("medium", medium);
            json.WriteEndObject();
        });
        var (_, refusal) = await SendAsync(
            identity, HttpMethod.Post, Target, RequestAuthorization.Sign(server.Name, identity, "POST", Target, content, server.Key), content, cancellation);
        return refusal is null;
    }

    /// <summary>Whether who signs with a key still stands by it.</summary>
    /// <param name="url">Where that is told.</param>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#third-party-invites</remarks>
    public async Task<bool> IsValidAsync(string url, string publicKey, CancellationToken cancellation)
    {
        if (!Uri.TryCreate($"{url}?public_key={Uri.EscapeDataString(publicKey)}", UriKind.Absolute, out var target) || target.Scheme != Uri.UriSchemeHttps)
        {
            return false;
        }

        var (answer, refusal) = await SendAsync("The identity server", new OutboundRequest(HttpMethod.Get, target) { Timeout = _timeout }, cancellation);
        return refusal is null && answer.TryGetProperty("valid"u8, out var valid) && valid.ValueKind == JsonValueKind.True;
    }

    public void Dispose() => _client.Dispose();

    private Task<(JsonElement Answer, Refusal? Refusal)> AskAsync(
        IdentityServer identity, HttpMethod method, string path, JsonElement? content, CancellationToken cancellation) =>
        SendAsync(identity.Name, method, V2 + path, $"Bearer {identity.AccessToken}", content, cancellation);

    private async Task<(JsonElement Answer, Refusal? Refusal)> SendAsync(
        string name, HttpMethod method, string target, string authorization, JsonElement? content, CancellationToken cancellation)
    {
        if (!ServerName.IsValid(name) || !Uri.TryCreate($"https://{name}{target}", UriKind.Absolute, out var url))
        {
            return (default, Refusal.InvalidParam($"{name} is no name of an identity server"));
        }

        var request = new OutboundRequest(method, url)
        {
            Authorization = authorization,
            Body = content is { } body ? Encoding.UTF8.GetBytes(body.GetRawText()) : default(ReadOnlyMemory<byte>?),
            Timeout = _timeout,
        };
        return await SendAsync(name, request, cancellation);
    }

    private async Task<(JsonElement Answer, Refusal? Refusal)> SendAsync(string name, OutboundRequest request, CancellationToken cancellation)
    {
        try
        {
            var (status, bytes) = await _client.SendAsync(request, cancellation);
            var isObject = CanonicalJson.TryParse(bytes, out var answer, out _) && answer.ValueKind == JsonValueKind.Object;
            return status == HttpStatusCode.OK ? (isObject ? (answer, null) : (default, Malformed(name)))
                : isObject && (int)status is >= 400 and < 500 && JsonContent.Text(answer, "errcode") is { } code
                    ? (default, Refusal.Relay((int)status, code, $"{name}: {JsonContent.Text(answer, "error")}"))
                : (default, new Refusal(RefusalKind.NoAnswer, $"{name} answered {(int)status}"));
        }
        catch (OutboundException exception)
        {
            return (default, new Refusal(RefusalKind.NoAnswer, $"{name}: {exception.Message}"));
        }
    }

    private static Refusal Malformed(string name) => new(RefusalKind.NoAnswer, $"{name} answered what an identity server does not");
}
