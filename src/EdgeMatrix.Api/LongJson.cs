using System.Text.Encodings.Web;
using System.Text.Json;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Api;

/// <summary>An answer that grows with a room, or with what a client asks for; a <see cref="ResponseBuffer"/> bounds what it takes of the memory.</summary>
/// <param name="buffer">One whole JSON value; disposed of once it is sent.</param>
internal sealed class LongJson(ResponseBuffer buffer) : IResult
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>The value that <paramref name="write"/> writes.</summary>
    public static LongJson Write(AnswerSpool spool, Action<Utf8JsonWriter> write)
    {
        var buffer = new ResponseBuffer(spool);
        try
        {
            using var json = new Utf8JsonWriter(buffer, Options);
            write(json);
            json.Flush();
            return new LongJson(buffer);
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        using (buffer)
        {
            httpContext.Response.ContentType = "application/json";
            httpContext.Response.ContentLength = buffer.Length;
            await buffer.CopyToAsync(httpContext.Response.BodyWriter, httpContext.RequestAborted);
        }
    }
}
