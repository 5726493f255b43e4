using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>
/// The authorisation rules of every room version. Two are the caller's: whether an auth event was itself rejected, and whether the
/// signatures of <see cref="RequiredSigners"/> are right, since both need what lies outside of the event.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules</remarks>
public static class EventAuth
{
    /// <summary>Every rule that looks at the room state: all but "considering the event's auth_events".</summary>
    /// <param name="state">The state to check against: before the event, current, or of its auth events; the create event included.</param>
    public static AuthVerdict CheckAgainstState(Pdu candidate, StateLookup state)
    {
        // If type is m.room.create: …
        if (candidate.Type == EventTypes.Create)
        {
            return CreateAuth.Check(candidate);
        }

        if (state(EventTypes.Create, "") is not { } create)
        {
            return AuthVerdict.Reject("the room has no create event");
        }

        // v12: If the event's room_id is not an event ID for an accepted (not rejected) m.room.create event, with the sigil ! instead
        // of $, reject.
        if (candidate.Version.CreateEventIsRoomId && candidate.RoomId != create.RoomId)
        {
            return AuthVerdict.Reject("the event is of another room than the create event");
        }

        // If the content of the m.room.create event in the room state has the property m.federate set to false, and the sender domain
        // of the event does not match the sender domain of the create event, reject.
        if (create.Content.Find("m.federate"u8) is { ValueKind: JsonValueKind.False }
            && !UserId.ServerOf(candidate.Sender).SequenceEqual(UserId.ServerOf(create.Sender)))
        {
            return AuthVerdict.Reject("the room is not federated, and the sender is of another server than its creator");
        }

        // v1 to v5: If type is m.room.aliases: …
        if (candidate.Version.AliasesAreOfServers && candidate.Type == EventTypes.Aliases)
        {
            return AliasesAuth.Check(candidate);
        }

        var room = new RoomAuthState(candidate.Version, create, state);

        // If type is m.room.member: …
        return candidate.Type == EventTypes.Member ? MemberAuth.Check(candidate, room) : CheckOther(candidate, room);
    }

    /// <summary>The rules that consider the event's auth events, which are given in any order.</summary>
    /// <param name="authEvents">All that the event cites, none of them rejected: that rule is the caller's.</param>
    public static AuthVerdict CheckAuthEvents(Pdu candidate, IReadOnlyList<Pdu> authEvents)
    {
        // The rules for m.room.create come first, end with "Otherwise, allow", and do not consider its auth events.
        if (candidate.Type == EventTypes.Create)
        {
            return AuthVerdict.Allow;
        }

        var version = candidate.Version;
        var needed = AuthEventSelection.Needed(version, candidate.Type, candidate.Sender, candidate.StateKey, candidate.Content);
        var allowed = needed.ToHashSet();
        var seen = new HashSet<(string Type, string StateKey)>();
        foreach (var authEvent in authEvents)
        {
            if (authEvent.StateKey is not { } stateKey)
            {
                return AuthVerdict.Reject($"an auth event is no state event: {authEvent.Type}");
            }

            var pair = (authEvent.Type, stateKey);

            // If there are duplicate entries for a given type and state_key pair, reject.
            if (!seen.Add(pair))
            {
                return AuthVerdict.Reject($"two auth events have the same type and state key: {authEvent.Type}");
            }

            // If there are entries whose type and state_key don't match those specified by the auth events selection algorithm, reject.
            if (!allowed.Contains(pair))
            {
                return AuthVerdict.Reject($"an auth event is none that the event needs: {authEvent.Type}");
            }

            // If any event in auth_events has a room_id which does not match that of the event being authorised, reject.
            if (authEvent.RoomId != candidate.RoomId)
            {
                return AuthVerdict.Reject("an auth event is of another room");
            }
        }

        // v1 to v11: If there is no m.room.create event among the entries, reject.
        return version.CreateEventIsRoomId || seen.Contains((EventTypes.Create, ""))
            ? AuthVerdict.Allow
            : AuthVerdict.Reject("there is no create event among the auth events");
    }

