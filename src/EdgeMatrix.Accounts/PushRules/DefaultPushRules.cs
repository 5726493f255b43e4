using System.Text.Json;

namespace EdgeMatrix.Accounts.PushRules;

/// <summary>The rules that every user has from the start.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#predefined-rules</remarks>
public static class DefaultPushRules
{
    /// <summary>Always more important than any other rule.</summary>
    public const string Master = ".m.rule.master";

    /// <summary>Where a rule of <see cref="Everyones"/> looks for the id of the user whose rules are asked.</summary>
    internal const string UserPlaceholder = "[the user's Matrix ID]";

    private const string Definitions = """
        {"override": [
          {"rule_id": ".m.rule.master", "default": true, "enabled": false, "conditions": [], "actions": []},
          {"rule_id": ".m.rule.suppress_notices", "default": true, "enabled": true,
           "conditions": [{"kind": "event_match", "key": "content.msgtype", "pattern": "m.notice"}],
           "actions": []},
          {"rule_id": ".m.rule.invite_for_me", "default": true, "enabled": true,
           "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.room.member"},
                          {"kind": "event_match", "key": "content.membership", "pattern": "invite"},
                          {"kind": "event_match", "key": "state_key", "pattern": "[the user's Matrix ID]"}],
           "actions": ["notify", {"set_tweak": "sound", "value": "default"}]},
          {"rule_id": ".m.rule.member_event", "default": true, "enabled": true,
           "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.room.member"}],
           "actions": []},
          {"rule_id": ".m.rule.is_user_mention", "default": true, "enabled": true,
           "conditions": [{"kind": "event_property_contains", "key": "content.m\\.mentions.user_ids", "value": "[the user's Matrix ID]"}],
           "actions": ["notify", {"set_tweak": "sound", "value": "default"}, {"set_tweak": "highlight"}]},
          {"rule_id": ".m.rule.is_room_mention", "default": true, "enabled": true,
           "conditions": [{"kind": "event_property_is", "key": "content.m\\.mentions.room", "value": true},
                          {"kind": "sender_notification_permission", "key": "room"}],
           "actions": ["notify", {"set_tweak": "highlight"}]},
          {"rule_id": ".m.rule.tombstone", "default": true, "enabled": true,
           "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.room.tombstone"},
                          {"kind": "event_match", "key": "state_key", "pattern": ""}],
           "actions": ["notify", {"set_tweak": "highlight"}]},
          {"rule_id": ".m.rule.reaction", "default": true, "enabled": true,
           "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.reaction"}],
           "actions": []},
          {"rule_id": ".m.rule.room.server_acl", "default": true, "enabled": true,
           "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.room.server_acl"},
                          {"kind": "event_match", "key": "state_key", "pattern": ""}],
           "actions": []},
          {"rule_id": ".m.rule.suppress_edits", "default": true, "enabled": true,
           "conditions": [{"kind": "event_property_is", "key": "content.m\\.relates_to.rel_type", "value": "m.replace"}],
           "actions": []}],
         "content": [],
         "room": [],
         "sender": [],
         "underride": [
          {"rule_id": ".m.rule.call", "default": true, "enabled": true,
           "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.call.invite"}],
           "actions": ["notify", {"set_tweak": "sound", "value": "ring"}]},
          {"rule_id": ".m.rule.encrypted_room_one_to_one", "default": true, "enabled": true,
           "conditions": [{"kind": "room_member_count", "is": "2"},
                          {"kind": "event_match", "key": "type", "pattern": "m.room.encrypted"}],
           "actions": ["notify", {"set_tweak": "sound", "value": "default"}]},
          {"rule_id": ".m.rule.room_one_to_one", "default": true, "enabled": true,
           "conditions": [{"kind": "room_member_count", "is": "2"},
                          {"kind": "event_match", "key": "type", "pattern": "m.room.message"}],
           "actions": ["notify", {"set_tweak": "sound", "value": "default"}]},
          {"rule_id": ".m.rule.message", "default": true, "enabled": true,
           "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.room.message"}],
           "actions": ["notify"]},
          {"rule_id": ".m.rule.encrypted", "default": true, "enabled": true,
           "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.room.encrypted"}],
           "actions": ["notify"]}]}
        """;

    /// <summary>The rules as they are for everybody at once.</summary>
    internal static PushRuleset Everyones() => JsonSerializer.Deserialize(Definitions, PushRulesJson.Default.PushRuleset)!;

    public static PushRuleset For(string userId)
    {
        var text = Definitions.Replace(UserPlaceholder, JsonEncodedText.Encode(userId).ToString(), StringComparison.Ordinal);
        return JsonSerializer.Deserialize(text, PushRulesJson.Default.PushRuleset)!;
    }
}
