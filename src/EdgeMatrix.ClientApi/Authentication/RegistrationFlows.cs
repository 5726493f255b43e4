using System.Text.Json;
using EdgeMatrix.Accounts.Registration;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>What whoever makes an account must show or accept, as the configuration has it.</summary>
internal static class RegistrationFlows
{
    public static InteractiveRequest Of(
        HttpRequest request, JsonElement body, RegisterRequest wanted, ClientApiOptions options, RegistrationTokens tokens, UserInteractiveAuthentication authentication)
    {
        var stages = new List<string>();
        var proofs = new Dictionary<string, StageProof>(StringComparer.Ordinal);
        if (!options.RegistrationOpen)
        {
            stages.Add(AuthenticationTypes.RegistrationToken);
            proofs[AuthenticationTypes.RegistrationToken] = (given, session) => Task.FromResult(CheckToken(given, session, tokens));
        }

        var beforeEmail = stages.Count;
        if (options.Terms.Count > 0)
        {
            stages.Add(AuthenticationTypes.Terms);
            proofs[AuthenticationTypes.Terms] = (_, _) => Task.FromResult<StageRefusal?>(null);
        }

        var flows = new List<string[]>();
        if (options.RegistrationEmail != EmailAtRegistration.Off)
        {
            flows.Add([.. stages[..beforeEmail], AuthenticationTypes.Email, .. stages[beforeEmail..]]);
            proofs[AuthenticationTypes.Email] = (given, session) =>
                Task.FromResult(authentication.CheckEmail(given, session, EmailPurpose.Register));
        }

        if (options.RegistrationEmail != EmailAtRegistration.Required)
        {
            if (stages.Count == 0)
            {
                stages.Add(AuthenticationTypes.Dummy);
                proofs[AuthenticationTypes.Dummy] = (_, _) => Task.FromResult<StageRefusal?>(null);
            }

            flows.Insert(0, [.. stages]);
        }

        return new InteractiveRequest(request, body, UserId: null, [.. flows], proofs)
        {
            BodyMayChange = true,
            Registration = wanted.ToRemember(),
            WriteParams = options.Terms.Count == 0 ? null : json => WriteTerms(json, options.Terms),
        };
    }

    /// <summary>Judges a registration token, and notes it in the session.</summary>
    public static StageRefusal? CheckToken(AuthenticationData given, InteractiveSession session, RegistrationTokens tokens)
    {
        if (given.Token is null || !tokens.IsGood(given.Token))
        {
            return new StageRefusal("M_UNAUTHORIZED", "The registration token is not known, used up or expired");
        }

        session.RegistrationToken = given.Token;
        return null;
    }

    private static void WriteTerms(Utf8JsonWriter json, IReadOnlyList<TermsPolicy> terms)
    {
        json.WriteStartObject(AuthenticationTypes.Terms);
        json.WriteStartObject("policies"u8);
        foreach (var policy in terms.GroupBy(policy => policy.Id))
        {
            json.WriteStartObject(policy.Key);
            json.WriteString("version"u8, policy.First().Version);
            foreach (var document in policy.DistinctBy(document => document.Language))
            {
                json.WriteStartObject(document.Language);
                json.WriteString("name"u8, document.Name);
                json.WriteString("url"u8, document.Url);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}

/// <summary>A document that new users must accept, in one language.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#terms-of-service-at-registration</remarks>
public sealed record TermsPolicy(string Id, string Version, string Language, string Url, string Name);
