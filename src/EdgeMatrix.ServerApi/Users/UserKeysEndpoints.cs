using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Api.Encryption;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Users;

/// <summary>The keys of users of this server, for those of others.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#end-to-end-encryption</remarks>
internal static class UserKeysEndpoints
{
    /// <summary><c>POST /_matrix/federation/v1/user/keys/query</c></summary>
    public static IResult Query(JsonElement content, KeyQueries queries, AnswerSpool spool)
    {
        var (wanted, error) = KeyBodies.ReadQuery(content);
        if (error is not null)
        {
            return error;
        }

        var found = queries.Find(KeyQueries.AnotherServer, wanted);
        return LongJson.Write(spool, json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("device_keys"u8);
            KeyBodies.WriteDevices(json, found);
            json.WriteEndObject();
            foreach (var usage in new[] { CrossSigningKey.Master, CrossSigningKey.SelfSigning })
            {
                json.WriteStartObject($"{usage}_keys");
                KeyBodies.WriteCrossSigning(json, found, usage);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        });
    }

    /// <summary><c>POST /_matrix/federation/v1/user/keys/claim</c></summary>
    public static async Task<IResult> Claim(JsonElement content, KeyClaims claims)
    {
        var (wanted, error) = KeyBodies.ReadClaim(content);
        if (error is not null)
        {
            return error;
        }

        var claimed = await claims.ClaimAsync(wanted);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("one_time_keys"u8);
            KeyBodies.WriteClaimed(json, claimed);
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }
}
