using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Relations;

/// <summary>The aggregations of the child events of a page of events, as one user may see them: <c>m.relations</c> of their <c>unsigned</c>.</summary>
/// <remarks>
/// A page costs one query, and a second one if anything is to be aggregated; so do the newest replies of its threads.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events
/// </remarks>
public sealed class BundledRelations
{
    private const int RepliesAtOnce = 16;
    private const int MaxRepliesTried = 256;

    private readonly Session _db;
    private readonly Room _room;
    private readonly RoomVisibility _visibility;
    private readonly long _user;
    private readonly string _userId;
    private readonly Dictionary<long, Bundle> _bundles = [];
    private HashSet<string>? _ignored;
    private HashSet<long>? _ignoredNids;

    private BundledRelations(Session db, Room room, RoomVisibility visibility, long user, string userId)
    {
        _db = db;
        _room = room;
        _visibility = visibility;
        _user = user;
        _userId = userId;
    }

    /// <param name="user">Nid of the asking user.</param>
    /// <param name="events">Events that the user sees.</param>
    public static BundledRelations Read(
        Session db, Room room, RoomVisibility visibility, long user, string userId, IEnumerable<StoredEvent> events)
    {
        var relations = new BundledRelations(db, room, visibility, user, userId);
        var latest = relations.Add(events);
        // A child event cannot have a thread of its own, so this ends here.
        relations.Add(latest);
        return relations;
    }

