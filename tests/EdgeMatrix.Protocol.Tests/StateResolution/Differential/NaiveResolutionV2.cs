using System.Globalization;
using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Protocol.Tests.StateResolution.Differential;

/// <summary>
/// State resolution 2 and 2.1 as one reads the text the first time: whole maps, whole auth chains, nothing clever, and nothing of the code
/// under test but the authorisation rules.
/// </summary>
internal sealed class NaiveResolutionV2(string roomId, bool isV21, IReadOnlyDictionary<string, Pdu> events, IReadOnlySet<string> rejected)
{
    private readonly Dictionary<string, HashSet<string>> _chains = [];

    public State Resolve(IReadOnlyList<State> states)
    {
        var keys = states.SelectMany(static state => state.Keys).ToHashSet();
        var unconflicted = new State();
        var conflicted = new HashSet<string>();
        foreach (var key in keys)
        {
            var values = states.Select(state => state.GetValueOrDefault(key)).ToHashSet();
            if (values.Count == 1)
            {
                unconflicted[key] = values.Single()!;
            }
            else
            {
                conflicted.UnionWith(values.Where(static value => value is not null)!);
            }
        }

        if (conflicted.Count == 0)
        {
            return unconflicted;
        }

        var full = conflicted.Union(AuthDifference(states));
        if (isV21)
        {
            full = full.Union(Subgraph(conflicted));
        }

        var fullConflicted = full.Where(id => events.TryGetValue(id, out var pdu) && pdu.IsState).ToHashSet();
        var x = fullConflicted.Where(id => IsPowerEvent(events[id])).ToHashSet();
        while (true)
        {
            var more = x.SelectMany(id => events[id].AuthEvents).Where(fullConflicted.Contains).Except(x).ToList();
            if (more.Count == 0)
            {
                break;
            }

            x.UnionWith(more);
        }

        var partial = AuthChecks(SortByPower(x), isV21 ? [] : new State(unconflicted));
        var remaining = SortByMainline(fullConflicted.Except(x), partial.GetValueOrDefault((EventTypes.PowerLevels, "")));
        var resolved = AuthChecks(remaining, partial);
        foreach (var (key, id) in unconflicted)
        {
            resolved[key] = id;
        }

        return resolved;
    }

    // With the events themselves, as every server reads "full auth chain".
    private HashSet<string> AuthDifference(IReadOnlyList<State> states)
    {
        var chains = states.Select(state => state.Values.SelectMany(ChainWithSelf).ToHashSet()).ToList();
        return chains.SelectMany(static chain => chain).Where(id => !chains.TrueForAll(chain => chain.Contains(id))).ToHashSet();
    }

    // On a path between two events in conflict stands what one of them leads to, and what leads to one of them.
    private HashSet<string> Subgraph(HashSet<string> conflicted) =>
        conflicted.SelectMany(ChainWithSelf).Where(id => ChainWithSelf(id).Overlaps(conflicted)).ToHashSet();

    private HashSet<string> ChainWithSelf(string id)
    {
        if (!_chains.TryGetValue(id, out var chain))
        {
            chain = [id];
            if (events.TryGetValue(id, out var pdu))
            {
                chain.UnionWith(pdu.AuthEvents.SelectMany(ChainWithSelf));
            }

            _chains[id] = chain;
        }

        return chain;
    }

    private static bool IsPowerEvent(Pdu pdu) =>
        (pdu.Type is "m.room.power_levels" or "m.room.join_rules" or "m.room.create" && pdu.StateKey == "")
        || (pdu.Type == "m.room.member" && pdu.Sender != pdu.StateKey
            && pdu.Content.TryGetProperty("membership", out var membership) && membership.GetString() is "leave" or "ban");

    private List<string> SortByPower(HashSet<string> x)
    {
        var sorted = new List<string>();
        while (sorted.Count < x.Count)
        {
            var smallest = x.Except(sorted)
                .Where(id => events[id].AuthEvents.Where(x.Contains).All(sorted.Contains))
                .OrderByDescending(SenderLevel).ThenBy(id => events[id].OriginServerTs).ThenBy(static id => id, StringComparer.Ordinal)
                .First();
            sorted.Add(smallest);
        }

        return sorted;
    }

    private double SenderLevel(string id)
    {
        var sender = events[id].Sender;
        if ((AuthEvent(id, EventTypes.Create) ?? ImpliedCreate()) is not { } create)
        {
            return 0;
        }

        if (isV21)
        {
            var creators = create.Content.TryGetProperty("additional_creators", out var additional)
                ? additional.EnumerateArray().Select(static creator => creator.GetString()).Append(create.Sender)
                : [create.Sender];
            if (creators.Contains(sender))
            {
                return double.PositiveInfinity;
            }
        }

        if (AuthEvent(id, EventTypes.PowerLevels) is not { } powerLevels)
        {
            var creator = create.Content.TryGetProperty("creator", out var named) ? named.GetString() : create.Sender;
            return sender == creator ? 100 : 0;
        }

        return powerLevels.Content.TryGetProperty("users", out var users) && users.TryGetProperty(sender, out var level)
            ? Level(level)
            : powerLevels.Content.TryGetProperty("users_default", out var byDefault) ? Level(byDefault) : 0;
    }

    public static long Level(JsonElement level) => long.Parse(level.ToString(), CultureInfo.InvariantCulture);

    private Pdu? ImpliedCreate() => isV21 ? events.GetValueOrDefault("$" + roomId[1..]) : null;

    private Pdu? AuthEvent(string id, string type) =>
        events[id].AuthEvents.Select(auth => events.GetValueOrDefault(auth)).FirstOrDefault(auth => auth?.Type == type && auth.StateKey == "");

    private List<string> SortByMainline(IEnumerable<string> remaining, string? powerLevels)
    {
        var mainline = powerLevels is null || !events.ContainsKey(powerLevels) ? [] : PowerLevelsFrom(events[powerLevels]).Prepend(powerLevels).ToList();
        return [.. remaining
            .OrderByDescending(id => PowerLevelsFrom(events[id]).Select(e => mainline.IndexOf(e)).FirstOrDefault(static i => i >= 0, int.MaxValue))
            .ThenBy(id => events[id].OriginServerTs)
            .ThenBy(static id => id, StringComparer.Ordinal)];
    }

    private IEnumerable<string> PowerLevelsFrom(Pdu pdu)
    {
        for (var e = AuthEvent(pdu.EventId, EventTypes.PowerLevels); e is not null; e = AuthEvent(e.EventId, EventTypes.PowerLevels))
        {
            yield return e.EventId;
        }
    }

    private State AuthChecks(List<string> sorted, State state)
    {
        foreach (var id in sorted)
        {
            var pdu = events[id];
            var auth = new Dictionary<(string, string), Pdu>();
            foreach (var authId in pdu.AuthEvents)
            {
                if (events.TryGetValue(authId, out var authEvent) && !rejected.Contains(authId))
                {
                    auth[(authEvent.Type, authEvent.StateKey!)] = authEvent;
                }
            }

            if (ImpliedCreate() is { } create)
            {
                auth[(EventTypes.Create, "")] = create;
            }

            foreach (var (key, stateId) in state)
            {
                if (events.TryGetValue(stateId, out var stateEvent) && !rejected.Contains(stateId))
                {
                    auth[key] = stateEvent;
                }
            }

            if (EventAuth.CheckAgainstState(pdu, (type, stateKey) => auth.GetValueOrDefault((type, stateKey))).Allowed)
            {
                state[(pdu.Type, pdu.StateKey!)] = id;
            }
        }

        return state;
    }
}
