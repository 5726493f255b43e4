using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>A room as a resident told it to this server, as far as it holds: what was not signed by whom it says is not in it.</summary>
/// <param name="Join">With the signatures that the room asks for.</param>
/// <param name="State">Before the join.</param>
/// <param name="Others">All events of the state and of what allows it, each after those by which it is allowed.</param>
/// <param name="IsPartial">There is more of the state: members were left out, or the key of a server was not to be had.</param>
internal sealed record ToldRoom(Pdu Join, IReadOnlyList<Pdu> State, IReadOnlyList<Pdu> Others, bool IsPartial)
{
    /// <summary>Checks what a resident answered to a join.</summary>
    /// <param name="sent">The join as it was sent.</param>
    /// <exception cref="MalformedAnswerException">It is no answer by which the room could be entered.</exception>
    public static async Task<ToldRoom> CheckAsync(SendJoinAnswer answer, Pdu sent, KeyRing keys, CancellationToken cancellation)
    {
        var told = new Dictionary<string, Pdu>(StringComparer.Ordinal);
        foreach (var pdu in answer.State.Concat(answer.AuthChain).Where(pdu => pdu.RoomId == sent.RoomId && pdu.IsState))
        {
            told.TryAdd(pdu.EventId, pdu);
        }

        var join = Countersigned(answer, sent);
        var lookup = await keys.PrepareAsync(told.Values.Append(join).SelectMany(NeededKey.Of), cancellation);
        if (ReceivedEvent.Of(join, lookup) is not { Event: not null, HashMatches: true })
        {
            throw new MalformedAnswerException("the join has not the signatures by which it could be allowed");
        }

        var (valid, withoutKey) = await Task.Run(() => Check([.. told.Values], lookup, cancellation), cancellation);
        var state = StateOf(answer, valid);
        CheckCreate(state, sent);
        return new ToldRoom(join, state, InAuthOrder(valid), answer.MembersOmitted || withoutKey);
    }

    /// <summary>The join with the signature of who lets the user in, where the resident gave it one.</summary>
    public static Pdu Countersigned(SendJoinAnswer answer, Pdu sent) =>
        sent.Version.RestrictedJoins && answer.Join is { } signed && signed.EventId == sent.EventId ? signed : sent;

    private static (Dictionary<string, Pdu> Valid, bool WithoutKey) Check(List<Pdu> told, KeyLookup lookup, CancellationToken cancellation)
    {
        var received = EventBatch.Receive(told, lookup, Environment.ProcessorCount, cancellation);
        var valid = new Dictionary<string, Pdu>(StringComparer.Ordinal);
        foreach (var pdu in received.Select(one => one.Event).OfType<Pdu>())
        {
            valid.TryAdd(pdu.EventId, pdu);
        }

        return (valid, received.Any(one => one.Signatures.Status == SignatureStatus.MissingKey));
    }

    private static List<Pdu> StateOf(SendJoinAnswer answer, Dictionary<string, Pdu> valid)
    {
        var state = new List<Pdu>();
        var keys = new HashSet<(string, string)>();
        foreach (var pdu in answer.State.Select(pdu => valid.GetValueOrDefault(pdu.EventId)).OfType<Pdu>())
        {
            if (!keys.Add((pdu.Type, pdu.StateKey!)))
            {
                throw new MalformedAnswerException($"the state has two events of {pdu.Type}");
            }

            state.Add(pdu);
        }

        return state;
    }

    // Which room it is, and of which version, rests on this one event.
    private static void CheckCreate(List<Pdu> state, Pdu sent)
    {
        const string UnnamedVersion = "1";
        if (state.Find(pdu => pdu is { Type: EventTypes.Create, StateKey: "" }) is not { } create
            || (JsonContent.Text(create.Content, "room_version") ?? UnnamedVersion) != sent.Version.Id)
        {
            throw new MalformedAnswerException($"the room has no create event of version {sent.Version.Id}");
        }
    }

    /// <summary>
    /// Each event after those by which it is allowed, as far as they are among them: the create event first, which from version 12 on none cites, as the
    /// id of the room names it.
    /// </summary>
    private static List<Pdu> InAuthOrder(Dictionary<string, Pdu> events)
    {
        var ordered = new List<Pdu>(events.Count);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var waiting = new Stack<(Pdu Pdu, bool IsExpanded)>();
        foreach (var first in events.Values.OrderByDescending(pdu => pdu.Type == EventTypes.Create))
        {
            waiting.Push((first, false));
            while (waiting.TryPop(out var next))
            {
                if (next.IsExpanded)
                {
                    ordered.Add(next.Pdu);
                }
                else if (seen.Add(next.Pdu.EventId))
                {
                    waiting.Push((next.Pdu, true));
                    foreach (var cited in next.Pdu.AuthEvents)
                    {
                        if (!seen.Contains(cited) && events.TryGetValue(cited, out var pdu))
                        {
                            waiting.Push((pdu, false));
                        }
                    }
                }
            }
        }

        return ordered;
    }
}
