using System.Text.Json;

namespace EdgeMatrix.Rooms.History;

/// <summary>Reads the members of a filter: absent or null is no wish, the wrong kind is a problem.</summary>
public static class FilterJson
{
    public static string[]? Strings(JsonElement filter, string name, out string? problem)
    {
        problem = null;
        if (Member(filter, name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
        {
            problem = $"{name} is not an array of strings";
            return null;
        }

        return [.. value.EnumerateArray().Select(item => item.GetString()!)];
    }

    public static bool? Bool(JsonElement filter, string name, out string? problem)
    {
        problem = null;
        if (Member(filter, name) is not { } value)
        {
            return null;
        }

        problem = value.ValueKind is JsonValueKind.True or JsonValueKind.False ? null : $"{name} is not a boolean";
        return problem is null ? value.GetBoolean() : null;
    }

    /// <summary>The <c>limit</c>; 0, which clients send to ask for no events at all, is let pass.</summary>
    public static int? Limit(JsonElement filter, out string? problem)
    {
        problem = null;
        if (Member(filter, "limit") is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var limit) || limit < 0)
        {
            problem = "limit is not a positive integer";
            return null;
        }

        return (int)Math.Min(limit, int.MaxValue);
    }

    public static JsonElement? Member(JsonElement filter, string name) =>
        filter.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
