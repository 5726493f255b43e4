using System.Text.Json;
using EdgeMatrix.Federation.Keys;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Keys;

/// <summary>The keys that servers sign with: this one's own, and as a notary those of others.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys</remarks>
internal static class ServerKeyEndpoints
{
    /// <summary>Each may have to be fetched.</summary>
    private const int MaxServers = 100;

    private const int MaxKeyIds = 64;
    private const int AtOnce = 8;
    private const int MaxBodyBytes = 64 * 1024;

    /// <summary><c>GET /_matrix/key/v2/server</c>, and the deprecated form with a key id.</summary>
    public static IResult GetOwn(OwnKeys own) => new JsonText(own.Answer());

    /// <summary><c>GET /_matrix/key/v2/query/{serverName}</c>, and the form of before v1.6 with a key id.</summary>
    public static async Task<IResult> Query(string serverName, HttpRequest request, Notary notary, params string[] keyIds)
    {
        var (minimum, bad) = request.QueryInteger("minimum_valid_until_ts", min: 0);
        return bad is not null ? bad : Answer(await notary.FindAsync(serverName, keyIds, minimum, request.HttpContext.RequestAborted));
    }

    /// <summary><c>POST /_matrix/key/v2/query</c></summary>
    public static async Task<IResult> QueryMany(HttpRequest request, Notary notary)
    {
        var (body, error) = await request.ReadObjectAsync(MaxBodyBytes);
        if (error is not null)
        {
            return error;
        }

        if (!body.TryGetProperty("server_keys"u8, out var servers))
        {
            return MatrixError.MissingParam("server_keys");
        }

        if (servers.ValueKind != JsonValueKind.Object || servers.EnumerateObject().Any(server => server.Value.ValueKind != JsonValueKind.Object))
        {
            return MatrixError.BadJson("server_keys is not an object of objects");
        }

        var asked = servers.EnumerateObject().DistinctBy(server => server.Name).ToList();
        if (asked.Count > MaxServers || asked.Any(server => server.Value.EnumerateObject().Count() > MaxKeyIds))
        {
            return MatrixError.TooLarge($"server_keys asks of more than {MaxServers} servers, or {MaxKeyIds} keys of one");
        }

        var answers = new IReadOnlyList<byte[]>[asked.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = request.HttpContext.RequestAborted };
        await Parallel.ForAsync(0, asked.Count, options, async (index, cancellation) =>
        {
            var keys = asked[index].Value.EnumerateObject().ToList();
            answers[index] = await notary.FindAsync(
                asked[index].Name, [.. keys.Select(key => key.Name)], keys.Max(key => MinimumOf(key.Value)), cancellation);
        });
        return Answer(answers.SelectMany(ofServer => ofServer));
    }

    private static long? MinimumOf(JsonElement criteria) =>
        criteria.ValueKind == JsonValueKind.Object
        && criteria.TryGetProperty("minimum_valid_until_ts"u8, out var minimum)
        && minimum.ValueKind == JsonValueKind.Number
        && minimum.TryGetInt64(out var ts)
            ? ts
            : null;

    // "If the server key cannot be retrieved, the list is empty": of those that are known there is one entry each, or more where keys have gone.
    private static JsonText Answer(IEnumerable<byte[]> answers) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("server_keys"u8);
        foreach (var answer in answers)
        {
            json.WriteRawValue(answer, skipInputValidation: true);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });
}
