using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace EdgeMatrix.Console.Inspection.Tardis;

/// <summary>The WebSocket server that TARDIS, a debugger of rooms in the browser, asks to resolve states: its "shim".</summary>
/// <remarks>It keeps nothing and opens no file: it sees only what TARDIS sends it.</remarks>
public static class TardisRoutes
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(30);

    public static void UseTardis(this WebApplication app, TimeProvider time)
    {
        var stopping = app.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = KeepAlive });
        app.Run(async context =>
        {
            if (!context.WebSockets.IsWebSocketRequest)
            {
                context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
                context.Response.Headers.Upgrade = "websocket";
                await context.Response.WriteAsync("This is the shim of TARDIS: give it this address with ws:// before it.\n");
                return;
            }

            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            using var connection = new TardisConnection(socket, time);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping, context.RequestAborted);
            await connection.RunAsync(ended.Token);
        });
    }
}