    /// <summary>The rules that consider the event's prev state events, in versions with a state DAG.</summary>
    /// <param name="prevStateEvents">All that the event cites.</param>
    /// <param name="isRejected">Whether the event of an id was rejected on receipt.</param>
    /// <remarks>MSC4242: https://github.com/matrix-org/matrix-spec-proposals/pull/4242</remarks>
    public static AuthVerdict CheckPrevStateEvents(Pdu candidate, IReadOnlyList<Pdu> prevStateEvents, Func<string, bool> isRejected)
    {
        foreach (var prevState in prevStateEvents)
        {
            // If there are entries which do not belong in the same room, reject.
            if (prevState.RoomId != candidate.RoomId)
            {
                return AuthVerdict.Reject("a prev state event is of another room");
            }

            // If there are entries which do not have a state_key, reject.
            if (!prevState.IsState)
            {
                return AuthVerdict.Reject($"a prev state event is no state event: {prevState.Type}");
            }

            // If there are entries which were themselves rejected under the checks performed on receipt of a PDU, reject.
            if (isRejected(prevState.EventId))
            {
                return AuthVerdict.Reject($"a prev state event was itself rejected: {prevState.Type}");
            }
        }

        return AuthVerdict.Allow;
    }

    /// <summary>The servers without whose signature the event must not be accepted.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events</remarks>
    public static IReadOnlyList<string> RequiredSigners(Pdu candidate)
    {
        var signers = new List<string>(2);

        // "Unless the event is a 3rd party invite, only the signature(s) from the originating server (the server the sender belongs to)
        // are required for verification." Of such an invite "the server which actually sends the event may be a different server".
        if (!IsThirdPartyInvite(candidate))
        {
            signers.Add(UserId.ServerOf(candidate.Sender).ToString());
        }

        // "Room versions 1 and 2 also require that a signature is present from the domain in the event_id, if it differs from the
        // originating server."
        if (candidate.Version.EventIdFormat == EventIdFormat.Chosen && EventId.TryServerOf(candidate.EventId, out var chooser))
        {
            AddOnce(signers, chooser.ToString());
        }

        // v8 on: "If the event is not validly signed by the homeserver of the user ID denoted by the key, reject."
        if (candidate.Version.RestrictedJoins
            && candidate.Type == EventTypes.Member
            && UserId.TryParse(candidate.Content.StringOrNull("join_authorised_via_users_server"u8), out var authoriser))
        {
            AddOnce(signers, authoriser.ServerName);
        }

        return signers;
    }

    // What is common to every type but m.room.create and m.room.member.
    private static AuthVerdict CheckOther(Pdu candidate, RoomAuthState room)
    {
        // If the sender's current membership state is not join, reject.
        if (room.MembershipOf(candidate.Sender) != "join")
        {
            return AuthVerdict.Reject("the sender is not joined to the room");
        }

        var senderLevel = room.PowerLevels.ForUser(candidate.Sender);

        // If type is m.room.third_party_invite: Allow if and only if sender's current power level is greater than or equal to the
        // invite level.
        if (candidate.Type == EventTypes.ThirdPartyInvite)
        {
            return senderLevel >= room.PowerLevels.Invite
                ? AuthVerdict.Allow
                : AuthVerdict.Reject("the sender's power level is below the invite level");
        }

        // If the event type's required power level is greater than the sender's power level, reject.
        if (room.PowerLevels.RequiredFor(candidate.Type, candidate.IsState) > senderLevel)
        {
            return AuthVerdict.Reject($"the sender's power level is below the one required for {candidate.Type}");
        }

        // If the event has a state_key that starts with an @ and does not match the sender, reject.
        if (candidate.StateKey is ['@', ..] && candidate.StateKey != candidate.Sender)
        {
            return AuthVerdict.Reject("the state_key is the user id of someone other than the sender");
        }

        return candidate.Type switch
        {
            // If type is m.room.power_levels: …
            EventTypes.PowerLevels => PowerLevelsAuth.Check(candidate, room),

            // v1, v2: If type is m.room.redaction: …
            EventTypes.Redaction when candidate.Version.AuthorisesRedactions => RedactionAuth.Check(candidate, room.PowerLevels),

            // Otherwise, allow.
            _ => AuthVerdict.Allow,
        };
    }

    private static void AddOnce(List<string> signers, string server)
    {
        if (!signers.Contains(server))
        {
            signers.Add(server);
        }
    }

    private static bool IsThirdPartyInvite(Pdu candidate) =>
        candidate.Type == EventTypes.Member
        && candidate.Content.StringOrNull("membership"u8) == "invite"
        && candidate.Content.Find("third_party_invite"u8) is not null;
}
