using System.Collections.Concurrent;
using System.Text.Json;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Outbound;

namespace EdgeMatrix.Delivery.AppServices;

/// <summary>The networks that application services lead to: what each says of its own, put together.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#third-party-networks</remarks>
public sealed class ThirdPartyNetworks(KnownAppServices services, AppServiceClient client, TimeProvider time)
{
    private const string Stable = "/_matrix/app/v1/thirdparty/";
    private const string Earlier = "/_matrix/app/unstable/thirdparty/";

    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);

    // Clients ask for all protocols whenever somebody opens their directory, and what a protocol is hardly ever changes.
    private static readonly TimeSpan _protocolHolds = TimeSpan.FromMinutes(1);

    // No more than the registrations name.
    private readonly ConcurrentDictionary<string, (ThirdPartyProtocol Protocol, DateTimeOffset Until)> _protocols = new(StringComparer.Ordinal);

    /// <summary>The protocols that there are.</summary>
    public IEnumerable<string> Protocols => Reached.SelectMany(service => service.Registration.Protocols).Distinct(StringComparer.Ordinal);

    private IEnumerable<AppService> Reached => services.All.Where(service => service.Registration.Url is not null);

    /// <summary>What a protocol is, as those say that lead to it, or said within the last minute; null if none says anything.</summary>
    public async Task<ThirdPartyProtocol?> ProtocolAsync(string protocol, CancellationToken cancellation)
    {
        if (_protocols.TryGetValue(protocol, out var known) && time.GetUtcNow() < known.Until)
        {
            return known.Protocol;
        }

        var answers = await AskAsync(Of(protocol), $"protocol/{Uri.EscapeDataString(protocol)}", "", cancellation);
        answers.RemoveAll(answer => answer.Answer.ValueKind != JsonValueKind.Object);
        if (answers.Count == 0)
        {
            return null;
        }

        var found = new ThirdPartyProtocol(answers);
        _protocols[protocol] = (found, time.GetUtcNow() + _protocolHolds);
        return found;
    }

    /// <summary>Users of a protocol, or places in it, by fields that the protocol has.</summary>
    /// <param name="kind"><c>user</c> or <c>location</c>.</param>
    /// <param name="query">The fields, encoded.</param>
    public Task<List<JsonElement>> FindAsync(string kind, string protocol, string query, CancellationToken cancellation) =>
        ListAsync(kind, Of(protocol), $"{kind}/{Uri.EscapeDataString(protocol)}", query, cancellation);

    /// <summary>Users or places elsewhere, by a user id or an alias.</summary>
    /// <param name="kind"><c>user</c> or <c>location</c>.</param>
    /// <param name="query">What is looked for, encoded.</param>
    public Task<List<JsonElement>> FindReverseAsync(string kind, string query, CancellationToken cancellation) =>
        ListAsync(kind, Reached.Where(service => service.Registration.Protocols.Count > 0), kind, query, cancellation);

    private IEnumerable<AppService> Of(string protocol) =>
        Reached.Where(service => service.Registration.Protocols.Contains(protocol, StringComparer.Ordinal));

    private async Task<List<JsonElement>> ListAsync(
        string kind, IEnumerable<AppService> asked, string path, string query, CancellationToken cancellation)
    {
        var all = new List<JsonElement>();
        foreach (var (_, answer) in await AskAsync(asked, path, query, cancellation))
        {
            if (answer.ValueKind == JsonValueKind.Array)
            {
                all.AddRange(answer.EnumerateArray().Where(found => IsWhole(kind, found)));
            }
        }

        return all;
    }

    // What is not as the specification has it is not handed on.
    private static bool IsWhole(string kind, JsonElement found) =>
        found.ValueKind == JsonValueKind.Object
        && Is(found, kind == "user" ? "userid" : "alias", JsonValueKind.String)
        && Is(found, "protocol", JsonValueKind.String)
        && Is(found, "fields", JsonValueKind.Object);

    private static bool Is(JsonElement found, string name, JsonValueKind kind) => found.TryGetProperty(name, out var value) && value.ValueKind == kind;

    /// <summary>Asks all of them at once; who does not answer has nothing to say.</summary>
    private async Task<List<(AppService Service, JsonElement Answer)>> AskAsync(
        IEnumerable<AppService> asked, string path, string query, CancellationToken cancellation)
    {
        var all = asked.ToList();
        var answers = await Task.WhenAll(all.Select(service => AskAsync(service, path, query, cancellation)));
        return [.. all.Zip(answers).Where(one => one.Second.ValueKind != JsonValueKind.Undefined)];
    }

    private async Task<JsonElement> AskAsync(AppService service, string path, string query, CancellationToken cancellation)
    {
        try
        {
            var (status, body) = await client.SendAsync(service, HttpMethod.Get, Stable + path, Earlier + path, query, null, _timeout, cancellation);
            return (int)status is >= 200 and < 300 ? JsonElement.Parse(body) : default;
        }
        catch (Exception failure) when (failure is OutboundException or JsonException)
        {
            return default;
        }
    }
}

/// <summary>What a protocol is: as the first says that leads to it, with the instances of all.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartyprotocols</remarks>
public sealed class ThirdPartyProtocol
{
    private readonly IReadOnlyList<(AppService Service, JsonElement Description)> _descriptions;

    internal ThirdPartyProtocol(IReadOnlyList<(AppService Service, JsonElement Description)> descriptions) => _descriptions = descriptions;

    /// <summary>What clients call a network of an application service.</summary>
    public static string InstanceId(string appServiceId, string network) => $"{appServiceId}|{network}";

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        foreach (var property in _descriptions[0].Description.EnumerateObject().Where(property => property.Name != "instances"))
        {
            property.WriteTo(json);
        }

        json.WriteStartArray("instances"u8);
        foreach (var (service, description) in _descriptions)
        {
            if (description.TryGetProperty("instances"u8, out var instances) && instances.ValueKind == JsonValueKind.Array)
            {
                foreach (var instance in instances.EnumerateArray().Where(instance => instance.ValueKind == JsonValueKind.Object))
                {
                    WriteInstance(json, service, instance);
                }
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteInstance(Utf8JsonWriter json, AppService service, JsonElement instance)
    {
        json.WriteStartObject();
        foreach (var property in instance.EnumerateObject().Where(property => property.Name != "instance_id"))
        {
            property.WriteTo(json);
        }

        if (instance.TryGetProperty("network_id"u8, out var network) && network.ValueKind == JsonValueKind.String)
        {
            json.WriteString("instance_id"u8, InstanceId(service.Id, network.GetString()!));
        }

        json.WriteEndObject();
    }
}
