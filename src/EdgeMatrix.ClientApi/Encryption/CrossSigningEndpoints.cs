using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Encryption;

/// <summary>Keys that sign keys, and their signatures.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#cross-signing</remarks>
internal static class CrossSigningEndpoints
{
    /// <summary><c>POST /_matrix/client/v3/keys/device_signing/upload</c></summary>
    public static async Task<IResult> Upload(
        HttpRequest request, Requester requester, CrossSigning crossSigning, UserInteractiveAuthentication authentication)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        JsonElement? Part(string name) => body.TryGetProperty(name, out var part) && part.ValueKind != JsonValueKind.Null ? part : null;

        var upload = new CrossSigningUpload(Part("master_key"), Part("self_signing_key"), Part("user_signing_key"));
        if (new[] { upload.Master, upload.SelfSigning, upload.UserSigning }.Any(part => part is { ValueKind: not JsonValueKind.Object }))
        {
            return MatrixError.BadJson("Keys must be objects");
        }

        // "User-Interactive Authentication MUST be performed", but for the first keys, and for those that are there already.
        var needsProof = crossSigning.NeedsProof(requester.UserNid, requester.UserId, upload);
        if (needsProof && await authentication.CheckPasswordAsync(request, body, requester) is { } challenge)
        {
            return challenge;
        }

        var refusal = await crossSigning.UploadAsync(requester.UserNid, requester.UserId, upload, proven: needsProof);
        return refusal is null ? JsonText.Empty : MatrixError.From(refusal);
    }

    /// <summary><c>POST /_matrix/client/v3/keys/signatures/upload</c></summary>
    public static async Task<IResult> Sign(HttpRequest request, Requester requester, CrossSigning crossSigning)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var objects = new List<(string, string, JsonElement)>();
        foreach (var user in body.EnumerateObject().DistinctBy(user => user.Name))
        {
            if (user.Value.ValueKind != JsonValueKind.Object
                || user.Value.EnumerateObject().Any(key => key.Value.ValueKind != JsonValueKind.Object))
            {
                return MatrixError.BadJson($"{user.Name} is not given an object for each key");
            }

            objects.AddRange(user.Value.EnumerateObject().DistinctBy(key => key.Name).Select(key => (user.Name, key.Name, key.Value)));
        }

        var failures = await crossSigning.SignAsync(KeyEndpoints.Owner(requester), objects);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("failures"u8);
            foreach (var user in failures.GroupBy(failure => failure.UserId))
            {
                json.WriteStartObject(user.Key);
                foreach (var (_, keyId, refusal) in user)
                {
                    json.WriteStartObject(keyId);
                    json.WriteString("errcode"u8, Code(refusal.Kind));
                    json.WriteString("error"u8, refusal.Message);
                    json.WriteEndObject();
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    private static string Code(RefusalKind kind) => kind switch
    {
        RefusalKind.InvalidSignature => "M_INVALID_SIGNATURE",
        RefusalKind.NotFound => "M_NOT_FOUND",
        RefusalKind.TooLarge => "M_TOO_LARGE",
        _ => "M_INVALID_PARAM",
    };
}
