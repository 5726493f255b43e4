using System.Text.Json.Serialization;
using EdgeMatrix.Rooms.Policy;
using Microsoft.AspNetCore.Http;
using static EdgeMatrix.Api.JsonBody;

namespace EdgeMatrix.ClientApi.Discovery;

/// <summary>What a client asks before it knows the server.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#server-discovery</remarks>
internal static class ServerDiscovery
{
    // Clients look for a version that they know, not for the highest: every release is named up to the last of which all is here that it asks of
    // servers and clients. What a release adds to the OAuth 2.0 API is for servers that have that.
    private static readonly string[] Versions =
    [
        "r0.5.0", "r0.6.0", "r0.6.1",
        "v1.1", "v1.2", "v1.3", "v1.4", "v1.5", "v1.6", "v1.7", "v1.8", "v1.9", "v1.10", "v1.11", "v1.12", "v1.13", "v1.14", "v1.15", "v1.16",
        "v1.17", "v1.18", "v1.19",
    ];

    // Only what is really there: clients fail hard on a flag that promises too much.
    private static readonly string[] UnstableFeatures =
    [
        "org.matrix.msc2285.stable", // m.read.private
        "org.matrix.e2e_cross_signing",
        "org.matrix.msc3814", // dehydrated devices
        "org.matrix.msc3440.stable", // threads
        "org.matrix.msc3981", // relations of relations
        "org.matrix.msc4222", // state_after in /sync
        "uk.tcpip.msc4133", // extensible profiles
        "uk.tcpip.msc4133.stable",
        "com.beeper.msc4169", // redactions through /send
        "org.matrix.msc3827.stable", // types of rooms in the room directory
        "org.matrix.msc3916.stable", // media for users only
        "org.matrix.msc4380.stable", // invites blocked
        "uk.half-shot.msc2666.query_mutual_rooms",
        "uk.half-shot.msc2666.query_mutual_rooms.stable",
        "fi.mau.msc2659.stable", // pings to application services
    ];

    /// <summary><c>GET /_matrix/client/versions</c></summary>
    public static IResult GetVersions() =>
        Json(new VersionsResponse(Versions, UnstableFeatures.ToDictionary(name => name, _ => true)), ClientApiJson.Default.VersionsResponse);

    /// <summary><c>GET /.well-known/matrix/client</c></summary>
    public static IResult GetClient(ClientApiOptions options) => ClientWellKnown.From(options) is { } wellKnown
        ? Json(wellKnown, ClientApiJson.Default.ClientWellKnown)
        : MatrixError.NotFound("This server does not say under which address clients find it");

    /// <summary><c>GET /.well-known/matrix/policy_server</c></summary>
    public static IResult GetPolicyServer(OwnPolicyServer policyServer) => policyServer.IsEnabled
        ? JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("public_keys"u8);
            json.WriteString("ed25519"u8, policyServer.PublicKey);
            json.WriteEndObject();
            json.WriteEndObject();
        })
        : MatrixError.NotFound("This server is no policy server");

    /// <summary><c>GET /.well-known/matrix/support</c></summary>
    public static IResult GetSupport(ClientApiOptions options) => options.SupportContacts.Count == 0 && options.SupportPage is null
        ? MatrixError.NotFound("This server does not say whom its users turn to")
        : JsonText.Write(json =>
        {
            json.WriteStartObject();
            if (options.SupportContacts.Count > 0)
            {
                json.WriteStartArray("contacts"u8);
                foreach (var contact in options.SupportContacts)
                {
                    contact.Write(json);
                }

                json.WriteEndArray();
            }

            if (options.SupportPage is not null)
            {
                json.WriteString("support_page"u8, options.SupportPage);
            }

            json.WriteEndObject();
        });
}

/// <summary>Somebody whom users of this server turn to.</summary>
/// <param name="Role">What for: <c>m.role.admin</c>, <c>m.role.security</c>, or a name of one's own.</param>
/// <param name="MatrixId">A user id, perhaps of another server; null only where there is an e-mail address.</param>
public sealed record SupportContact(string Role, string? MatrixId, string? EmailAddress)
{
    internal void Write(System.Text.Json.Utf8JsonWriter json)
    {
        json.WriteStartObject();
        if (MatrixId is not null)
        {
            json.WriteString("matrix_id"u8, MatrixId);
        }

        if (EmailAddress is not null)
        {
            json.WriteString("email_address"u8, EmailAddress);
        }

        json.WriteString("role"u8, Role);
        json.WriteEndObject();
    }
}

internal sealed record VersionsResponse(string[] Versions, Dictionary<string, bool> UnstableFeatures);

internal sealed record ClientWellKnown([property: JsonPropertyName("m.homeserver")] HomeserverAddress Homeserver)
{
    /// <summary>Null where the configuration has no address.</summary>
    public static ClientWellKnown? From(ClientApiOptions options) =>
        options.PublicBaseUrl is { } url ? new ClientWellKnown(new HomeserverAddress(url)) : null;
}

internal sealed record HomeserverAddress(string BaseUrl);
