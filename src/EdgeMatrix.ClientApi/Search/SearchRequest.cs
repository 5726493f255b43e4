using System.Text.Json;
using EdgeMatrix.Rooms.History;

namespace EdgeMatrix.ClientApi.Search;

/// <summary>What is searched for in rooms: <c>search_categories.room_events</c>.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3search</remarks>
internal sealed record SearchRequest
{
    private const int DefaultLimit = 10;
    private const int MaxLimit = 100;
    private const int DefaultContext = 5;
    private const int MaxContext = 20;

    public required string Term { get; init; }

    /// <summary>Null: all keys.</summary>
    public IReadOnlyList<string>? Keys { get; init; }

    public RoomEventFilter Filter { get; init; } = RoomEventFilter.All;

    public int Limit { get; init; } = DefaultLimit;

    /// <summary>Newest first; else what fits best.</summary>
    public bool Recent { get; init; }

    public bool WithContext { get; init; }

    public int Before { get; init; }

    public int After { get; init; }

    public bool WithProfiles { get; init; }

    public bool WithState { get; init; }

    public bool GroupByRoom { get; init; }

    public bool GroupBySender { get; init; }

    public static (SearchRequest? Request, MatrixError? Error) Parse(JsonElement events)
    {
        var (term, problem) = Text(events, "search_term");
        if (problem is null && term is null)
        {
            return (null, MatrixError.MissingParam("search_term"));
        }

        var keys = problem is null ? Strings(events, "keys", out problem) : null;
        if (keys?.FirstOrDefault(key => key is not ("content.body" or "content.name" or "content.topic")) is { } unknown)
        {
            return (null, MatrixError.InvalidParam($"{unknown} is no key that is searched"));
        }

        var filter = RoomEventFilter.All;
        if (problem is null && events.TryGetProperty("filter", out var given))
        {
            filter = RoomEventFilter.Parse(given, out problem);
        }

        var order = problem is null ? Text(events, "order_by", out problem) : null;
        if (order is not (null or "rank" or "recent"))
        {
            return (null, MatrixError.InvalidParam("order_by must be rank or recent"));
        }

        var context = default(JsonElement);
        var withContext = problem is null && Object(events, "event_context", out context, out problem);
        var before = withContext && problem is null ? Number(context, "before_limit", out problem) : null;
        var after = withContext && problem is null ? Number(context, "after_limit", out problem) : null;
        var profiles = withContext && problem is null && Flag(context, "include_profile", out problem);
        var state = problem is null && Flag(events, "include_state", out problem);
        var groups = problem is null ? GroupKeys(events, out problem) : [];
        return problem is not null ? (null, MatrixError.BadJson(problem)) : (new SearchRequest
        {
            Term = term!,
            Keys = keys,
            Filter = filter,
            Limit = Math.Clamp(filter.Limit ?? DefaultLimit, 1, MaxLimit),
            Recent = order == "recent",
            WithContext = withContext,
            Before = Math.Min(before ?? DefaultContext, MaxContext),
            After = Math.Min(after ?? DefaultContext, MaxContext),
            WithProfiles = profiles,
            WithState = state,
            GroupByRoom = groups.Contains("room_id"),
            GroupBySender = groups.Contains("sender"),
        }, null);
    }

    private static List<string> GroupKeys(JsonElement events, out string? problem)
    {
        var keys = new List<string>();
        if (Object(events, "groupings", out var groupings, out problem) && groupings.TryGetProperty("group_by", out var groups))
        {
            if (groups.ValueKind != JsonValueKind.Array)
            {
                problem = "group_by is no array";
                return keys;
            }

            foreach (var group in groups.EnumerateArray())
            {
                if (group.ValueKind == JsonValueKind.Object && Text(group, "key", out problem) is { } key)
                {
                    keys.Add(key);
                }
            }
        }

        return keys;
    }

    private static bool Object(JsonElement parent, string name, out JsonElement value, out string? problem)
    {
        var there = parent.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
        problem = there && value.ValueKind != JsonValueKind.Object ? $"{name} is no object" : null;
        return there && problem is null;
    }

    private static (string? Value, string? Problem) Text(JsonElement parent, string name) => (Text(parent, name, out var problem), problem);

    private static string? Text(JsonElement parent, string name, out string? problem)
    {
        problem = null;
        if (!parent.TryGetProperty(name, out var value))
        {
            return null;
        }

        problem = value.ValueKind == JsonValueKind.String ? null : $"{name} is no string";
        return problem is null ? value.GetString() : null;
    }

    private static List<string>? Strings(JsonElement parent, string name, out string? problem)
    {
        problem = null;
        if (!parent.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
        {
            problem = $"{name} is no array of strings";
            return null;
        }

        return [.. value.EnumerateArray().Select(item => item.GetString()!)];
    }

    private static int? Number(JsonElement parent, string name, out string? problem)
    {
        problem = null;
        if (!parent.TryGetProperty(name, out var value))
        {
            return null;
        }

        var number = 0;
        problem = value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out number) && number >= 0 ? null : $"{name} is no number of events";
        return problem is null ? number : null;
    }

    private static bool Flag(JsonElement parent, string name, out string? problem)
    {
        problem = null;
        if (!parent.TryGetProperty(name, out var value))
        {
            return false;
        }

        problem = value.ValueKind is JsonValueKind.True or JsonValueKind.False ? null : $"{name} is neither true nor false";
        return value.ValueKind == JsonValueKind.True;
    }
}
