using System.Text.Json;
using EdgeMatrix.ClientApi.Rooms;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.ClientApi.Search;

/// <summary>Writes what a search found: one page of it.</summary>
/// <param name="hits">All, in their order.</param>
internal sealed class SearchAnswer(SearchRequest request, IReadOnlyList<string> terms, SearchToken token, IReadOnlyList<SearchHit> hits)
{
    private readonly List<SearchHit> _page = [.. hits.Skip(token.Skip).Take(request.Limit)];

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartObject("search_categories"u8);
        json.WriteStartObject("room_events"u8);
        json.WriteNumber("count"u8, hits.Count);
        json.WriteStartArray("highlights"u8);
        foreach (var term in terms.Distinct())
        {
            json.WriteStringValue(term);
        }

        json.WriteEndArray();
        json.WriteStartArray("results"u8);
        _page.ForEach(hit => WriteHit(json, hit));
        json.WriteEndArray();
        WriteGroups(json);
        if (request.WithState)
        {
            WriteState(json);
        }

        if (token.Skip + _page.Count < hits.Count)
        {
            json.WriteString("next_batch"u8, (token with { Skip = token.Skip + _page.Count }).ToString());
        }

        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteHit(Utf8JsonWriter json, SearchHit hit)
    {
        json.WriteStartObject();
        json.WriteNumber("rank"u8, Math.Round(hit.Rank, 4));
        if (request.WithContext)
        {
            WriteContext(json, hit);
        }
        else
        {
            hit.View.Bundle([hit.Stored]);
        }

        json.WritePropertyName("result"u8);
        hit.View.WriteEvent(json, hit.Stored);
        json.WriteEndObject();
    }

    private void WriteContext(Utf8JsonWriter json, SearchHit hit)
    {
        var (view, order) = (hit.View, hit.Stored.Timeline!.Value);
        var before = Around(view, backward: true, order - 1, request.Before);
        var after = Around(view, backward: false, order, request.After);
        view.Bundle([.. before.Events, hit.Stored, .. after.Events]);
        json.WriteStartObject("context"u8);
        json.WriteString("start"u8, TimelineToken.Format(before.Events.Count > 0 ? before.Events[^1].Timeline!.Value - 1 : order - 1));
        json.WriteString("end"u8, TimelineToken.Format(after.Events.Count > 0 ? after.Events[^1].Timeline!.Value : order));
        json.WriteStartArray("events_before"u8);
        before.Events.ForEach(stored => view.WriteEvent(json, stored));
        json.WriteEndArray();
        json.WriteStartArray("events_after"u8);
        after.Events.ForEach(stored => view.WriteEvent(json, stored));
        json.WriteEndArray();
        if (request.WithProfiles)
        {
            WriteProfiles(json, hit, [.. before.Events, hit.Stored, .. after.Events]);
        }

        json.WriteEndObject();
    }

    private static HistoryPage Around(RoomView view, bool backward, long from, int count) => count == 0
        ? new HistoryPage([], from, from)
        : RoomHistory.Page(view.Db, view.Room, view.Visibility, backward, from, null, count, stored => !view.IsIgnored(stored));

    // "The historic profile information of the users that sent the events returned": as of the event that was found.
    private static void WriteProfiles(Utf8JsonWriter json, SearchHit hit, IEnumerable<StoredEvent> events)
    {
        json.WriteStartObject("profile_info"u8);
        foreach (var sender in events.Select(stored => hit.View.Parse(stored).Sender).Distinct())
        {
            json.WriteStartObject(sender);
            if (RoomStateReader.Find(hit.View.Db, hit.View.Room.Version, hit.Stored.State, "m.room.member", sender) is { } member)
            {
                foreach (var field in (string[])["displayname", "avatar_url"])
                {
                    if (JsonContent.Text(member.Content, field) is { } value)
                    {
                        json.WriteString(field, value);
                    }
                }
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private void WriteGroups(Utf8JsonWriter json)
    {
        if (!request.GroupByRoom && !request.GroupBySender)
        {
            return;
        }

        json.WriteStartObject("groups"u8);
        if (request.GroupByRoom)
        {
            WriteGroup(json, "room_id", hit => hit.View.Room.Id);
        }

        if (request.GroupBySender)
        {
            WriteGroup(json, "sender", hit => hit.Pdu.Sender);
        }

        json.WriteEndObject();
    }

    private void WriteGroup(Utf8JsonWriter json, string key, Func<SearchHit, string> groupOf)
    {
        var order = 0;
        json.WriteStartObject(key);
        foreach (var group in _page.GroupBy(groupOf))
        {
            json.WriteStartObject(group.Key);
            json.WriteNumber("order"u8, order++);
            json.WriteStartArray("results"u8);
            foreach (var hit in group)
            {
                json.WriteStringValue(hit.Stored.EventId);
            }

            json.WriteEndArray();
            var given = hits.Take(token.Skip + _page.Count).Count(hit => groupOf(hit) == group.Key);
            if (given < hits.Count(hit => groupOf(hit) == group.Key))
            {
                json.WriteString("next_batch"u8, new SearchToken(token.UpTo, given, group.Key).ToString());
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private void WriteState(Utf8JsonWriter json)
    {
        json.WriteStartObject("state"u8);
        foreach (var view in _page.Select(hit => hit.View).Distinct())
        {
            json.WriteStartArray(view.Room.Id);
            RoomStateReader.ForEach(view.Db, view.State, state => view.WriteState(json, state));
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }
}
