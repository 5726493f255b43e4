using System.Collections.Concurrent;
using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Console.Inspection.Tardis;

/// <summary>The events that TARDIS has: asked for when they are needed, each once a connection.</summary>
/// <param name="ask">The event of an id, as JSON; null if TARDIS does not have it.</param>
internal sealed class TardisEvents(Func<string, Task<JsonElement?>> ask)
{
    private const int MaxEvents = 200_000;

    private readonly ConcurrentDictionary<string, Lazy<Task<JsonElement?>>> _asked = new();
    private readonly ConcurrentDictionary<(string EventId, RoomVersion Version), Pdu> _read = new();

    /// <summary>Null if TARDIS does not have it.</summary>
    /// <exception cref="TardisException">It is no event, or there are too many.</exception>
    public Task<JsonElement?> GetJsonAsync(string eventId)
    {
        if (_asked.Count >= MaxEvents)
        {
            throw new TardisException($"resolving takes more than {MaxEvents} events");
        }

        return _asked.GetOrAdd(eventId, id => new Lazy<Task<JsonElement?>>(() => ask(id))).Value;
    }

    /// <inheritdoc cref="GetJsonAsync"/>
    public async Task<Pdu?> GetAsync(string eventId, RoomVersion version)
    {
        if (_read.TryGetValue((eventId, version), out var pdu))
        {
            return pdu;
        }

        if (await GetJsonAsync(eventId) is not { ValueKind: JsonValueKind.Object } json)
        {
            return null;
        }

        pdu = GivenEvent.Read(json, version, out var problem) ?? throw new TardisException(problem!);
        return pdu.EventId == eventId ? _read.GetOrAdd((eventId, version), pdu) : throw new TardisException($"asked for {eventId}, got {pdu.EventId}");
    }

    /// <summary>Those of the events that TARDIS has, and of their auth chains.</summary>
    public async Task<Dictionary<string, Pdu>> GetWithAuthChainsAsync(IEnumerable<string> eventIds, RoomVersion version)
    {
        var found = new Dictionary<string, Pdu>();
        var seen = new HashSet<string>();
        string[] next = [.. eventIds.Where(seen.Add)];
        while (next.Length > 0)
        {
            // Not id by id: a room has thousands of them, and each takes a way there and back.
            var events = (await Task.WhenAll(next.Select(id => GetAsync(id, version)))).OfType<Pdu>().ToList();
            foreach (var pdu in events)
            {
                found[pdu.EventId] = pdu;
            }

            next = [.. events.SelectMany(static e => e.AuthEvents).Where(seen.Add)];
        }

        return found;
    }
}
