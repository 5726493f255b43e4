using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Api;

/// <summary>Reads query parameters; one that is absent is null, one that cannot be read is <c>M_INVALID_PARAM</c>.</summary>
public static class QueryParameters
{
    public static (long? Value, MatrixError? Error) QueryInteger(this HttpRequest request, string name, long min = 0, long max = long.MaxValue)
    {
        if (request.QueryText(name) is not { } text)
        {
            return (null, null);
        }

        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? (value, null)
            : (null, MatrixError.InvalidParam($"{name} is not an integer of at least {min}" + (max < long.MaxValue ? $" and at most {max}" : "")));
    }

    public static (bool? Value, MatrixError? Error) QueryBoolean(this HttpRequest request, string name) => request.QueryText(name) switch
    {
        null => (null, null),
        "true" => (true, null),
        "false" => (false, null),
        _ => (null, MatrixError.InvalidParam($"{name} is neither true nor false")),
    };

    public static (string? Value, MatrixError? Error) QueryRequired(this HttpRequest request, string name) =>
        request.QueryText(name) is { } text ? (text, null) : (null, MatrixError.MissingParam(name));

    /// <summary>One of a set of words.</summary>
    public static (string? Value, MatrixError? Error) QueryOneOf(this HttpRequest request, string name, params ReadOnlySpan<string> words)
    {
        var text = request.QueryText(name);
        return text is null || words.Contains(text)
            ? (text, null)
            : (null, MatrixError.InvalidParam($"{name} is none of {string.Join(", ", words!)}"));
    }

    /// <summary>A pagination token; null if absent, or empty, as some clients ask for the first page.</summary>
    public static string? QueryToken(this HttpRequest request, string name) => request.QueryText(name) is { Length: > 0 } text ? text : null;

    /// <summary>The first value of the parameter; null if absent.</summary>
    public static string? QueryText(this HttpRequest request, string name) =>
        request.Query.TryGetValue(name, out var values) && values.Count > 0 ? values[0] : null;
}
