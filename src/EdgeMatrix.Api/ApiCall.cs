using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeMatrix.Api;

/// <summary>A request, as the route tables hand it to an endpoint: each line there says what its endpoint is given.</summary>
internal readonly struct ApiCall(HttpContext context)
{
    public HttpContext Context => context;

    public HttpRequest Request => context.Request;

    /// <summary>A segment of the path, percent-decoded.</summary>
    public string this[string name] => (string)context.Request.RouteValues[name]!;

    /// <summary>A segment that the path may lack.</summary>
    public string? SegmentIfAny(string name) => (string?)context.Request.RouteValues[name];

    /// <summary>The first value of a query parameter; null if absent.</summary>
    public string? Query(string name) => context.Request.QueryText(name);

    /// <summary>A pagination token among the query parameters; null if absent or empty.</summary>
    public string? Token(string name) => context.Request.QueryToken(name);

    public RoomEngine Engine => Part<RoomEngine>();

    public LocalServer Server => Part<LocalServer>();

    public Database Database => Part<Database>();

    public AnswerSpool Spool => Part<AnswerSpool>();

    /// <summary>The part of the server that does the work.</summary>
    public T Part<T>()
        where T : notnull => context.RequestServices.GetRequiredService<T>();
}
