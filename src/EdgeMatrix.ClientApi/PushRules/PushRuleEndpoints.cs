using System.Text.Json;
using EdgeMatrix.Accounts.PushRules;
using Microsoft.AspNetCore.Http;
using static EdgeMatrix.Api.JsonBody;

namespace EdgeMatrix.ClientApi.PushRules;

/// <summary>The requester's push rules.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#push-rules-api</remarks>
internal static class PushRuleEndpoints
{
    /// <summary><c>GET /_matrix/client/v3/pushrules/</c></summary>
    public static IResult GetAll(Requester requester, UserPushRules rules) => JsonText.Write(json =>
        JsonSerializer.Serialize(json, new PushRulesContent(Rules(requester, rules)), PushRulesJson.Default.PushRulesContent));

    /// <summary><c>GET /_matrix/client/v3/pushrules/global/</c></summary>
    public static IResult GetGlobal(Requester requester, UserPushRules rules) => JsonText.Write(json =>
        JsonSerializer.Serialize(json, Rules(requester, rules), PushRulesJson.Default.PushRuleset));

    /// <summary><c>GET /_matrix/client/v3/pushrules/global/{kind}/</c>, which is not in the specification, but answered by other servers.</summary>
    public static IResult GetKind(string kind, Requester requester, UserPushRules rules) =>
        PushRuleShape.Kind(kind) is { } parsed
            ? JsonText.Write(json =>
            {
                json.WriteStartArray();
                foreach (var rule in Rules(requester, rules)[parsed])
                {
                    JsonSerializer.Serialize(json, rule, PushRulesJson.Default.PushRule);
                }

                json.WriteEndArray();
            })
            : UnknownKind();

    /// <summary>What is wrong with the path of a rule: scope, kind and attribute are parameters in it.</summary>
    public static IResult NoSuchPath() =>
        MatrixError.InvalidParam("Push rules are at /pushrules/global/{kind}/{ruleId}, and what they have under it at /enabled and /actions");

    /// <summary><c>GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}</c></summary>
    public static IResult Get(string kind, string ruleId, Requester requester, UserPushRules rules)
    {
        var (rule, error) = Find(kind, ruleId, requester, rules);
        return (IResult?)error ?? JsonText.Write(json => JsonSerializer.Serialize(json, rule!, PushRulesJson.Default.PushRule));
    }

    /// <summary><c>PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}</c></summary>
    public static async Task<IResult> Set(string kind, string ruleId, HttpRequest request, Requester requester, UserPushRules rules)
    {
        var (wanted, error) = await request.ReadJsonAsync(ClientApiJson.Default.PushRuleRequest);
        if (error is not null)
        {
            return error;
        }

        if (PushRuleShape.Kind(kind) is not { } parsed)
        {
            return UnknownKind();
        }

        var (rule, wrong) = PushRuleShape.Rule(parsed, ruleId, wanted!);
        if (wrong is not null)
        {
            return wrong;
        }

        var place = new PushRulePlace(request.QueryText("before"), request.QueryText("after"));
        return Answer(await rules.SetAsync(requester.UserNid, requester.UserId, parsed, rule!, place));
    }

    /// <summary><c>DELETE /_matrix/client/v3/pushrules/global/{kind}/{ruleId}</c></summary>
    public static async Task<IResult> Delete(string kind, string ruleId, Requester requester, UserPushRules rules) =>
        PushRuleShape.Kind(kind) is { } parsed
            ? Answer(await rules.DeleteAsync(requester.UserNid, requester.UserId, parsed, ruleId))
            : UnknownKind();

    /// <summary><c>GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled</c></summary>
    public static IResult GetEnabled(string kind, string ruleId, Requester requester, UserPushRules rules)
    {
        var (rule, error) = Find(kind, ruleId, requester, rules);
        return (IResult?)error ?? Json(new PushRuleEnabled(rule!.Enabled), ClientApiJson.Default.PushRuleEnabled);
    }

    /// <summary><c>PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled</c></summary>
    public static async Task<IResult> SetEnabled(string kind, string ruleId, HttpRequest request, Requester requester, UserPushRules rules)
    {
        var (body, error) = await request.ReadJsonAsync(ClientApiJson.Default.PushRuleEnabled);
        if (error is not null)
        {
            return error;
        }

        return PushRuleShape.Kind(kind) is { } parsed
            ? Answer(await rules.SetEnabledAsync(requester.UserNid, requester.UserId, parsed, ruleId, body!.Enabled))
            : UnknownKind();
    }

    /// <summary><c>GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions</c></summary>
    public static IResult GetActions(string kind, string ruleId, Requester requester, UserPushRules rules)
    {
        var (rule, error) = Find(kind, ruleId, requester, rules);
        return (IResult?)error ?? Json(new PushRuleActions(rule!.Actions), ClientApiJson.Default.PushRuleActions);
    }

    /// <summary><c>PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions</c></summary>
    public static async Task<IResult> SetActions(string kind, string ruleId, HttpRequest request, Requester requester, UserPushRules rules)
    {
        var (body, error) = await request.ReadJsonAsync(ClientApiJson.Default.PushRuleActions);
        if ((error ?? PushRuleShape.RefuseActions(body!.Actions)) is { } refused)
        {
            return refused;
        }

        return PushRuleShape.Kind(kind) is { } parsed
            ? Answer(await rules.SetActionsAsync(requester.UserNid, requester.UserId, parsed, ruleId, body!.Actions))
            : UnknownKind();
    }

    private static PushRuleset Rules(Requester requester, UserPushRules rules) => rules.Get(requester.UserNid, requester.UserId);

    private static (PushRule? Rule, MatrixError? Error) Find(string kind, string ruleId, Requester requester, UserPushRules rules)
    {
        if (PushRuleShape.Kind(kind) is not { } parsed)
        {
            return (null, UnknownKind());
        }

        return Rules(requester, rules).Find(parsed, ruleId) is { } rule ? (rule, null) : (null, UnknownRule());
    }

    private static IResult Answer(PushRuleVerdict verdict) => verdict switch
    {
        PushRuleVerdict.Done => JsonText.Empty,
        PushRuleVerdict.Unknown => UnknownRule(),
        PushRuleVerdict.UnknownNeighbour => MatrixError.BadRequest("before/after rule not found among your own rules of that kind"),
        PushRuleVerdict.Predefined => MatrixError.InvalidParam("Predefined rules cannot be deleted"),
        PushRuleVerdict.TooMany => MatrixError.TooLarge($"Your push rules have at most {UserPushRules.MaxConditions} conditions together"),
        PushRuleVerdict.TooLarge => MatrixError.TooLarge($"Push rules have at most {UserPushRules.MaxBytes} bytes"),
        _ => throw new ArgumentOutOfRangeException(nameof(verdict), verdict, null),
    };

    private static MatrixError UnknownKind() => MatrixError.InvalidParam("The kind is none of override, content, room, sender, underride");

    private static MatrixError UnknownRule() => MatrixError.NotFound("You have no such push rule");
}
