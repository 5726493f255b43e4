using System.Collections.Immutable;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Console.Inspection.Tardis;

/// <summary>Answers one request: the state before an event, and the state after it, or why the event is not allowed there.</summary>
internal sealed class TardisResolution(TardisRequest request, TardisEvents events)
{
    /// <exception cref="TardisException">The request cannot be answered.</exception>
    public async Task<(IReadOnlyDictionary<(string Type, string StateKey), string> State, string Error)> RunAsync()
    {
        var version = await VersionAsync();
        var atEvent = GivenEvent.Read(request.Event, version, out var problem) ?? throw new TardisException(problem!);
        var state = await StateBeforeAsync(atEvent, version);

        // As the other shim of TARDIS has it: only an event that would change the state is asked about.
        if (atEvent.StateKey is not { } stateKey)
        {
            return (state, "");
        }

        if ((await VerdictsAsync(atEvent, state)).Refusal is { } refusal)
        {
            return (state, refusal);
        }

        state[(atEvent.Type, stateKey)] = atEvent.EventId;
        return (state, "");
    }

    // TARDIS says 10 of every room that it did not get as a scenario; what the create event says is truer.
    private async Task<RoomVersion> VersionAsync()
    {
        var create = GivenEvent.StringOf(request.Event, "type") == EventTypes.Create ? request.Event
            : CreateId() is { } createId ? await events.GetJsonAsync(createId)
            : null;
        var named = create is { } json ? GivenEvent.VersionNamedBy(json) : null;
        return RoomVersions.Find(named ?? request.RoomVersion)
            ?? throw new TardisException($"this EdgeMatrix does not know the room version {named ?? request.RoomVersion}");
    }

    private string? CreateId()
    {
        foreach (var state in request.States)
        {
            if (state.TryGetValue((EventTypes.Create, ""), out var createId))
            {
                return createId;
            }
        }

        return null;
    }

    private async Task<Dictionary<(string Type, string StateKey), string>> StateBeforeAsync(Pdu atEvent, RoomVersion version)
    {
        var states = request.States;
        if (states.Count == 0 || states.Skip(1).All(state => state.Count == states[0].Count && !state.Except(states[0]).Any()))
        {
            return states.Count == 0 ? [] : new(states[0]);
        }

        var known = await events.GetWithAuthChainsAsync(states.SelectMany(static state => state.Values), version);
        var graph = new EventGraph(known.Values, rejected: []);
        var numbered = states.Select(state => state.ToImmutableDictionary(static e => e.Key, e => graph.NumberOf(e.Value))).ToList();
        var (resolved, _) = await Task.Run(() => ResolvedStates.Resolve(version, atEvent.RoomId, numbered, graph, trace: null));
        var state = resolved.Where(static entry => entry.Value != 0).ToDictionary(static entry => entry.Key, entry => graph[entry.Value].EventId);
        foreach (var (key, eventId) in states[0])
        {
            // What all states have stays, though TARDIS may not have the event itself.
            if (states.All(other => other.GetValueOrDefault(key) == eventId))
            {
                state[key] = eventId;
            }
        }

        return state;
    }

    private async Task<ReceiptVerdicts> VerdictsAsync(Pdu atEvent, Dictionary<(string Type, string StateKey), string> state)
    {
        var version = atEvent.Version;
        var needed = AuthEventSelection.Needed(version, atEvent.Type, atEvent.Sender, atEvent.StateKey, atEvent.Content)
            .Append((EventTypes.Create, ""));
        var inState = new Dictionary<(string Type, string StateKey), Pdu?>();
        foreach (var key in needed)
        {
            inState[key] = state.TryGetValue(key, out var id) ? await events.GetAsync(id, version) : null;
        }

        var cited = new Dictionary<string, Pdu?>();
        foreach (var id in atEvent.AuthEvents)
        {
            cited[id] = await events.GetAsync(id, version);
        }

        return ReceiptVerdicts.Of(
            atEvent,
            id => cited[id] is { } authEvent ? (authEvent, false) : null,
            inState[(EventTypes.Create, "")],
            (type, stateKey) => inState.GetValueOrDefault((type, stateKey)));
    }
}
