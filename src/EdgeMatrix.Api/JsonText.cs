using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Api;

/// <summary>An answer that is JSON already: stored text, or what a writer wrote.</summary>
/// <param name="utf8">One whole JSON value.</param>
public sealed class JsonText(ReadOnlyMemory<byte> utf8, int status = StatusCodes.Status200OK) : IResult
{
    // Nothing of ours is pasted into HTML, and names in most languages are half as long unescaped.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary><c>{}</c></summary>
    public static JsonText Empty { get; } = new("{}"u8.ToArray());

    /// <summary>The value that <paramref name="write"/> writes.</summary>
    public static JsonText Write(Action<Utf8JsonWriter> write) => Write(StatusCodes.Status200OK, write);

    public static JsonText Write(int status, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            write(json);
        }

        return new JsonText(buffer.WrittenMemory, status);
    }

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = status;
        httpContext.Response.ContentType = "application/json";
        httpContext.Response.ContentLength = utf8.Length;
        return httpContext.Response.Body.WriteAsync(utf8, httpContext.RequestAborted).AsTask();
    }
}
