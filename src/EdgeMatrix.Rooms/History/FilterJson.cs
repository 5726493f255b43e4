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

        string?[] texts = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(Text)] : [null];
        if (texts.Contains(null))
        {
            problem = $"{name} is not an array of strings";
            return null;
        }

        return texts!;
    }

    /// <summary>As <see cref="Strings"/>, of ids that begin with a sigil.</summary>
    public static string[]? Ids(JsonElement filter, string name, char sigil, out string? problem)
    {
        var ids = Strings(filter, name, out problem);
        if (ids is not null && !Array.TrueForAll(ids, id => id.StartsWith(sigil)))
        {
            problem = $"{name} has what is no id that begins with {sigil}";
            return null;
        }

        return ids;
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

    /// <summary>The string, or null if the value is none; half of a surrogate pair, which the parser takes, makes none.</summary>
    public static string? Text(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    public static JsonElement? Member(JsonElement filter, string name) =>
        filter.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
