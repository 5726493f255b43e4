using System.Globalization;
using System.Text.Json;
using EdgeMatrix.Accounts.Notifications;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Accounts.PushRules;

/// <summary>A condition of a push rule, ready to be asked.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#conditions-1</remarks>
internal static class PushCondition
{
    // A pattern is looked for in this much of a text. What that costs is bounded by the number of the rules, too: UserPushRules.MaxConditions.
    private const int MaxText = 16_384;

    private static readonly string[] _body = ["content", "body"];

    /// <summary>Whether a condition of the rules of everyone may hold for one of them and not for another.</summary>
    public static bool DependsOnOwner(JsonElement condition) => Text(condition, "kind") == "contains_display_name"
        || Text(condition, "pattern") == DefaultPushRules.UserPlaceholder
        || Text(condition, "value") == DefaultPushRules.UserPlaceholder;

    /// <param name="userId">The owner of the rule; of the rules of everyone <see cref="DefaultPushRules.UserPlaceholder"/>.</param>
    public static Predicate<PushedEvent> Compile(JsonElement condition, string userId) => Text(condition, "kind") switch
    {
        "event_match" when IsOwner(userId, Text(condition, "pattern")) => OwnerMatch(Text(condition, "key")),
        "event_match" => EventMatch(Text(condition, "key"), Text(condition, "pattern")),
        "event_property_is" => PropertyIs(Text(condition, "key"), condition),
        "event_property_contains" => PropertyContains(Text(condition, "key"), condition, userId),
        "contains_display_name" => pushed =>
            pushed.DisplayName(Owner(pushed, userId)) is { Length: > 0 } name && Body(pushed.Event) is { } body && Glob.Literal(name).IsMatchOfWords(body),
        "room_member_count" => MemberCount(Text(condition, "is")),
        "sender_notification_permission" => Text(condition, "key") is { } key ? pushed => pushed.SenderMayNotify(key) : Never,

        // "Unrecognised conditions MUST NOT match any events, effectively making the push rule disabled."
        _ => Never,
    };

    /// <summary>That of a content rule.</summary>
    public static Predicate<PushedEvent> BodyMatches(string pattern)
    {
        var glob = new Glob(pattern);
        return pushed => Body(pushed.Event) is { } body && glob.IsMatchOfWords(body);
    }

    private static bool Never(PushedEvent pushed) => false;

    // Of the rules of everyone, the owner is whoever they are asked for.
    private static string Owner(PushedEvent pushed, string userId) => userId == DefaultPushRules.UserPlaceholder ? pushed.Recipient : userId;

    private static bool IsOwner(string userId, string? text) => userId == DefaultPushRules.UserPlaceholder && text == userId;

    private static Predicate<PushedEvent> OwnerMatch(string? key)
    {
        var path = EventProperty.Path(key ?? "");
        return pushed => string.Equals(EventProperty.Text(pushed.Event, path), pushed.Recipient, StringComparison.OrdinalIgnoreCase);
    }

    private static string? Body(Pdu pdu) => Cut(EventProperty.Text(pdu, _body));

    private static string? Cut(string? text) => text?.Length > MaxText ? text[..MaxText] : text;

    private static Predicate<PushedEvent> EventMatch(string? key, string? pattern)
    {
        if (key is null || pattern is null)
        {
            return Never;
        }

        // "As a special case, if key is content.body, then pattern must instead match any substring of the value of the
        // property which starts and ends at a word boundary."
        var path = EventProperty.Path(key);
        if (path.AsSpan().SequenceEqual(_body))
        {
            return BodyMatches(pattern);
        }

        var glob = new Glob(pattern);
        return pushed => Cut(EventProperty.Text(pushed.Event, path)) is { } text && glob.IsMatch(text);
    }

    private static Predicate<PushedEvent> PropertyIs(string? key, JsonElement condition)
    {
        if (key is null || !condition.TryGetProperty("value", out var value))
        {
            return Never;
        }

        var path = EventProperty.Path(key);
        if (path[0] != "content")
        {
            return value.ValueKind == JsonValueKind.String && value.GetString() is { } wanted
                ? pushed => EventProperty.Text(pushed.Event, path) == wanted
                : Never;
        }

        return pushed => EventProperty.InContent(pushed.Event, path) is { } found && AreEqual(found, value);
    }

    private static Predicate<PushedEvent> PropertyContains(string? key, JsonElement condition, string userId)
    {
        if (key is null || !condition.TryGetProperty("value", out var value))
        {
            return Never;
        }

        var path = EventProperty.Path(key);
        if (value.ValueKind == JsonValueKind.String && IsOwner(userId, value.GetString()))
        {
            return pushed => EventProperty.InContent(pushed.Event, path) is { ValueKind: JsonValueKind.Array } list
                && list.EnumerateArray().Any(element => element.ValueKind == JsonValueKind.String && element.ValueEquals(pushed.Recipient));
        }

        return pushed => EventProperty.InContent(pushed.Event, path) is { ValueKind: JsonValueKind.Array } found
            && found.EnumerateArray().Any(element => AreEqual(element, value));
    }

    // "The match is performed exactly and only supports non-compound canonical JSON values."
    private static bool AreEqual(JsonElement found, JsonElement wanted) => found.ValueKind == wanted.ValueKind && found.ValueKind switch
    {
        JsonValueKind.String => found.ValueEquals(wanted.GetString()),
        JsonValueKind.Number => found.TryGetInt64(out var number) && wanted.TryGetInt64(out var other) && number == other,
        JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null => true,
        _ => false,
    };

    private static Predicate<PushedEvent> MemberCount(string? condition)
    {
        var digits = condition.AsSpan().TrimStart("=<>");
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            return Never;
        }

        return condition.AsSpan()[..^digits.Length] switch
        {
            "" or "==" => pushed => pushed.JoinedMembers == count,
            "<" => pushed => pushed.JoinedMembers < count,
            ">" => pushed => pushed.JoinedMembers > count,
            "<=" => pushed => pushed.JoinedMembers <= count,
            ">=" => pushed => pushed.JoinedMembers >= count,
            _ => Never,
        };
    }

    private static string? Text(JsonElement condition, string name) =>
        condition.ValueKind == JsonValueKind.Object && condition.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
