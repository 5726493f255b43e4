using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Api.Encryption;
using EdgeMatrix.Federation.Users;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Encryption;

/// <summary>The public keys of devices: published, asked for, claimed.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#key-management-api</remarks>
internal static class KeyEndpoints
{
    private const long DefaultWaitMs = 10_000;
    private const long MaxWaitMs = 60_000;

    /// <summary><c>POST /_matrix/client/v3/keys/upload</c></summary>
    public static async Task<IResult> Upload(HttpRequest request, Requester requester, KeyUploads uploads)
    {
        // "will fail to complete operations which require a device ID (such as uploading one-time keys)"
        if (requester.DeviceId is null)
        {
            return MatrixError.MissingParam("device_id, in the query, of the device that the application service acts as,");
        }

        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var (upload, badShape) = ReadUpload(body);
        if (badShape is not null)
        {
            return badShape;
        }

        var (counts, refusal) = await uploads.UploadAsync(Owner(requester), upload);
        return refusal is not null
            ? MatrixError.From(refusal)
            : JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteStartObject("one_time_key_counts"u8);
                foreach (var (algorithm, count) in counts!.OneTimeKeys)
                {
                    json.WriteNumber(algorithm, count);
                }

                json.WriteEndObject();
                json.WriteEndObject();
            });
    }

    /// <summary><c>POST /_matrix/client/v3/keys/query</c></summary>
    public static async Task<IResult> Query(HttpRequest request, Requester requester, KeyQueries queries, RemoteKeys remote, AnswerSpool spool)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var (wanted, badShape) = KeyBodies.ReadQuery(body);
        if (badShape is not null)
        {
            return badShape;
        }

        var found = queries.Find(requester.UserNid, wanted);
        var others = await remote.QueryAsync(requester.UserNid, wanted, WaitOf(body), request.HttpContext.RequestAborted);
        found.AddRange(others.Kept);
        return LongJson.Write(spool, json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("device_keys"u8);
            KeyBodies.WriteDevices(json, found);
            others.Write(json, "device_keys");
            json.WriteEndObject();
            foreach (var usage in new[] { CrossSigningKey.Master, CrossSigningKey.SelfSigning, CrossSigningKey.UserSigning })
            {
                json.WriteStartObject($"{usage}_keys");
                KeyBodies.WriteCrossSigning(json, found, usage);
                if (usage != CrossSigningKey.UserSigning)
                {
                    others.Write(json, $"{usage}_keys");
                }

                json.WriteEndObject();
            }

            others.WriteFailures(json);
            json.WriteEndObject();
        });
    }

    /// <summary><c>POST /_matrix/client/v3/keys/claim</c></summary>
    public static async Task<IResult> Claim(HttpRequest request, KeyClaims claims, RemoteKeys remote)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var (wanted, badShape) = KeyBodies.ReadClaim(body);
        if (badShape is not null)
        {
            return badShape;
        }

        var claimed = await claims.ClaimAsync(wanted);
        var others = await remote.ClaimAsync(wanted, WaitOf(body), request.HttpContext.RequestAborted);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("one_time_keys"u8);
            KeyBodies.WriteClaimed(json, claimed);
            others.Write(json, "one_time_keys");
            json.WriteEndObject();
            others.WriteFailures(json);
            json.WriteEndObject();
        });
    }

    /// <summary>Reads the keys of a body; what is not there is null.</summary>
    public static (KeyUpload Upload, MatrixError? Error) ReadUpload(JsonElement body)
    {
        JsonElement? Part(string name) => body.TryGetProperty(name, out var part) && part.ValueKind != JsonValueKind.Null ? part : null;

        var upload = new KeyUpload(Part("device_keys"), Part("one_time_keys"), Part("fallback_keys"));
        return new[] { upload.DeviceKeys, upload.OneTimeKeys, upload.FallbackKeys }.Any(part => part is { ValueKind: not JsonValueKind.Object })
            ? (default, MatrixError.BadJson("device_keys, one_time_keys and fallback_keys must be objects"))
            : (upload, null);
    }

    // "The time (in milliseconds) to wait when downloading keys from remote servers. 10 seconds is the recommended default."
    private static TimeSpan WaitOf(JsonElement body) => TimeSpan.FromMilliseconds(
        body.TryGetProperty("timeout"u8, out var timeout) && timeout.ValueKind == JsonValueKind.Number && timeout.TryGetInt64(out var ms) && ms > 0
            ? Math.Min(ms, MaxWaitMs)
            : DefaultWaitMs);

    public static DeviceOwner Owner(Requester requester) =>
        new(requester.UserNid, requester.UserId, requester.DeviceNid, requester.DeviceId ?? "");
}
