using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>Which state events an event must cite as those that allow it.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection</remarks>
public static class AuthEventSelection
{
    /// <summary>The pairs of type and state key, each once, whether or not the room has them.</summary>
    /// <param name="content">Legal JSON, as <see cref="CanonicalJson.TryParse"/> gives it.</param>
    public static IEnumerable<(string Type, string StateKey)> Needed(
        RoomVersion version, string type, string sender, string? stateKey, JsonElement content)
    {
        // "The auth_events for the m.room.create event in a room is empty"
        if (type == EventTypes.Create)
        {
            return [];
        }

        var needed = new List<(string Type, string StateKey)>(6);

        // "Depending on the room version, the m.room.create event." Since version 12 it MUST NOT be selected.
        if (!version.CreateEventIsRoomId)
        {
            needed.Add((EventTypes.Create, ""));
        }

        // "The current m.room.power_levels event, if any." "The sender's current m.room.member event, if any."
        needed.Add((EventTypes.PowerLevels, ""));
        needed.Add((EventTypes.Member, sender));
        if (type == EventTypes.Member && stateKey is not null)
        {
            AddForMembership(needed, version, stateKey, content);
        }

        return needed;
    }

    private static void AddForMembership(
        List<(string Type, string StateKey)> needed, RoomVersion version, string target, JsonElement content)
    {
        // "The target's current m.room.member event, if any."
        AddOnce(needed, (EventTypes.Member, target));
        var membership = content.StringOrNull("membership"u8);

        // "If membership is join, invite or knock, the current m.room.join_rules event, if any."
        if (membership is "join" or "invite" or "knock")
        {
            needed.Add((EventTypes.JoinRules, ""));
        }

        // "If membership is invite and content contains a third_party_invite property, the current m.room.third_party_invite event with
        // state_key matching content.third_party_invite.signed.token, if any."
        if (membership == "invite"
            && content.ObjectOrNull("third_party_invite"u8)?.ObjectOrNull("signed"u8)?.StringOrNull("token"u8) is { } token)
        {
            needed.Add((EventTypes.ThirdPartyInvite, token));
        }

        // "If membership is join, content.join_authorised_via_users_server is present, and the room version supports restricted rooms,
        // then the m.room.member event with state_key matching content.join_authorised_via_users_server."
        if (membership == "join"
            && version.RestrictedJoins
            && content.StringOrNull("join_authorised_via_users_server"u8) is { } authoriser)
        {
            AddOnce(needed, (EventTypes.Member, authoriser));
        }
    }

    private static void AddOnce(List<(string Type, string StateKey)> needed, (string Type, string StateKey) pair)
    {
        if (!needed.Contains(pair))
        {
            needed.Add(pair);
        }
    }
}
