using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using EdgeMatrix.Api.Pipeline;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace EdgeMatrix.Api;

/// <summary>Reads and writes JSON bodies through source-generated types.</summary>
/// <remarks>Clients need not send a Content-Type. Spec: https://spec.matrix.org/v1.19/client-server-api/#api-standards</remarks>
public static class JsonBody
{
    /// <summary>The most that a body may have unless the endpoint says otherwise; an event has at most 65,536 bytes.</summary>
    public const int DefaultMaxBytes = 1 << 20;

    /// <summary>The body as <typeparamref name="T"/>.</summary>
    /// <returns>Or <c>M_NOT_JSON</c> (no JSON at all), <c>M_BAD_JSON</c> (JSON of the wrong shape), <c>M_TOO_LARGE</c>.</returns>
    public static Task<(T? Body, MatrixError? Error)> ReadJsonAsync<T>(
        this HttpRequest request, JsonTypeInfo<T> type, int maxBytes = DefaultMaxBytes)
        where T : class => ReadAsync(request, type, emptyAllowed: false, maxBytes);

    /// <summary>As <see cref="ReadJsonAsync"/>; no body at all stands for <c>{}</c>.</summary>
    public static Task<(T? Body, MatrixError? Error)> ReadJsonOrEmptyAsync<T>(
        this HttpRequest request, JsonTypeInfo<T> type, int maxBytes = DefaultMaxBytes)
        where T : class => ReadAsync(request, type, emptyAllowed: true, maxBytes);

    /// <summary>
    /// The body as it came, which must be an object. Its strings can be read safely; numbers, duplicate keys and depth up
    /// to 64 are as the client chose, so what becomes an event's content must still pass canonical JSON.
    /// </summary>
    public static Task<(JsonElement Body, MatrixError? Error)> ReadObjectAsync(this HttpRequest request, int maxBytes = DefaultMaxBytes) =>
        ReadObjectAsync(request, emptyAllowed: false, maxBytes);

    /// <summary>As <see cref="ReadObjectAsync(HttpRequest, int)"/>; no body at all stands for <c>{}</c>.</summary>
    public static Task<(JsonElement Body, MatrixError? Error)> ReadObjectOrEmptyAsync(this HttpRequest request, int maxBytes = DefaultMaxBytes) =>
        ReadObjectAsync(request, emptyAllowed: true, maxBytes);

    public static JsonHttpResult<T> Json<T>(T value, JsonTypeInfo<T> type) => TypedResults.Json(value, type, "application/json");

    /// <summary>Reads a value of a body that was taken as it came.</summary>
    public static (T? Value, MatrixError? Error) As<T>(this JsonElement body, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return body.Deserialize(type) is { } value ? (value, null) : (null, MatrixError.BadJson("The body is null"));
        }
        catch (JsonException exception)
        {
            return (null, MatrixError.BadJson($"A value is missing or has the wrong type at {exception.Path ?? "$"}"));
        }
    }

    private static async Task<(T?, MatrixError?)> ReadAsync<T>(HttpRequest request, JsonTypeInfo<T> type, bool emptyAllowed, int maxBytes)
        where T : class
    {
        var (body, error) = await ReadObjectAsync(request, emptyAllowed, maxBytes);
        return error is null ? body.As(type) : (null, error);
    }

    private static async Task<(JsonElement, MatrixError?)> ReadObjectAsync(HttpRequest request, bool emptyAllowed, int maxBytes)
    {
        var (bytes, unread) = await ReadBytesAsync(request, maxBytes);
        if (bytes is null)
        {
            return (default, unread);
        }

        if (bytes.Length == 0 && emptyAllowed)
        {
            bytes = "{}"u8.ToArray();
        }

        if (!Utf8.IsValid(bytes))
        {
            return (default, MatrixError.NotJson("The body is not UTF-8"));
        }

        JsonElement element;
        try
        {
            element = JsonElement.Parse(bytes);
        }
        catch (JsonException exception)
        {
            return (default, MatrixError.NotJson($"The body is not JSON: line {exception.LineNumber + 1}, byte {exception.BytePositionInLine}"));
        }

        if (element.ValueKind != JsonValueKind.Object)
        {
            return (default, MatrixError.BadJson("The body is not an object"));
        }

        return HasLoneSurrogate(bytes)
            ? (default, MatrixError.BadJson("A string holds half of a surrogate pair"))
            : (element, null);
    }

    /// <summary>The whole body, unless it is too large, or the bodies of all requests are.</summary>
    internal static async Task<(byte[]? Bytes, MatrixError? Error)> ReadBytesAsync(this HttpRequest request, int maxBytes)
    {
        var memory = request.HttpContext.Features.Get<RequestBodyMemory>();
        if (memory is { Sender: BodySender.Stranger })
        {
            maxBytes = Math.Min(maxBytes, RequestBodyMemory.MaxOfStrangers);
        }

        var tooLarge = $"The body has more than {maxBytes} bytes";
        if (request.ContentLength > maxBytes)
        {
            return (null, MatrixError.TooLarge(tooLarge));
        }

        using var body = new MemoryStream((int)Math.Min(request.ContentLength ?? 0, 16_384));
        var chunk = new byte[(int)Math.Min(request.ContentLength ?? 4_096, 16_384) + 1];
        while (await request.Body.ReadAsync(chunk, request.HttpContext.RequestAborted) is var read and > 0)
        {
            if (body.Length + read > maxBytes)
            {
                return (null, MatrixError.TooLarge(tooLarge));
            }

            // Held as it comes, not as it is announced: whoever sends nothing takes nothing.
            if (memory is not null && !memory.TryHold(read))
            {
                return (null, MatrixError.LimitExceeded("The server has too many requests in hand"));
            }

            body.Write(chunk, 0, read);
        }

        return (body.ToArray(), null);
    }

    // The parser takes "\ud800", and GetString later throws; so every escaped string is tried once.
    private static bool HasLoneSurrogate(ReadOnlySpan<byte> json)
    {
        if (json.IndexOf("\\u"u8) < 0)
        {
            return false;
        }

        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
                {
                    reader.GetString();
                }
            }
        }
        catch (InvalidOperationException)
        {
            return true;
        }

        return false;
    }
}
