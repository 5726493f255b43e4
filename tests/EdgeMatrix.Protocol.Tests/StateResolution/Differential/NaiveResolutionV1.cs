using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Protocol.Tests.StateResolution.Differential;

/// <summary>State resolution 1 as one reads the text the first time, every key by itself; nothing of the code under test but the rules.</summary>
internal sealed class NaiveResolutionV1(IReadOnlyDictionary<string, Pdu> events)
{
    public State Resolve(IReadOnlyList<State> states)
    {
        var r = new State();
        var conflicts = new Dictionary<(string Type, string StateKey), List<Pdu>>();
        foreach (var group in states.SelectMany(static state => state).GroupBy(static entry => entry.Key, static entry => entry.Value))
        {
            var ids = group.Distinct().ToList();
            var known = ids.Where(events.ContainsKey).ToList();
            if (ids.Count == 1 && states.All(state => state.ContainsKey(group.Key)))
            {
                r[group.Key] = ids[0];
            }
            else if (known.Count == 1)
            {
                r[group.Key] = known[0];
            }
            else if (known.Count > 1)
            {
                conflicts[group.Key] = [.. known.Select(id => events[id]).OrderBy(static pdu => pdu.Depth).ThenByDescending(Sha1)];
            }
        }

        foreach (var pass in (Predicate<(string Type, string StateKey)>[])
            [static key => key == ("m.room.power_levels", ""), static key => key.Type == "m.room.join_rules", static key => key.Type == "m.room.member"])
        {
            var before = new State(r);
            foreach (var (key, list) in conflicts.Where(conflict => pass(conflict.Key)).ToList())
            {
                var local = new State(before) { [key] = list[0].EventId };
                foreach (var pdu in list.Skip(1))
                {
                    if (!Allowed(pdu, local))
                    {
                        break;
                    }

                    local[key] = pdu.EventId;
                }

                r[key] = local[key];
                conflicts.Remove(key);
            }
        }

        var passed = new State(r);
        foreach (var (key, list) in conflicts)
        {
            r[key] = (list.LastOrDefault(pdu => Allowed(pdu, passed)) ?? list[0]).EventId;
        }

        return r;
    }

    private bool Allowed(Pdu pdu, State state) => EventAuth.CheckAgainstState(
        pdu, (type, stateKey) => state.TryGetValue((type, stateKey), out var id) ? events.GetValueOrDefault(id) : null).Allowed;

    [SuppressMessage("Security", "CA5350", Justification = "The algorithm orders by it; it keeps no secret.")]
    private static string Sha1(Pdu pdu) => BitConverter.ToString(SHA1.HashData(Encoding.UTF8.GetBytes(pdu.EventId)));
}
