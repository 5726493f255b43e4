using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>An HTTP proxy on the loopback that does nothing but <c>CONNECT</c>, and writes down where to.</summary>
internal sealed class ConnectProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<string, int> _portOf;
    private readonly List<string> _asked = [];
    private readonly Task _accepting;

    /// <param name="portOf">The port of the loopback to which a <c>host:port</c> leads.</param>
    public ConnectProxy(Func<string, int> portOf)
    {
        _portOf = portOf;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Url => $"http://{_listener.LocalEndpoint}";

    public IReadOnlyList<string> Asked
    {
        get
        {
            lock (_asked)
            {
                return [.. _asked];
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        var carried = new List<Task>();
        try
        {
            while (true)
            {
                carried.Add(CarryAsync(await _listener.AcceptTcpClientAsync()));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(carried);
        }
    }

    private async Task CarryAsync(TcpClient near)
    {
        using (near)
        {
            var stream = near.GetStream();
            var head = new StringBuilder();
            var one = new byte[1];
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one) == 1)
            {
                head.Append((char)one[0]);
            }

            if (head.ToString().Split(' ') is not ["CONNECT", var target, ..])
            {
                return;
            }

            lock (_asked)
            {
                _asked.Add(target);
            }

            using var far = new TcpClient();
            await far.ConnectAsync(IPAddress.Loopback, _portOf(target));
            await stream.WriteAsync("HTTP/1.1 200 Connected\r\n\r\n"u8.ToArray());
            try
            {
                await Task.WhenAny(stream.CopyToAsync(far.GetStream()), far.GetStream().CopyToAsync(stream));
            }
            catch (IOException)
            {
                // One of both ends is gone.
            }
        }
    }
}
