using System.Text.Json;
using EdgeMatrix.Delivery.AppServices;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.ThirdParties;

/// <summary>Networks that bridges lead to, as their application services tell of them.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#third-party-networks</remarks>
internal static class ThirdPartyLookup
{
    // What authenticates the request and says who makes it is for this server.
    private static readonly string[] _ownParameters = ["access_token", "user_id", "device_id", "org.matrix.msc3202.device_id"];

    /// <summary><c>GET /_matrix/client/v3/thirdparty/protocols</c></summary>
    public static async Task<IResult> Protocols(HttpRequest request, ThirdPartyNetworks networks)
    {
        var names = networks.Protocols.ToList();
        var found = await Task.WhenAll(names.Select(name => networks.ProtocolAsync(name, request.HttpContext.RequestAborted)));
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            foreach (var (name, protocol) in names.Zip(found))
            {
                if (protocol is not null)
                {
                    json.WritePropertyName(name);
                    protocol.Write(json);
                }
            }

            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /_matrix/client/v3/thirdparty/protocol/{protocol}</c></summary>
    public static async Task<IResult> Protocol(string protocol, HttpRequest request, ThirdPartyNetworks networks) =>
        await networks.ProtocolAsync(protocol, request.HttpContext.RequestAborted) is { } found ? JsonText.Write(found.Write) : NoProtocol(protocol);

    /// <summary><c>GET /_matrix/client/v3/thirdparty/location/{protocol}</c></summary>
    public static Task<IResult> Locations(string protocol, HttpRequest request, ThirdPartyNetworks networks) =>
        Find("location", protocol, request, networks);

    /// <summary><c>GET /_matrix/client/v3/thirdparty/user/{protocol}</c></summary>
    public static Task<IResult> Users(string protocol, HttpRequest request, ThirdPartyNetworks networks) =>
        Find("user", protocol, request, networks);

    /// <summary><c>GET /_matrix/client/v3/thirdparty/location</c></summary>
    public static Task<IResult> LocationsOfAlias(HttpRequest request, ThirdPartyNetworks networks) =>
        FindReverse("location", "alias", request, networks);

    /// <summary><c>GET /_matrix/client/v3/thirdparty/user</c></summary>
    public static Task<IResult> UsersOfUserId(HttpRequest request, ThirdPartyNetworks networks) =>
        FindReverse("user", "userid", request, networks);

    private static async Task<IResult> Find(
        string kind, string protocol, HttpRequest request, ThirdPartyNetworks networks)
    {
        if (!networks.Protocols.Contains(protocol, StringComparer.Ordinal))
        {
            return NoProtocol(protocol);
        }

        var query = string.Join('&', request.Query
            .Where(parameter => !_ownParameters.Contains(parameter.Key, StringComparer.Ordinal))
            .SelectMany(parameter => parameter.Value.Select(value => $"{Uri.EscapeDataString(parameter.Key)}={Uri.EscapeDataString(value ?? "")}")));
        var found = await networks.FindAsync(kind, protocol, query, request.HttpContext.RequestAborted);
        return found.Count == 0 ? MatrixError.NotFound($"{protocol} has no such {kind}") : Answer(found);
    }

    private static async Task<IResult> FindReverse(
        string kind, string name, HttpRequest request, ThirdPartyNetworks networks)
    {
        var (wanted, error) = request.QueryRequired(name);
        return error is not null
            ? error
            : Answer(await networks.FindReverseAsync(kind, $"{name}={Uri.EscapeDataString(wanted!)}", request.HttpContext.RequestAborted));
    }

    private static JsonText Answer(List<JsonElement> found) => JsonText.Write(json =>
    {
        json.WriteStartArray();
        found.ForEach(one => one.WriteTo(json));
        json.WriteEndArray();
    });

    private static MatrixError NoProtocol(string protocol) => MatrixError.NotFound($"This server knows no protocol {protocol}");
}
