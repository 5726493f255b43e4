using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Serialization.Metadata;
using EdgeMatrix.Configuration;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Console;

namespace EdgeMatrix.Serving;

/// <summary>How Kestrel and the log are set up. Nothing here reads a file or a variable of its own: the configuration says it all.</summary>
internal static class WebServer
{
    // A filter may stand in the query of /sync.
    private const int MaxRequestLineBytes = 16 * 1024;

    // Each long poll holds one, and each takes some ten kilobytes; a connection beyond these is closed at once.
    private const long MemoryPerConnection = 64 * 1024;
    private const int MinConnections = 512;
    private const int MaxConnections = 4096;

    // What is read ahead of a handler. More would be of use to large bodies on long fat links only.
    private const int MaxReadAheadBytes = 128 * 1024;

    // "SIGTERM and SIGINT drain and stop within 10 s": what is left is for closing the database.
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(8);

    public static void Configure(WebApplicationBuilder builder, HomeserverOptions options, long memoryLimit, string serverName, TimeProvider time)
    {
        builder.Services.AddRoutingCore();

        // Endpoints read and write JSON themselves. One that asks the framework to, by mistake, fails here as it would when published.
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolver = JsonTypeInfoResolver.Combine());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = DrainTime);
        ConfigureLog(builder.Logging, options.Log);

        // A request is read, served and answered on one thread: passing it from one to the next cost more than most requests do. Whoever
        // waits for long here waits without a thread; what is left, the disk, would be waited for by any other.
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;

            // Endpoints bound what they read. Were it Kestrel that refused, it would cut the connection under the sender, who would
            // see a reset and never M_TOO_LARGE; so what nobody reads is let in and thrown away, for five seconds at most.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MaxRequestLineSize = MaxRequestLineBytes;
            kestrel.Limits.MaxConcurrentConnections = Math.Clamp(memoryLimit / MemoryPerConnection, MinConnections, MaxConnections);
            kestrel.Limits.MaxRequestBufferSize = MaxReadAheadBytes;
            kestrel.Limits.Http2.InitialConnectionWindowSize = MaxReadAheadBytes;
            kestrel.Limits.Http2.InitialStreamWindowSize = MaxReadAheadBytes;
            Listen(kestrel, options, serverName, time);
        });
    }

    private static void Listen(KestrelServerOptions kestrel, HomeserverOptions options, string serverName, TimeProvider time)
    {
        (X509Certificate2 Certificate, X509Certificate2Collection Chain)? tls = null;
        foreach (var url in options.Server.Listen)
        {
            if (!Listener.TryParse(url, out var listener, out var problem))
            {
                throw new ArgumentException(problem, nameof(options));
            }

            if (!listener.Tls)
            {
                kestrel.Listen(listener.Address, listener.Port);
                continue;
            }

            var (certificate, chain) = tls ??= Certificates.Load(options, serverName, time);
            kestrel.Listen(listener.Address, listener.Port, listen => listen.UseHttps(https =>
            {
                https.ServerCertificate = certificate;
                https.ServerCertificateChain = chain;
            }));
        }
    }

    // The log goes to standard error: standard output is for the line that says "ready".
    private static void ConfigureLog(ILoggingBuilder logging, LogOptions log)
    {
        logging.SetMinimumLevel(log.Level);
        if (log.Level is LogLevel.Debug or LogLevel.Information)
        {
            logging.AddFilter("Microsoft", LogLevel.Warning);
        }

        if (log.Level != LogLevel.Trace)
        {
            // For as long as this could log anything at all, it makes an Activity of every request.
            logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        }

        logging.AddConsole(console =>
        {
            console.LogToStandardErrorThreshold = LogLevel.Trace;

            // A reader of the log that has stopped reading must not stop the server too.
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        });
        if (log.Format == LogFormat.Json)
        {
            logging.AddJsonConsole(json =>
            {
                json.UseUtcTimestamp = true;
                json.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
            });
        }
        else
        {
            logging.AddSimpleConsole(text =>
            {
                text.SingleLine = true;
                text.TimestampFormat = "yyyy-MM-dd HH:mm:ss ";
            });
        }
    }
}
