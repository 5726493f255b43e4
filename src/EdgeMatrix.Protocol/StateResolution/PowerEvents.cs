using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>Events "that might remove someone's ability to do something in the room".</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#definitions</remarks>
internal static class PowerEvents
{
    // "A power event is a state event with type m.room.power_levels or m.room.join_rules, or a state event with type m.room.member where
    // the membership is leave or ban and the sender does not match the state_key."
    // Only with an empty state_key do the first two have power, and only then the other servers count them. They count the create event
    // too, which the text leaves out.
    public static bool IsPowerEvent(Pdu pdu) => pdu.Type switch
    {
        EventTypes.PowerLevels or EventTypes.JoinRules or EventTypes.Create => pdu.StateKey is "",
        EventTypes.Member => pdu.Sender != pdu.StateKey && pdu.Content.StringOrNull("membership"u8) is "leave" or "ban",
        _ => false,
    };

    // "Select the set X of all power events that appear in the full conflicted set. For each such power event P, enlarge X by adding the
    // events in the auth chain of P which also belong to the full conflicted set."
    // Like the other servers, this follows the auth chain inside of the full conflicted set only.
    public static HashSet<long> Select(HashSet<long> fullConflictedSet, RoomEvents events)
    {
        var selected = new HashSet<long>();
        var toVisit = new Stack<long>();
        foreach (var number in fullConflictedSet)
        {
            if (events.Facts(number) is { IsPowerEvent: true } && selected.Add(number))
            {
                toVisit.Push(number);
            }
        }

        while (toVisit.TryPop(out var number))
        {
            foreach (var auth in events.AuthEventsOf(number))
            {
                if (fullConflictedSet.Contains(auth) && selected.Add(auth))
                {
                    toVisit.Push(auth);
                }
            }
        }

        return selected;
    }
}
