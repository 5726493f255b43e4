using System.Collections.Concurrent;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Receiving;

/// <summary>Fetches events that have no place in the timeline of a room: what a state is made of, and what allows others.</summary>
public sealed class OutlierFetch(RoomEngine engine, RemoteEvents remote, EventChecks checks)
{
    /// <summary>So many are asked for one by one; of more the whole state is asked for, if it is not too large.</summary>
    private const int FewOneByOne = 500;

    private const int MostOneByOne = 5_000;

    /// <summary>One of so many events of a state may be missing.</summary>
    private const int MostLacking = 10;

    private const int AtOnce = 6;

    /// <summary>So many events whose auth chains are asked for in one go.</summary>
    private const int MostChains = 5;

    // Auth chains are followed so far by single events.
    private const int MaxSteps = 6;

    /// <summary>The state before an event as a server tells it. What of it is not here is fetched from that server, checked, and stored.</summary>
    /// <returns>What it is made of; null with the failure, or where the server told of no state of the room.</returns>
    public async Task<(IReadOnlyList<StateEntry>? State, FederationFailure? Failure)> StateBeforeAsync(
        string server, Room room, string eventId, CancellationToken cancellation)
    {
        var told = await remote.StateIdsAsync(server, room.Id, eventId, cancellation);
        if (told.State is null)
        {
            return (null, told.Failure);
        }

        var unknown = Unknown(told.AuthChain!.Concat(told.State));
        if (unknown.Count > 0)
        {
            var whole = unknown.Count > FewOneByOne ? (await remote.StateAsync(server, room.Id, eventId, cancellation)).Events : null;
            var (events, broken) = whole is not null ? (whole, null) : unknown.Count <= MostOneByOne ? await EachAsync(server, unknown, cancellation) : ([], null);
            await StoreAsync(room, events, unknown, cancellation);
            if (broken is not null)
            {
                // What was lost on the way another try brings: it is not what nobody has.
                return (null, broken);
            }
        }

        using var snapshot = engine.Database.OpenSnapshot();
        var state = told.State.Select(id => EventTable.FindStateEntry(snapshot, room.Nid, id)).OfType<StateEntry>().ToList();

        // What was rejected is of no state. Some events of old rooms nobody can check any more; but what lacks much is another state, and without its
        // create event it is that of no room.
        var lacking = told.State.Count(id => !EventTable.IsInRoom(snapshot, room.Nid, id));
        return lacking <= told.State.Count / MostLacking && state.Exists(entry => EventTable.StateKeyOf(snapshot, entry.Event) is (EventTypes.Create, ""))
            ? (state, null)
            : (null, null);
    }

    /// <summary>The state after an event: as <see cref="StateBeforeAsync"/>, and what the event, which is fetched too, makes of it.</summary>
    public async Task<(IReadOnlyList<StateEntry>? State, FederationFailure? Failure)> StateAfterAsync(
        string server, Room room, string eventId, CancellationToken cancellation)
    {
        var (before, failure) = await StateBeforeAsync(server, room, eventId, cancellation);
        if (before is null)
        {
            return (null, failure);
        }

        var unknown = Unknown([eventId]);
        await StoreAsync(room, await OneByOneAsync(server, unknown, cancellation), unknown, cancellation);
        using var snapshot = engine.Database.OpenSnapshot();
        return !EventTable.IsInRoom(snapshot, room.Nid, eventId) ? (null, null)
            : EventTable.FindStateEntry(snapshot, room.Nid, eventId) is { } own
                ? ([.. before.Where(entry => entry.StateKey != own.StateKey), own], null)
                : (before, null);
    }

    /// <summary>Fetches the auth events of events, and what allows those, as far as they are not here.</summary>
    public async Task AuthEventsAsync(string server, Room room, IReadOnlyList<Pdu> events, CancellationToken cancellation)
    {
        foreach (var pdu in events.Take(MostChains))
        {
            if (Unknown(pdu.AuthEvents).Count > 0 && (await remote.AuthChainAsync(server, room.Id, pdu.EventId, cancellation)).Events is { } chain)
            {
                await StoreAsync(room, chain, wanted: null, cancellation);
            }
        }

        // Where the server does not tell the chain, as of an event that it rejected, it may tell the events.
        var (fetched, wanted) = (new Dictionary<string, Pdu>(StringComparer.Ordinal), Unknown(events.SelectMany(pdu => pdu.AuthEvents)));
        for (var step = 0; step < MaxSteps && wanted.Count is > 0 and <= FewOneByOne; step++)
        {
            var passed = await checks.PassedAsync(await OneByOneAsync(server, wanted, cancellation), room.Version, room.Id, cancellation);
            foreach (var pdu in passed.Where(pdu => wanted.Contains(pdu.EventId)))
            {
                fetched.TryAdd(pdu.EventId, pdu);
            }

            wanted = Unknown(passed.SelectMany(pdu => pdu.AuthEvents).Where(id => !fetched.ContainsKey(id)));
        }

        await engine.StoreOutliersAsync(room, EventOrder.AuthEventsFirst(fetched.Values), cancellation);
    }

    /// <summary>Fetches events by their ids; of those that the server does not give there is nothing.</summary>
    public async Task<List<ReadOnlyMemory<byte>>> OneByOneAsync(string server, IEnumerable<string> ids, CancellationToken cancellation) =>
        (await EachAsync(server, ids, cancellation)).Events;

    /// <returns>The events, and why some of them may be missing though the server has them; null if it answered each time.</returns>
    private async Task<(List<ReadOnlyMemory<byte>> Events, FederationFailure? Broken)> EachAsync(
        string server, IEnumerable<string> ids, CancellationToken cancellation)
    {
        var events = new ConcurrentBag<ReadOnlyMemory<byte>>();
        FederationFailure? broken = null;
        var options = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation };
        await Parallel.ForEachAsync(ids, options, async (id, token) =>
        {
            var told = await remote.EventAsync(server, id, token);
            if (told.Events is [var json, ..])
            {
                events.Add(json);
            }
            else if (told.Failure is { Kind: FederationFailureKind.Unreachable or FederationFailureKind.BackingOff or FederationFailureKind.Unwell } failure)
            {
                broken = failure;
            }
        });
        return ([.. events], broken);
    }

    private async Task StoreAsync(Room room, List<ReadOnlyMemory<byte>> events, HashSet<string>? wanted, CancellationToken cancellation)
    {
        // Signatures cost more than all else: what is here already needs none.
        var ids = events.Select(json => Pdu.Parse(json, room.Version).Event?.EventId).ToList();
        wanted ??= Unknown(ids.OfType<string>());
        var fresh = events.Where((_, index) => ids[index] is { } id && wanted.Contains(id)).ToList();
        var passed = await checks.PassedAsync(fresh, room.Version, room.Id, cancellation);
        await engine.StoreOutliersAsync(room, EventOrder.AuthEventsFirst(passed), cancellation);
    }

    private HashSet<string> Unknown(IEnumerable<string> ids)
    {
        using var snapshot = engine.Database.OpenSnapshot();
        return ids.Where(id => EventTable.FindNid(snapshot, id) is null).ToHashSet(StringComparer.Ordinal);
    }
}
