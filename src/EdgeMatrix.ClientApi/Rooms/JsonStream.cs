using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>A 200 answer written straight as JSON: events go in as they are stored, through no object of ours.</summary>
internal sealed class JsonStream : IResult
{
    private readonly ArrayBufferWriter<byte> _buffer = new(4_096);

    public JsonStream(Action<Utf8JsonWriter> write)
    {
        using var json = new Utf8JsonWriter(_buffer);
        write(json);
    }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.ContentType = "application/json";
        httpContext.Response.ContentLength = _buffer.WrittenCount;
        await httpContext.Response.Body.WriteAsync(_buffer.WrittenMemory, httpContext.RequestAborted);
    }
}
