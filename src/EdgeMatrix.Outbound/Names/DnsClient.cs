using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using EdgeMatrix.Protocol;

namespace EdgeMatrix.Outbound.Names;

/// <summary>
/// Asks the name servers of the machine for SRV records, which the platform has no call for: over UDP, and over TCP what does not fit. Addresses of hosts
/// are the system's to find, who knows of its hosts file and of names without DNS.
/// </summary>
/// <param name="servers">Whom to ask, in order.</param>
public sealed class DnsClient(Func<IReadOnlyList<IPEndPoint>> servers, RandomSource random, TimeProvider time)
{
    private const int Rounds = 2;
    private const int MaxUdpBytes = 4_096;
    private const int MaxIgnored = 20;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    /// <summary>Never throws for what the network does.</summary>
    public async Task<SrvAnswer> FindServicesAsync(string name, CancellationToken cancellation)
    {
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var server in servers())
            {
                // Another id and another port each time: an answer to an earlier one is none to this.
                if (DnsMessage.Question(NewId(), name) is not { } question)
                {
                    return default;
                }

                var (verdict, answer) = await AskAsync(server, question, cancellation);
                if (verdict == DnsVerdict.Answered)
                {
                    return answer;
                }
            }
        }

        return default;
    }

    private ushort NewId()
    {
        Span<byte> bytes = stackalloc byte[2];
        random.Fill(bytes);
        return BinaryPrimitives.ReadUInt16BigEndian(bytes);
    }

    private async Task<(DnsVerdict, SrvAnswer)> AskAsync(IPEndPoint server, byte[] question, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(_patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            var heard = await AskByUdpAsync(server, question, either.Token);
            return heard.Item1 == DnsVerdict.Truncated ? await AskByTcpAsync(server, question, either.Token) : heard;
        }
        catch (Exception exception) when (exception is SocketException or IOException
            || (exception is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return (DnsVerdict.Failed, default);
        }
    }

    private static async Task<(DnsVerdict, SrvAnswer)> AskByUdpAsync(IPEndPoint server, byte[] question, CancellationToken cancellation)
    {
        // Connected: the system gives it a port by chance, and lets in what comes from the server only.
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, cancellation);
        await socket.SendAsync(question, cancellation);
        var buffer = new byte[MaxUdpBytes];
        for (var ignored = 0; ignored < MaxIgnored; ignored++)
        {
            var length = await socket.ReceiveAsync(buffer, cancellation);
            var (verdict, answer) = DnsMessage.Read(buffer.AsSpan(0, length), question);
            if (verdict != DnsVerdict.NotAnAnswer)
            {
                return (verdict, answer);
            }
        }

        return (DnsVerdict.Failed, default);
    }

    private static async Task<(DnsVerdict, SrvAnswer)> AskByTcpAsync(IPEndPoint server, byte[] question, CancellationToken cancellation)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server, cancellation);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync((byte[])[(byte)(question.Length >> 8), (byte)question.Length, .. question], cancellation);
        var head = new byte[2];
        await stream.ReadExactlyAsync(head, cancellation);
        var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(head)];
        await stream.ReadExactlyAsync(message, cancellation);
        return DnsMessage.Read(message, question);
    }
}