    /// <summary>Writes the property, if there is anything to say of the event.</summary>
    internal void Write(Utf8JsonWriter json, ClientEventWriter events, StoredEvent parent, bool withRoomId)
    {
        if (!_bundles.TryGetValue(parent.Nid, out var bundle))
        {
            return;
        }

        json.WriteStartObject("m.relations"u8);
        if (bundle.Edit is { } edit)
        {
            json.WritePropertyName("m.replace"u8);
            events.Write(json, edit, withRoomId, MembershipAt(edit));
        }

        if (bundle.References is { } references)
        {
            json.WriteStartObject("m.reference"u8);
            json.WriteStartArray("chunk"u8);
            foreach (var eventId in references)
            {
                json.WriteStartObject();
                json.WriteString("event_id"u8, eventId);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        if (bundle.Thread is { } thread)
        {
            json.WriteStartObject("m.thread"u8);
            json.WritePropertyName("latest_event"u8);
            events.Write(json, thread.Latest, withRoomId, MembershipAt(thread.Latest));
            json.WriteNumber("count"u8, thread.Count);
            json.WriteBoolean("current_user_participated"u8, thread.Participated);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private Membership MembershipAt(StoredEvent stored) => _visibility.MembershipAt(stored) ?? Membership.Leave;

    /// <returns>The newest replies of the threads among the events.</returns>
    private List<StoredEvent> Add(IEnumerable<StoredEvent> events)
    {
        // State events do not currently receive bundled aggregations.
        var parents = new Dictionary<long, StoredEvent>();
        foreach (var stored in events.Where(e => !e.IsState))
        {
            parents[RelationTable.Key(stored.EventId)] = stored;
        }

        var latest = new List<StoredEvent>();
        var rows = parents.Count == 0 ? [] : RelationTable.Aggregated(_db, _room.Nid, parents.Keys, _user);
        if (rows.Count == 0)
        {
            return latest;
        }

        var children = EventTable.FindMany(_db, rows.Where(row => row.Kind != AggregatedRelation.Reference).Select(row => row.Event));
        foreach (var group in rows.GroupBy(row => row.Parent))
        {
            var parent = parents[group.Key];
            var bundle = new Bundle(
                FindEdit(parent, group.Where(row => row.Kind == AggregatedRelation.Replace), children),
                References(group.Where(row => row.Kind == AggregatedRelation.Reference)),
                FindThread(parent, group.Where(row => row.Kind == AggregatedRelation.Thread), children));
            if (bundle is { Edit: null, References: null, Thread: null })
            {
                continue;
            }

            _bundles[parent.Nid] = bundle;
            if (bundle.Thread is { } thread)
            {
                latest.Add(thread.Latest);
            }
        }

        return latest;
    }

    /// <summary>The most recent valid replacement event.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#validity-of-replacement-events</remarks>
    private StoredEvent? FindEdit(StoredEvent parent, IEnumerable<AggregatedRow> rows, Dictionary<long, StoredEvent> children)
    {
        // If the original event is redacted, any m.replace relationship should not be bundled with it. The original event
        // must not, itself, have a rel_type of m.replace.
        var original = parent.Parse(_room.Version);
        if (parent.Flags.HasFlag(EventFlags.Redacted) || EventRelation.Of(original)?.RelType == EventRelation.Replace)
        {
            return null;
        }

        StoredEvent? newest = null;
        foreach (var row in rows)
        {
            if (children.GetValueOrDefault(row.Event) is { IsState: false } edit
                && IsEdit(original, edit.Parse(_room.Version))
                && (newest is null || IsNewer(edit, newest))
                && Shows(edit))
            {
                newest = edit;
            }
        }

        return newest;
    }

    private static bool IsEdit(Pdu original, Pdu edit) =>
        // The original event and replacement event must have the same sender; the same type. The replacement event (once
        // decrypted, if appropriate) must have an m.new_content property.
        edit.Sender == original.Sender
        && edit.Type == original.Type
        && (edit.Type == "m.room.encrypted" || edit.Content.TryGetProperty("m.new_content"u8, out _));

    // The most recent event is determined by comparing origin_server_ts; if two or more replacement events have identical
    // origin_server_ts, the event with the lexicographically largest event_id is treated as more recent.
    private bool IsNewer(StoredEvent edit, StoredEvent than)
    {
        var difference = edit.Parse(_room.Version).OriginServerTs.CompareTo(than.Parse(_room.Version).OriginServerTs);
        return difference > 0 || (difference == 0 && string.CompareOrdinal(edit.EventId, than.EventId) > 0);
    }

    private List<string>? References(IEnumerable<AggregatedRow> rows)
    {
        var ids = rows.Where(row => !IgnoredNids.Contains(row.Sender) && _visibility.MaySeeMessage(row.Timeline, row.State))
            .OrderBy(row => row.Timeline).Select(row => row.EventId!).ToList();
        return ids.Count > 0 ? ids : null;
    }

    private ThreadSummary? FindThread(StoredEvent parent, IEnumerable<AggregatedRow> rows, Dictionary<long, StoredEvent> children)
    {
        // It is not possible to create a thread from an event which itself is the child of an event relationship.
        var root = parent.Parse(_room.Version);
        if (rows.FirstOrDefault() is not { Replies: > 0 } row || EventRelation.Of(root) is not null)
        {
            return null;
        }

        var latest = children.GetValueOrDefault(row.Event) is { } newest && Shows(newest) ? newest : FindLatest(row);
        if (latest is null)
        {
            return null;
        }

        var count = row.Replies;
        if (IgnoredNids.Count > 0 && EventTypeTable.Find(_db, EventRelation.Thread) is { } relType)
        {
            count -= RelationTable.CountOfSenders(_db, _room.Nid, row.Parent, relType, IgnoredNids);
        }

        return new ThreadSummary(latest, count, row.Participated || root.Sender == _userId);
    }

    private StoredEvent? FindLatest(AggregatedRow thread)
    {
        var relType = EventTypeTable.Find(_db, EventRelation.Thread)!.Value;
        var from = thread.Timeline - 1;
        for (var tried = 0; tried < MaxRepliesTried; tried += RepliesAtOnce)
        {
            var page = RelationTable.Backward(_db, _room.Nid, thread.Parent, relType, null, from, long.MinValue, RepliesAtOnce);
            var replies = EventTable.FindMany(_db, page.Select(reply => reply.Event));
            foreach (var reply in page)
            {
                if (replies.GetValueOrDefault(reply.Event) is { } stored && Shows(stored))
                {
                    return stored;
                }
            }

            if (page.Count < RepliesAtOnce)
            {
                return null;
            }

            from = page[^1].Timeline - 1;
        }

        return null;
    }

    // Events from ignored users do not appear in the aggregation from the server.
    private bool Shows(StoredEvent stored) => !Ignored.Contains(stored.Parse(_room.Version).Sender) && _visibility.MaySee(stored);

    private HashSet<string> Ignored => _ignored ??= IgnoredUsers.Read(_db, _user);

    private HashSet<long> IgnoredNids => _ignoredNids ??= [.. Ignored.Select(userId => UserTable.Find(_db, userId)).OfType<long>()];

    private sealed record Bundle(StoredEvent? Edit, List<string>? References, ThreadSummary? Thread);

    private sealed record ThreadSummary(StoredEvent Latest, long Count, bool Participated);
}
