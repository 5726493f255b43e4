using System.Text.Json;

namespace EdgeMatrix.Rooms.History;

/// <summary>An <c>EventFilter</c>: which events by type and sender, and how many.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter_request_eventfilter</remarks>
public sealed class EventFilter
{
    /// <summary>Lets everything pass.</summary>
    public static readonly EventFilter All = new();

    private string[]? _types;
    private string[] _notTypes = [];
    private HashSet<string>? _senders;
    private HashSet<string> _notSenders = [];

    /// <summary>The greatest number of events wanted; null if the filter does not say.</summary>
    public int? Limit { get; private init; }

    /// <summary>No event can pass.</summary>
    public bool MatchesNothing => _types is { Length: 0 } || _senders is { Count: 0 };

    /// <summary>Reads a filter; what it does not know in it is ignored.</summary>
    /// <param name="filter">A JSON object.</param>
    /// <param name="problem">What is wrong with it, for the client's developer; null if it was read.</param>
    public static EventFilter Parse(JsonElement filter, out string? problem)
    {
        if (filter.ValueKind != JsonValueKind.Object)
        {
            problem = "a filter is not an object";
            return All;
        }

        var types = FilterJson.Strings(filter, "types", out problem);
        var notTypes = problem is null ? FilterJson.Strings(filter, "not_types", out problem) : null;
        var senders = problem is null ? FilterJson.Ids(filter, "senders", '@', out problem) : null;
        var notSenders = problem is null ? FilterJson.Ids(filter, "not_senders", '@', out problem) : null;
        var limit = problem is null ? FilterJson.Limit(filter, out problem) : null;
        return problem is not null
            ? All
            : new EventFilter
            {
                Limit = limit,
                _types = types,
                _notTypes = notTypes ?? [],
                _senders = senders is null ? null : [.. senders],
                _notSenders = [.. notSenders ?? []],
            };
    }

    /// <param name="sender">Null for what nobody sent: receipts, typing.</param>
    public bool Matches(string type, string? sender)
    {
        // A matching sender will be excluded even if it is listed in the senders filter; types likewise.
        if (sender is not null && (_notSenders.Contains(sender) || _senders?.Contains(sender) == false))
        {
            return false;
        }

        return !Array.Exists(_notTypes, pattern => Wildcard(pattern, type))
            && (_types is null || Array.Exists(_types, pattern => Wildcard(pattern, type)));
    }

    // A * can be used as a wildcard to match any sequence of characters.
    private static bool Wildcard(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        int at = 0, inText = 0, star = -1, starText = 0;
        while (inText < text.Length)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                star = at++;
                starText = inText;
            }
            else if (at < pattern.Length && pattern[at] == text[inText])
            {
                at++;
                inText++;
            }
            else if (star >= 0)
            {
                at = star + 1;
                inText = ++starText;
            }
            else
            {
                return false;
            }
        }

        return pattern[at..].IndexOfAnyExcept('*') < 0;
    }
}
