using System.Text;
using System.Text.Json;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Accounts.PushRules;

public enum PushRuleVerdict
{
    Done,

    /// <summary>There is no rule of that kind and id.</summary>
    Unknown,

    /// <summary>The rule to be placed next to is not one of the user's own.</summary>
    UnknownNeighbour,

    /// <summary>Predefined rules can be switched and given other actions, but neither replaced nor deleted.</summary>
    Predefined,

    /// <summary>The rules would have more than <see cref="UserPushRules.MaxBytes"/>.</summary>
    TooLarge,

    /// <summary>The rules would have more than <see cref="UserPushRules.MaxConditions"/>.</summary>
    TooMany,
}

/// <summary>Next to which of the user's own rules of the same kind a rule goes.</summary>
/// <param name="Before">The rule goes right above this one.</param>
/// <param name="After">The rule goes right below this one, unless <paramref name="Before"/> is given too.</param>
public readonly record struct PushRulePlace(string? Before, string? After);

/// <summary>The push rules of users: the <c>m.push_rules</c> of their account data.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#push-rules-api</remarks>
public sealed class UserPushRules(Database database, ChangeNotifier notifier)
{
    /// <summary>The most that a user's rules may have; every change sends all of them to every device.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>
    /// The most conditions that the user's own rules may have, patterns of content rules counted in: all may be asked of every message.
    /// </summary>
    public const int MaxConditions = 500;

    private const string Type = "m.push_rules";

    /// <param name="user">Nid of the user.</param>
    public PushRuleset Get(long user, string userId)
    {
        using var snapshot = database.OpenSnapshot();
        return Read(snapshot, user, userId);
    }

    /// <summary>Makes a rule, or gives one of the user's own new content; a new one stands above the user's others unless placed.</summary>
    public Task<PushRuleVerdict> SetAsync(long user, string userId, PushRuleKind kind, PushRule rule, PushRulePlace place) =>
        EditAsync(user, userId, kind, rules =>
        {
            var known = rules.FindIndex(present => present.RuleId == rule.RuleId);
            var index = known < 0 ? rules.TakeWhile(present => present.RuleId == DefaultPushRules.Master).Count() : known;
            var written = known < 0 ? rule : rule with { Enabled = rules[known].Enabled };
            if (known >= 0)
            {
                rules.RemoveAt(known);
            }

            if ((place.Before ?? place.After) is { } neighbour)
            {
                index = rules.FindIndex(present => present.RuleId == neighbour && !present.Default);
                if (index < 0)
                {
                    return PushRuleVerdict.UnknownNeighbour;
                }

                // "If both after and before are provided, the new or updated rule must be the next most important rule
                // with respect to the rule identified by before."
                index += place.Before is null ? 1 : 0;
            }

            rules.Insert(index, written);
            return PushRuleVerdict.Done;
        });

    public Task<PushRuleVerdict> DeleteAsync(long user, string userId, PushRuleKind kind, string ruleId) =>
        EditAsync(user, userId, kind, rules =>
        {
            var index = rules.FindIndex(rule => rule.RuleId == ruleId);
            if (index < 0)
            {
                return PushRuleVerdict.Unknown;
            }

            if (rules[index].Default)
            {
                return PushRuleVerdict.Predefined;
            }

            rules.RemoveAt(index);
            return PushRuleVerdict.Done;
        });

    public Task<PushRuleVerdict> SetEnabledAsync(long user, string userId, PushRuleKind kind, string ruleId, bool enabled) =>
        ReplaceAsync(user, userId, kind, ruleId, rule => rule with { Enabled = enabled });

    /// <param name="actions">An array of action names and tweaks.</param>
    public Task<PushRuleVerdict> SetActionsAsync(long user, string userId, PushRuleKind kind, string ruleId, JsonElement actions) =>
        ReplaceAsync(user, userId, kind, ruleId, rule => rule with { Actions = actions });

    internal static void Store(WriteTransaction db, ChangeNotifier notifier, long user, PushRuleset rules) =>
        AccountData.Set(db, notifier, user, AccountDataTable.Global, Type, Write(rules));

    private Task<PushRuleVerdict> ReplaceAsync(
        long user, string userId, PushRuleKind kind, string ruleId, Func<PushRule, PushRule> replace) =>
        EditAsync(user, userId, kind, rules =>
        {
            var index = rules.FindIndex(rule => rule.RuleId == ruleId);
            if (index < 0)
            {
                return PushRuleVerdict.Unknown;
            }

            rules[index] = replace(rules[index]);
            return PushRuleVerdict.Done;
        });

    private Task<PushRuleVerdict> EditAsync(
        long user, string userId, PushRuleKind kind, Func<List<PushRule>, PushRuleVerdict> edit) =>
        database.WriteAsync(db =>
        {
            var ruleset = Read(db, user, userId);
            List<PushRule> rules = [.. ruleset[kind]];
            var verdict = edit(rules);
            if (verdict != PushRuleVerdict.Done)
            {
                return verdict;
            }

            var edited = ruleset.With(kind, rules);
            if (CountConditions(edited) > MaxConditions)
            {
                return PushRuleVerdict.TooMany;
            }

            var text = Write(edited);
            if (Encoding.UTF8.GetByteCount(text) > MaxBytes)
            {
                return PushRuleVerdict.TooLarge;
            }

            AccountData.Set(db, notifier, user, AccountDataTable.Global, Type, text);
            return PushRuleVerdict.Done;
        });

    private static int CountConditions(PushRuleset rules) => Enum.GetValues<PushRuleKind>()
        .SelectMany(kind => rules[kind])
        .Where(rule => !rule.Default)
        .Sum(rule => 1 + (rule.Conditions is { ValueKind: JsonValueKind.Array } conditions ? conditions.GetArrayLength() : 0));

    private static string Write(PushRuleset rules) =>
        Json.Write(json => JsonSerializer.Serialize(json, new PushRulesContent(rules), PushRulesJson.Default.PushRulesContent));

    /// <param name="user">Nid of the user.</param>
    public static PushRuleset Read(Session db, long user, string userId) => ReadWithBytes(db, user, userId).Rules;

    /// <summary>The rules of a user, and about how long they are; 0 where they are those that everybody has from the start.</summary>
    internal static (PushRuleset Rules, long Bytes) ReadWithBytes(Session db, long user, string userId)
    {
        var defaults = DefaultPushRules.For(userId);
        if (AccountDataTable.Find(db, user, AccountDataTable.Global, Type) is not { } stored)
        {
            return (defaults, 0);
        }

        var rules = Merge(defaults, JsonSerializer.Deserialize(stored, PushRulesJson.Default.PushRulesContent)!.Global);
        return (rules, Write(rules) == Write(defaults) ? 0 : stored.Length);
    }

    /// <summary>
    /// The user's rules with the predefined ones of today: what a predefined rule looks for is the server's to say, whether
    /// it is on and what it does is the user's.
    /// </summary>
    private static PushRuleset Merge(PushRuleset defaults, PushRuleset stored)
    {
        var merged = stored;
        foreach (var kind in Enum.GetValues<PushRuleKind>())
        {
            var predefined = defaults[kind].Select(rule => stored.Find(kind, rule.RuleId) is { } known
                ? rule with { Enabled = known.Enabled, Actions = known.Actions }
                : rule).ToLookup(rule => rule.RuleId == DefaultPushRules.Master);
            merged = merged.With(kind, [.. predefined[true], .. stored[kind].Where(rule => !rule.Default), .. predefined[false]]);
        }

        return merged;
    }
}
