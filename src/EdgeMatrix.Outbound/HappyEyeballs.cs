using System.Net;
using System.Net.Sockets;

namespace EdgeMatrix.Outbound;

/// <summary>Connects to whichever address of a host answers first, IPv6 and IPv4 in turns, so that one which is dead costs a moment only.</summary>
/// <remarks>RFC 8305: https://www.rfc-editor.org/rfc/rfc8305</remarks>
internal static class HappyEyeballs
{
    // "Connection Attempt Delay": 250 milliseconds is what section 8 recommends.
    private static readonly TimeSpan _delay = TimeSpan.FromMilliseconds(250);

    /// <param name="addresses">In the order in which the system would try them; at least one.</param>
    /// <exception cref="SocketException">None can be reached; the failure of the first.</exception>
    public static async Task<Socket> ConnectAsync(
        IReadOnlyList<IPAddress> addresses, int port, TimeProvider time, CancellationToken cancellation)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var waiting = new Queue<IPAddress>(InTurns(addresses));
        var attempts = new List<Task<Socket>>();
        Exception? first = null;
        try
        {
            while (true)
            {
                if (waiting.TryDequeue(out var next))
                {
                    attempts.Add(ConnectAsync(next, port, end.Token));
                }

                Task pause = waiting.Count > 0 ? Task.Delay(_delay, time, end.Token) : Task.Delay(Timeout.InfiniteTimeSpan, time, end.Token);
                var ended = await Task.WhenAny([.. attempts, pause]);
                if (ended == pause)
                {
                    cancellation.ThrowIfCancellationRequested();
                    continue;
                }

                var attempt = (Task<Socket>)ended;
                attempts.Remove(attempt);
                if (attempt.IsCompletedSuccessfully)
                {
                    return attempt.Result;
                }

                cancellation.ThrowIfCancellationRequested();
                first ??= attempt.Exception?.InnerException;
                if (attempts.Count == 0 && waiting.Count == 0)
                {
                    throw first as SocketException ?? new SocketException((int)SocketError.HostUnreachable);
                }
            }
        }
        finally
        {
            await end.CancelAsync();
            foreach (var late in attempts)
            {
                _ = late.ContinueWith(
                    static socket => socket.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion,
                    TaskScheduler.Default);
            }
        }
    }

    /// <summary>One of each family after the other, that of the first address first.</summary>
    internal static IEnumerable<IPAddress> InTurns(IReadOnlyList<IPAddress> addresses)
    {
        var preferred = addresses.Where(address => address.AddressFamily == addresses[0].AddressFamily).ToArray();
        var others = addresses.Where(address => address.AddressFamily != addresses[0].AddressFamily).ToArray();
        for (var i = 0; i < Math.Max(preferred.Length, others.Length); i++)
        {
            if (i < preferred.Length)
            {
                yield return preferred[i];
            }

            if (i < others.Length)
            {
                yield return others[i];
            }
        }
    }

    private static async Task<Socket> ConnectAsync(IPAddress address, int port, CancellationToken cancellation)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, port), cancellation);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
