using System.Text.Json;
using EdgeMatrix.Storage;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>
/// The state of a room as another server tells it, in a file: a large room has a hundred megabytes of it, and it comes in an order in which it cannot be
/// checked. In memory is where each event is.
/// </summary>
internal sealed class StateSpool : IDisposable
{
    /// <summary>A room of 85,000 members takes about a tenth of it.</summary>
    public const long MaxBytes = 1L << 30;

    private const int MaxEvents = 1_000_000;
    private const int BufferBytes = 64 * 1024;

    private readonly FileStream _file;
    private readonly List<Place> _places = [];

    private StateSpool(FileStream file) => _file = file;

    /// <summary>How many events it has, of the state and of what allows those.</summary>
    public int Count => _places.Count;

    /// <param name="path">A name for the file, for the moment.</param>
    /// <exception cref="MalformedAnswerException">It is no such answer, or has more or larger events than any room should.</exception>
    /// <exception cref="Outbound.OutboundException">It is too long, late, or cut off.</exception>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1stateroomid</remarks>
    public static async Task<StateSpool> ReadAsync(Stream body, string path, CancellationToken cancellation)
    {
        var spool = new StateSpool(NamelessFile.Create(path, BufferBytes));
        try
        {
            await new StreamedAnswer(["pdus", "auth_chain"], [], spool.Add).ReadAsync(body, cancellation);

            // The events that allow one have a smaller depth, if their servers are honest.
            spool._places.Sort(static (one, other) => one.Depth.CompareTo(other.Depth));
            return spool;
        }
        catch
        {
            spool.Dispose();
            throw;
        }
    }

    /// <summary>Events, of low depth first.</summary>
    /// <returns>The JSON of each, and whether it is of the state.</returns>
    public List<(byte[] Json, bool IsState)> Read(int first, int count)
    {
        var events = new List<(byte[], bool)>(count);
        foreach (var place in _places.Skip(first).Take(count))
        {
            var json = new byte[place.Length];
            _file.Position = place.Offset;
            _file.ReadExactly(json);
            events.Add((json, place.IsState));
        }

        return events;
    }

    public void Dispose() => _file.Dispose();

    private void Add(string list, byte[] json)
    {
        if (json[0] != (byte)'{')
        {
            throw new MalformedAnswerException("pdus and auth_chain must be lists of events");
        }

        if (_places.Count == MaxEvents)
        {
            throw new MalformedAnswerException($"the room has more than {MaxEvents} events of state");
        }

        _places.Add(new Place(Depth(json), _file.Position, json.Length, list == "pdus"));
        _file.Write(json);
    }

    private static long Depth(byte[] json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 80 });
        while (reader.Read())
        {
            if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isDepth = reader.ValueTextEquals("depth"u8);
                reader.Read();
                if (isDepth)
                {
                    return reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var depth) ? depth : 0;
                }

                reader.Skip();
            }
        }

        return 0;
    }

    private readonly record struct Place(long Depth, long Offset, int Length, bool IsState);
}
