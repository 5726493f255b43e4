using System.Text.Json;
using EdgeMatrix.Accounts.Notifications;

namespace EdgeMatrix.Accounts.PushRules;

/// <summary>What is to be done about an event: its rule says to notify.</summary>
/// <param name="Actions">Those of the rule: an array.</param>
/// <param name="Highlight">Whether the message is to stand out.</param>
public sealed record PushActions(JsonElement Actions, bool Highlight);

/// <summary>The push rules of one user, ready to be asked of every event.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#push-rules</remarks>
public sealed class PushRuleEvaluator
{
    private readonly List<(Predicate<PushedEvent>[] Conditions, PushActions? Actions)> _rules = [];
    private readonly List<Predicate<PushedEvent>> _ofOwner = [];

    /// <param name="userId">The owner of the rules; of the rules of everyone <see cref="DefaultPushRules.UserPlaceholder"/>.</param>
    public PushRuleEvaluator(PushRuleset rules, string userId)
    {
        foreach (var kind in Enum.GetValues<PushRuleKind>())
        {
            // "Disabled rules never match."
            foreach (var rule in rules[kind].Where(rule => rule.Enabled))
            {
                _rules.Add((Conditions(kind, rule, userId), Actions(rule.Actions)));
            }
        }
    }

    /// <summary>Those that everybody has from the start; each time they are asked for <see cref="PushedEvent.Recipient"/>.</summary>
    internal static PushRuleEvaluator OfEveryone() => new(DefaultPushRules.Everyones(), DefaultPushRules.UserPlaceholder);

    /// <summary>Of the rules of everyone: whether the event names the recipient, and so may be another thing to them than to everyone else.</summary>
    internal bool DependsOnRecipient(PushedEvent pushed) => _ofOwner.Exists(holds => holds(pushed));

    /// <summary>What the most important rule that matches says; null if it is to do nothing, or no rule matches.</summary>
    public PushActions? Evaluate(PushedEvent pushed)
    {
        foreach (var (conditions, actions) in _rules)
        {
            if (conditions.All(holds => holds(pushed)))
            {
                return actions;
            }
        }

        return null;
    }

    // "In the cases of room and sender rules, the rule_id of the rule determines its behaviour."
    private Predicate<PushedEvent>[] Conditions(PushRuleKind kind, PushRule rule, string userId) => kind switch
    {
        PushRuleKind.Content => [PushCondition.BodyMatches(rule.Pattern ?? "")],
        PushRuleKind.Room => [pushed => pushed.Event.RoomId == rule.RuleId],
        PushRuleKind.Sender => [pushed => pushed.Event.Sender == rule.RuleId],
        _ => rule.Conditions is { ValueKind: JsonValueKind.Array } conditions
            ? [.. conditions.EnumerateArray().Select(condition => Compile(condition, userId))]
            : [],
    };

    private Predicate<PushedEvent> Compile(JsonElement condition, string userId)
    {
        var compiled = PushCondition.Compile(condition, userId);
        if (PushCondition.DependsOnOwner(condition))
        {
            _ofOwner.Add(compiled);
        }

        return compiled;
    }

    private static PushActions? Actions(JsonElement actions)
    {
        var (notify, highlight) = (false, false);
        foreach (var action in actions.EnumerateArray())
        {
            notify |= action.ValueKind == JsonValueKind.String && action.ValueEquals("notify"u8);

            // "If a highlight tweak is given with no value, its value is defined to be true."
            if (action.ValueKind == JsonValueKind.Object
                && action.TryGetProperty("set_tweak"u8, out var tweak) && tweak.ValueKind == JsonValueKind.String && tweak.ValueEquals("highlight"u8))
            {
                highlight = !action.TryGetProperty("value"u8, out var value) || value.ValueKind != JsonValueKind.False;
            }
        }

        return notify ? new PushActions(actions, highlight) : null;
    }
}
