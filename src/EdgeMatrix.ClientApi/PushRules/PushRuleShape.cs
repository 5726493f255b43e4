using System.Text.Json;
using EdgeMatrix.Accounts.PushRules;

namespace EdgeMatrix.ClientApi.PushRules;

/// <summary>What a push rule of a client may look like.</summary>
internal static class PushRuleShape
{
    private const int MaxIdLength = 255;
    private const int MaxPatternLength = 255;
    private static readonly JsonElement NoConditions = JsonElement.Parse("[]"u8);

    public static PushRuleKind? Kind(string kind) => kind switch
    {
        "override" => PushRuleKind.Override,
        "content" => PushRuleKind.Content,
        "room" => PushRuleKind.Room,
        "sender" => PushRuleKind.Sender,
        "underride" => PushRuleKind.Underride,
        _ => null,
    };

    public static (PushRule? Rule, MatrixError? Error) Rule(PushRuleKind kind, string ruleId, PushRuleRequest wanted)
    {
        if (ruleId.StartsWith('.'))
        {
            return (null, MatrixError.InvalidParam("Rule IDs that begin with a dot are the server's"));
        }

        if (ruleId.Length > MaxIdLength || ruleId.AsSpan().ContainsAny('/', '\\'))
        {
            return (null, MatrixError.InvalidParam($"A rule ID has no slash or backslash and at most {MaxIdLength} characters"));
        }

        if (RefuseActions(wanted.Actions) is { } wrongActions)
        {
            return (null, wrongActions);
        }

        // "When creating push rules, they MUST be enabled by default."
        var rule = new PushRule(ruleId, false, true, wanted.Actions);
        switch (kind)
        {
            case PushRuleKind.Override or PushRuleKind.Underride:
                var conditions = wanted.Conditions ?? NoConditions;
                return RefuseConditions(conditions) is { } wrongConditions
                    ? (null, wrongConditions)
                    : (rule with { Conditions = conditions }, null);
            case PushRuleKind.Content:
                return wanted.Pattern is not { } pattern
                    ? (null, MatrixError.MissingParam("pattern"))
                    : RefusePattern(pattern) is { } tooLong ? (null, tooLong) : (rule with { Pattern = pattern }, null);
            default:
                return (rule, null);
        }
    }

    /// <summary>Null if the actions are names and tweaks.</summary>
    public static MatrixError? RefuseActions(JsonElement actions)
    {
        if (actions.ValueKind != JsonValueKind.Array)
        {
            return MatrixError.BadJson("actions is not an array");
        }

        return actions.EnumerateArray().All(action =>
            IsKnown(action) || (action.ValueKind == JsonValueKind.Object && HasText(action, "set_tweak")))
                ? null
                : MatrixError.BadJson("An action is notify, or an object with set_tweak");
    }

    // "Clients and homeservers MUST ignore these actions": dont_notify and coalesce.
    private static bool IsKnown(JsonElement action) => action.ValueKind == JsonValueKind.String
        && (action.ValueEquals("notify"u8) || action.ValueEquals("dont_notify"u8) || action.ValueEquals("coalesce"u8));

    private static MatrixError? RefuseConditions(JsonElement conditions)
    {
        if (conditions.ValueKind != JsonValueKind.Array
            || !conditions.EnumerateArray().All(condition => condition.ValueKind == JsonValueKind.Object && HasText(condition, "kind")))
        {
            return MatrixError.BadJson("conditions is not an array of objects, each with a kind");
        }

        foreach (var condition in conditions.EnumerateArray())
        {
            if (HasText(condition, "pattern") && RefusePattern(condition.GetProperty("pattern").GetString()!) is { } tooLong)
            {
                return tooLong;
            }
        }

        return null;
    }

    // Every message may be held against it.
    private static MatrixError? RefusePattern(string pattern) =>
        pattern.Length > MaxPatternLength ? MatrixError.InvalidParam($"A pattern has at most {MaxPatternLength} characters") : null;

    private static bool HasText(JsonElement value, string name) =>
        value.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String;
}

internal sealed record PushRuleRequest(JsonElement Actions)
{
    public JsonElement? Conditions { get; init; }

    public string? Pattern { get; init; }
}

internal sealed record PushRuleEnabled(bool Enabled);

internal sealed record PushRuleActions(JsonElement Actions);
