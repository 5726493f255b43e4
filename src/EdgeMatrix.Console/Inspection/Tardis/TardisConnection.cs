using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json;

namespace EdgeMatrix.Console.Inspection.Tardis;

/// <summary>
/// One WebSocket to TARDIS. It asks us to resolve states; meanwhile we ask it for events, over the same socket, so reading never waits for
/// an answer of ours.
/// </summary>
/// <remarks>The protocol is that of https://github.com/matrix-org/tardis, src/state_resolver.ts.</remarks>
public sealed class TardisConnection(WebSocket socket, TimeProvider time) : IDisposable
{
    private const int MaxMessageBytes = 32 * 1024 * 1024;
    private const int MaxResolutions = 8;
    private const int MaxQuestions = 128;
    private static readonly TimeSpan MaxWaitForEvent = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonElement?>> _questions = new();
    private readonly ConcurrentDictionary<Task, string> _resolutions = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly SemaphoreSlim _asking = new(MaxQuestions);
    private long _asked;

    /// <summary>Answers until either side closes.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var events = new TardisEvents(eventId => AskAsync(eventId, ended.Token));
        var (status, reason) = (WebSocketCloseStatus.NormalClosure, "");
        try
        {
            var message = new ArrayBufferWriter<byte>();
            while (await ReceiveAsync(message, cancellation))
            {
                if (message.WrittenCount > MaxMessageBytes)
                {
                    (status, reason) = (WebSocketCloseStatus.MessageTooBig, $"a message has more than {MaxMessageBytes} bytes");
                    break;
                }

                await HandleAsync(message.WrittenMemory, events, ended.Token);
            }
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException)
        {
            // TARDIS was closed, or we are.
        }

        await ended.CancelAsync();
        await Task.WhenAll(_resolutions.Keys);
        await CloseAsync(status, reason, cancellation);
    }

    public void Dispose()
    {
        _sending.Dispose();
        _asking.Dispose();
    }

    private async Task HandleAsync(ReadOnlyMemory<byte> utf8, TardisEvents events, CancellationToken cancellation)
    {
        switch (TardisMessage.Parse(utf8))
        {
            case { Type: TardisMessage.ResolveState } request when _resolutions.Count >= MaxResolutions:
                await SendAsync(TardisMessage.Failed(request.Id, $"more than {MaxResolutions} states are being resolved"), cancellation);
                break;
            case { Type: TardisMessage.ResolveState } request:
                var resolution = ResolveAsync(request, events, cancellation);
                _resolutions.TryAdd(resolution, request.Id);
                _ = resolution.ContinueWith(
                    done => _resolutions.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                break;
            case { Type: TardisMessage.GetEvent } answer:
                if (_questions.TryRemove(answer.Id, out var question))
                {
                    question.TrySetResult(answer.Data.TryGetProperty("event", out var given) ? given : null);
                }

                break;
            case { } other:
                await SendAsync(TardisMessage.Failed(other.Id, $"there is no message of type {other.Type}"), cancellation);
                break;
            case null:
                await SendAsync(TardisMessage.Failed("", "that is no message: {type, id, data} is expected"), cancellation);
                break;
        }
    }

    // Never faults: whatever there is to say about a request is said to TARDIS.
    private async Task ResolveAsync(TardisMessage message, TardisEvents events, CancellationToken cancellation)
    {
        // Off the reading, which must go on.
        await Task.Yield();
        byte[] answer;
        try
        {
            var (state, error) = await new TardisResolution(TardisRequest.Read(message.Data), events).RunAsync();
            answer = TardisMessage.Resolved(message.Id, state, error);
        }
        catch (TardisException failure)
        {
            answer = TardisMessage.Failed(message.Id, failure.Message);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        try
        {
            await SendAsync(answer, cancellation);
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException)
        {
            // Nobody is there to be told.
        }
    }

    private async Task<JsonElement?> AskAsync(string eventId, CancellationToken cancellation)
    {
        await _asking.WaitAsync(cancellation);
        var id = Interlocked.Increment(ref _asked).ToString(CultureInfo.InvariantCulture);
        var question = new TaskCompletionSource<JsonElement?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _questions.TryAdd(id, question);
        try
        {
            await SendAsync(TardisMessage.AskForEvent(id, eventId), cancellation);
            return await question.Task.WaitAsync(MaxWaitForEvent, time, cancellation);
        }
        catch (TimeoutException)
        {
            throw new TardisException($"no answer about {eventId} in {MaxWaitForEvent.TotalSeconds} s");
        }
        catch (WebSocketException)
        {
            throw new TardisException("the connection is gone");
        }
        finally
        {
            _questions.TryRemove(id, out _);
            _asking.Release();
        }
    }

    private async Task SendAsync(byte[] message, CancellationToken cancellation)
    {
        await _sending.WaitAsync(cancellation);
        try
        {
            await socket.SendAsync(message.AsMemory(), WebSocketMessageType.Text, endOfMessage: true, cancellation);
        }
        finally
        {
            _sending.Release();
        }
    }

    // The whole next message, or more of it than is allowed; false when TARDIS closes.
    private async Task<bool> ReceiveAsync(ArrayBufferWriter<byte> message, CancellationToken cancellation)
    {
        message.ResetWrittenCount();
        while (true)
        {
            var received = await socket.ReceiveAsync(message.GetMemory(4096), cancellation);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                return false;
            }

            message.Advance(received.Count);
            if (received.EndOfMessage || message.WrittenCount > MaxMessageBytes)
            {
                return true;
            }
        }
    }

    private async Task CloseAsync(WebSocketCloseStatus status, string reason, CancellationToken cancellation)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived))
        {
            return;
        }

        try
        {
            await socket.CloseOutputAsync(status, reason, cancellation);
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException)
        {
            // Gone already.
        }
    }
}
