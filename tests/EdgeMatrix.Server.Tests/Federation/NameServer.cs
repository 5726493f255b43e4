using System.Net;
using System.Net.Sockets;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>A name server on a free port of the loopback, over UDP and TCP: it answers as the test says.</summary>
internal sealed class NameServer : IDisposable
{
    private readonly UdpClient _udp;
    private readonly TcpListener _tcp;
    private int _questions;

    public NameServer()
    {
        (_udp, _tcp) = ListenOnOnePort();
        _ = ServeUdpAsync();
        _ = ServeTcpAsync();
    }

    // A port that is free for one of both may be taken for the other.
    private static (UdpClient Udp, TcpListener Tcp) ListenOnOnePort()
    {
        for (var attempts = 1; ; attempts++)
        {
            var tcp = new TcpListener(IPAddress.Loopback, 0);
            tcp.Start();
            try
            {
                return (new UdpClient((IPEndPoint)tcp.LocalEndpoint), tcp);
            }
            catch (SocketException) when (attempts < 20)
            {
                tcp.Stop();
            }
        }
    }

    public IPEndPoint Endpoint => (IPEndPoint)_udp.Client.LocalEndPoint!;

    public int Questions => Volatile.Read(ref _questions);

    /// <summary>The messages that answer a question over UDP, in turn.</summary>
    public Func<byte[], IEnumerable<byte[]>> Answer { get; set; } = question => [Message(question)];

    /// <summary>The message that answers over TCP.</summary>
    public Func<byte[], byte[]> AnswerOverTcp { get; set; } = question => Message(question);

    /// <summary>A message with records of <see cref="Record"/>.</summary>
    public static byte[] Message(byte[] question, int code = 0, bool truncated = false, params byte[][] records) =>
    [
        question[0], question[1], (byte)(0x81 | (truncated ? 2 : 0)), (byte)(0x80 | code), 0, 1, 0, (byte)records.Length, 0, 0, 0, 0,
        .. question[12..], .. records.SelectMany(record => record),
    ];

    /// <summary>A record; without an owner, of the name that was asked for.</summary>
    public static byte[] Record(int type, byte[] data, byte[]? owner = null, int ttl = 600) =>
    [
        .. owner ?? [0xC0, 12], 0, (byte)type, 0, 1, (byte)(ttl >> 24), (byte)(ttl >> 16), (byte)(ttl >> 8), (byte)ttl,
        (byte)(data.Length >> 8), (byte)data.Length, .. data,
    ];

    public static byte[] Srv(int priority, int weight, int port, string target, byte[]? owner = null) =>
        Record(33, [(byte)(priority >> 8), (byte)priority, (byte)(weight >> 8), (byte)weight, (byte)(port >> 8), (byte)port, .. Name(target)], owner);

    public static byte[] Name(string name) =>
        [.. name.Split('.', StringSplitOptions.RemoveEmptyEntries).SelectMany(label => (byte[])[(byte)label.Length, .. System.Text.Encoding.ASCII.GetBytes(label)]), 0];

    public void Dispose()
    {
        _udp.Dispose();
        _tcp.Dispose();
    }

    private async Task ServeUdpAsync()
    {
        try
        {
            while (true)
            {
                var question = await _udp.ReceiveAsync();
                Interlocked.Increment(ref _questions);
                foreach (var message in Answer(question.Buffer))
                {
                    await _udp.SendAsync(message, question.RemoteEndPoint);
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeTcpAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _tcp.AcceptTcpClientAsync();
                var stream = client.GetStream();
                var head = new byte[2];
                await stream.ReadExactlyAsync(head);
                var question = new byte[(head[0] << 8) | head[1]];
                await stream.ReadExactlyAsync(question);
                var answer = AnswerOverTcp(question);
                await stream.WriteAsync((byte[])[(byte)(answer.Length >> 8), (byte)answer.Length, .. answer]);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or IOException or InvalidOperationException)
        {
            // The test is over.
        }
    }
}
