using System.Text.Json;
using EdgeMatrix.Testing;

namespace EdgeMatrix.Simulation;

/// <summary>A client that syncs a little at a time, and fills the gaps that it is told of: what it has seen must be what there is.</summary>
/// <param name="noted">Told of each to-device message to the user.</param>
internal sealed class Follower(SimulatedServer server, TestSession user, Action<string, JsonElement> noted)
{
    private const string Filter = """{"room":{"timeline":{"limit":4}}}""";

    private readonly Dictionary<string, List<string>> _timelines = new(StringComparer.Ordinal);
    private readonly HashSet<string> _behindGap = [];

    // By the events that they emptied.
    private readonly HashSet<string> _toldRedactions = [];
    private string? _since;
    private bool _isSyncing;

    /// <summary>Rooms that the server came to anew: what it missed of them is in no timeline.</summary>
    public HashSet<string> Entered { get; } = [];

    public TestSession User => user;

    public SimulatedServer Server => server;

    /// <summary>The newest event that the client has seen of a room; null if it has seen none.</summary>
    public string? Newest(string room) => _timelines.GetValueOrDefault(room)?[^1];

    public async Task SyncAsync()
    {
        if (_isSyncing)
        {
            return;
        }

        _isSyncing = true;
        try
        {
            var since = _since is null ? "" : $"&since={_since}";
            var answer = await server.AskAsync(user, HttpMethod.Get, $"/_matrix/client/v3/sync?filter={Uri.EscapeDataString(Filter)}{since}");
            if (answer is { Status: System.Net.HttpStatusCode.OK } && await TakeAsync(answer.Json))
            {
                _since = answer["next_batch"].GetString();
            }
        }
        finally
        {
            _isSyncing = false;
        }
    }

    /// <summary>Compares what was seen of each room with its history.</summary>
    /// <returns>What is not as it should be.</returns>
    public async Task<List<string>> CompareAsync()
    {
        var findings = new List<string>();
        foreach (var (room, seen) in _timelines)
        {
            if (seen.Count != seen.Distinct().Count())
            {
                findings.Add($"{user.UserId} saw an event of {room} twice: {seen.GroupBy(id => id).First(group => group.Count() > 1).Key}");
            }

            var redactions = new Dictionary<string, string>(StringComparer.Ordinal);
            if (await HistoryAsync(room, seen[0], "", @event => NoteTarget(redactions, @event)) is not { } history)
            {
                findings.Add($"{user.UserId} cannot read {room} back to {seen[0]}");
            }
            else if (!WithoutGaps([.. history.Where(id => seen.Contains(id) || !IsNoNews(room, redactions, id))], seen).SequenceEqual(seen))
            {
                var missed = history.Except(seen).ToList();
                var gone = seen.Except(history).ToList();
                findings.Add($"{user.UserId} saw another {room} than there is: of {history.Count} events it missed [{string.Join(' ', missed)}], and saw besides [{string.Join(' ', gone)}]"
                    + (missed.Count + gone.Count == 0 ? ", in another order" : ""));
            }
        }

        return findings;

        // "the server simply waits for a valid partner event": a redaction that came before what it empties is an event for clients only from then on, when
        // they may have come by. Who sees what it empties afterwards sees it empty.
        bool IsNoNews(string room, Dictionary<string, string> redactions, string id) =>
            redactions.TryGetValue(id, out var target) && (_toldRedactions.Contains(id) || !_timelines[room].Contains(target));
    }

    /// <summary>The history, but for what came into a gap that the client was told of.</summary>
    private List<string> WithoutGaps(List<string> history, List<string> seen)
    {
        var known = seen.ToHashSet();
        var (kept, run) = (new List<string>(), new List<string>());
        foreach (var id in history)
        {
            if (!known.Contains(id))
            {
                run.Add(id);
                continue;
            }

            kept.AddRange(_behindGap.Contains(id) ? [] : run);
            kept.Add(id);
            run.Clear();
        }

        return [.. kept, .. run];
    }

    private async Task<bool> TakeAsync(JsonElement answer)
    {
        if (answer.TryGetProperty("rooms", out var rooms) && !await TakeRoomsAsync(rooms))
        {
            return false;
        }

        if (answer.TryGetProperty("to_device", out var toDevice))
        {
            foreach (var note in toDevice.GetProperty("events").EnumerateArray())
            {
                noted(user.UserId, note.GetProperty("content"));
            }
        }

        return true;
    }

    private async Task<bool> TakeRoomsAsync(JsonElement rooms)
    {
        var taken = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var room in Each(rooms, "join"))
        {
            var timeline = room.Value.GetProperty("timeline");
            List<string> events = [.. timeline.GetProperty("events").EnumerateArray().Select(Id)];
            timeline.GetProperty("events").EnumerateArray().ToList().ForEach(NoteRedaction);
            if (_timelines.TryGetValue(room.Name, out var seen) && timeline.TryGetProperty("limited", out var limited) && limited.GetBoolean())
            {
                // The client is told that there may be more between than it finds now.
                _behindGap.UnionWith(events);
                if (await HistoryAsync(room.Name, seen[^1], $"&from={timeline.GetProperty("prev_batch").GetString()}", NoteRedaction) is { } between)
                {
                    events.InsertRange(0, between.Skip(1));
                    _behindGap.UnionWith(between);
                }
                else if (Entered.Remove(room.Name))
                {
                    _timelines.Remove(room.Name);
                }
                else
                {
                    return false;
                }
            }

            taken.Add(room.Name, events);
        }

        foreach (var (room, events) in taken)
        {
            if (events.Count > 0 || _timelines.ContainsKey(room))
            {
                _timelines[room] = [.. _timelines.GetValueOrDefault(room, []), .. events];
            }
        }

        // Who was out of a room when they were invited again is not told how far they were in it.
        foreach (var room in Each(rooms, "leave").Concat(Each(rooms, "invite")).Concat(Each(rooms, "knock")))
        {
            _timelines.Remove(room.Name);
        }

        return true;
    }

    /// <summary>The events from one on to the end, or to where a token is, oldest first; null if that one is not found.</summary>
    /// <param name="note">Told of each event.</param>
    private async Task<List<string>?> HistoryAsync(string room, string from, string end, Action<JsonElement> note)
    {
        var events = new List<string>();
        while (true)
        {
            var page = await server.AskAsync(user, HttpMethod.Get, $"/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=30{end}");
            if (page is not { Status: System.Net.HttpStatusCode.OK })
            {
                return null;
            }

            foreach (var @event in page["chunk"].EnumerateArray())
            {
                note(@event);
                events.Add(Id(@event));
                if (events[^1] == from)
                {
                    events.Reverse();
                    return events;
                }
            }

            if (!page.Json.TryGetProperty("end", out var next))
            {
                return null;
            }

            end = $"&from={next.GetString()}";
        }
    }

    private void NoteRedaction(JsonElement @event)
    {
        if (@event.TryGetProperty("unsigned", out var about) && about.TryGetProperty("redacted_because", out var redaction))
        {
            _toldRedactions.Add(Id(redaction));
        }
    }

    private static void NoteTarget(Dictionary<string, string> redactions, JsonElement @event)
    {
        if (@event.TryGetProperty("redacts", out var target) || @event.GetProperty("content").TryGetProperty("redacts", out target))
        {
            redactions[Id(@event)] = target.GetString()!;
        }
    }

    private static JsonElement.ObjectEnumerator Each(JsonElement rooms, string kind) =>
        rooms.TryGetProperty(kind, out var some) ? some.EnumerateObject() : default;

    private static string Id(JsonElement @event) => @event.GetProperty("event_id").GetString()!;
}
