using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeMatrix.Server.Tests.Outbound;

/// <summary>Somebody else's HTTP server, on a free port of the loopback: it keeps what it is sent, and answers as the test says.</summary>
internal sealed class Peer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly BlockingCollection<PeerRequest> _requests = [];

    private Peer(WebApplication app) => _app = app;

    /// <summary>How it answers; <c>200 {}</c> unless a test says otherwise.</summary>
    public Func<PeerRequest, HttpResponse, Task> Answer { get; set; } = (_, response) => response.WriteAsync("{}");

    /// <summary>As <c>http://127.0.0.1:PORT</c>.</summary>
    public string Url => _app.Urls.Single();

    public static async Task<Peer> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var peer = new Peer(app);
        app.Run(peer.TakeAsync);
        await app.StartAsync();
        return peer;
    }

    /// <summary>The next request that it got, waited for if need be.</summary>
    public Task<PeerRequest> NextAsync() => Task.Run(() =>
        _requests.TryTake(out var request, TimeSpan.FromSeconds(30)) ? request : throw new TimeoutException("no request came"));

    /// <summary>How many came that nobody asked for yet.</summary>
    public int Waiting => _requests.Count;

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        _requests.Dispose();
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var request = new PeerRequest(
            context.Request.Method,
            context.Request.Path + context.Request.QueryString,
            context.Request.Headers.Authorization.ToString(),
            await reader.ReadToEndAsync());
        var answer = Answer;
        _requests.Add(request);
        await answer(request, context.Response);
    }
}

internal sealed record PeerRequest(string Method, string Path, string Authorization, string Body)
{
    public System.Text.Json.JsonElement Json => System.Text.Json.JsonElement.Parse(Body);
}
