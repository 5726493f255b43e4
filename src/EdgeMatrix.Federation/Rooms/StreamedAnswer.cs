using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>What another server answers is not what it was asked for.</summary>
internal sealed class MalformedAnswerException(string message) : Exception(message);

/// <summary>Reads an object with long lists as it comes: each of their items is handed on as soon as it is there, and none is kept.</summary>
/// <param name="lists">The properties that are such lists.</param>
/// <param name="values">The properties that are taken as a whole.</param>
/// <param name="take">Gets each item and each value, with the name of its property, as JSON.</param>
internal sealed class StreamedAnswer(string[] lists, string[] values, Action<string, byte[]> take)
{
    // An event has at most 64 KiB in canonical JSON; others may write it more widely, and add what is not signed.
    private const int MaxItemBytes = 256 * 1024;
    private const int BufferBytes = 64 * 1024;

    // Events nest 64 deep at most, and stand in lists in an object.
    private static readonly JsonReaderOptions _options = new() { MaxDepth = 80 };

    private bool _isOpen;

    // Servers of before MSC1802 answer with a list of the status and the object.
    private int _outer;

    // The property that is being read, and whether it is a list; null between properties. One that nobody wants is passed over.
    private string? _property;
    private Kind _kind;

    private enum Kind
    {
        List,
        Value,
        Passed,
    }

    /// <exception cref="MalformedAnswerException">It is no such object, or has an item that is too large.</exception>
    /// <exception cref="Outbound.OutboundException">It is too long, late, or cut off.</exception>
    public async Task ReadAsync(Stream body, CancellationToken cancellation)
    {
        var pipe = PipeReader.Create(body, new StreamPipeReaderOptions(bufferSize: BufferBytes, leaveOpen: true));
        try
        {
            var state = new JsonReaderState(_options);
            while (true)
            {
                var read = await pipe.ReadAsync(cancellation);
                var consumed = Read(read.Buffer, read.IsCompleted, ref state);
                if (read.IsCompleted)
                {
                    return;
                }

                if (read.Buffer.Length - consumed > MaxItemBytes)
                {
                    throw new MalformedAnswerException($"an event has more than {MaxItemBytes} bytes");
                }

                pipe.AdvanceTo(read.Buffer.GetPosition(consumed), read.Buffer.End);
            }
        }
        catch (JsonException exception)
        {
            throw new MalformedAnswerException($"the answer is no JSON: {exception.Message}");
        }
        finally
        {
            await pipe.CompleteAsync();
        }
    }

    /// <returns>How many bytes need not be looked at again.</returns>
    private long Read(ReadOnlySequence<byte> bytes, bool isFinal, ref JsonReaderState state)
    {
        var reader = new Utf8JsonReader(bytes, isFinal, state);
        while (true)
        {
            var before = reader;
            if (!reader.Read() || !TryTake(ref reader, bytes))
            {
                state = before.CurrentState;
                return before.BytesConsumed;
            }
        }
    }

    /// <returns>False if the value that begins here has not come whole yet.</returns>
    private bool TryTake(ref Utf8JsonReader reader, ReadOnlySequence<byte> bytes)
    {
        if (!_isOpen)
        {
            if (reader.TokenType == JsonTokenType.StartArray && _outer == 0)
            {
                _outer = 1;
                return true;
            }

            if (reader.TokenType == JsonTokenType.Number && _outer == 1)
            {
                return true;
            }

            _isOpen = reader.TokenType == JsonTokenType.StartObject ? true : throw new MalformedAnswerException("the answer is no object");
            return true;
        }

        if (_property is null)
        {
            if (reader.TokenType == JsonTokenType.PropertyName)
            {
                Begin(in reader);
            }

            return true;
        }

        switch (_kind)
        {
            case Kind.List when reader.CurrentDepth == _outer + 1 && reader.TokenType == JsonTokenType.StartArray:
                return true;
            case Kind.List when reader.CurrentDepth == _outer + 1 && reader.TokenType == JsonTokenType.EndArray:
                _property = null;
                return true;
            case Kind.List:
                return reader.CurrentDepth == _outer + 2 ? TryHandOn(ref reader, bytes) : throw new MalformedAnswerException($"{_property} must be a list");
            case Kind.Value:
                if (!TryHandOn(ref reader, bytes))
                {
                    return false;
                }

                _property = null;
                return true;
            default:
                // Whatever else servers answer is passed over token by token, however long it is.
                if (reader.CurrentDepth == _outer + 1 && reader.TokenType is not (JsonTokenType.StartArray or JsonTokenType.StartObject))
                {
                    _property = null;
                }

                return true;
        }
    }

    private bool TryHandOn(ref Utf8JsonReader reader, ReadOnlySequence<byte> bytes)
    {
        var start = reader.TokenStartIndex;
        if (!reader.TrySkip())
        {
            return false;
        }

        take(_property!, bytes.Slice(start, reader.BytesConsumed - start).ToArray());
        return true;
    }

    private void Begin(in Utf8JsonReader reader)
    {
        foreach (var name in lists)
        {
            if (reader.ValueTextEquals(name))
            {
                (_property, _kind) = (name, Kind.List);
                return;
            }
        }

        foreach (var name in values)
        {
            if (reader.ValueTextEquals(name))
            {
                (_property, _kind) = (name, Kind.Value);
                return;
            }
        }

        (_property, _kind) = ("", Kind.Passed);
    }
}
