using System.Net;
using System.Net.Sockets;

namespace EdgeMatrix.Outbound.Names;

/// <summary>Looks addresses up as the system does, with its hosts file, search order and cache.</summary>
/// <remarks>
/// The system's call holds its thread until somebody answers, for many seconds where a name server is silent. The runtime would make it on the threads of
/// the pool, of which a small machine has as many as cores: a few names of servers that are gone would hold up all that the server does. So each has
/// a thread of its own; <see cref="NameResolver"/> bounds how many there are at once.
/// </remarks>
public static class SystemNames
{
    // Name services are written for threads that have room.
    private const int StackBytes = 512 << 10;

    /// <exception cref="SocketException">The host has no address, or nobody could say.</exception>
    public static Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancellation) =>
        OnOwnThreadAsync(() => Dns.GetHostAddresses(host)).WaitAsync(cancellation);

    internal static Task<T> OnOwnThreadAsync<T>(Func<T> call)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(
            () =>
            {
                try
                {
                    done.SetResult(call());
                }
                catch (Exception exception)
                {
                    done.SetException(exception);
                }
            },
            StackBytes)
        {
            IsBackground = true,
            Name = "Names",
        };
        thread.Start();
        return done.Task;
    }
}
