using System.Text.Json;
using System.Text.Json.Serialization;

namespace EdgeMatrix.Accounts.PushRules;

/// <summary>A push rule.</summary>
/// <param name="Actions">An array of action names and tweaks.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#push-rules</remarks>
public sealed record PushRule(string RuleId, bool Default, bool Enabled, JsonElement Actions)
{
    /// <summary>An array; only rules of the kinds override and underride have it.</summary>
    public JsonElement? Conditions { get; init; }

    /// <summary>A glob; only rules of the kind content have it.</summary>
    public string? Pattern { get; init; }
}

/// <summary>The kinds of rules, the most important first.</summary>
public enum PushRuleKind
{
    Override,
    Content,
    Room,
    Sender,
    Underride,
}

/// <summary>All rules of a user, kind by kind, in each the most important first.</summary>
public sealed record PushRuleset(
    IReadOnlyList<PushRule> Override,
    IReadOnlyList<PushRule> Content,
    IReadOnlyList<PushRule> Room,
    IReadOnlyList<PushRule> Sender,
    IReadOnlyList<PushRule> Underride)
{
    public IReadOnlyList<PushRule> this[PushRuleKind kind] => kind switch
    {
        PushRuleKind.Override => Override,
        PushRuleKind.Content => Content,
        PushRuleKind.Room => Room,
        PushRuleKind.Sender => Sender,
        PushRuleKind.Underride => Underride,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    public PushRuleset With(PushRuleKind kind, IReadOnlyList<PushRule> rules) => kind switch
    {
        PushRuleKind.Override => this with { Override = rules },
        PushRuleKind.Content => this with { Content = rules },
        PushRuleKind.Room => this with { Room = rules },
        PushRuleKind.Sender => this with { Sender = rules },
        PushRuleKind.Underride => this with { Underride = rules },
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    public PushRule? Find(PushRuleKind kind, string ruleId) => this[kind].FirstOrDefault(rule => rule.RuleId == ruleId);
}

/// <summary>The content of <c>m.push_rules</c>.</summary>
public sealed record PushRulesContent(PushRuleset Global);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(PushRulesContent))]
public sealed partial class PushRulesJson : JsonSerializerContext;
