using System.Buffers;
using System.Text;

namespace EdgeMatrix.Protocol.Json;

/// <summary>The members of an object, read where they stand in bytes that are canonical JSON already.</summary>
/// <exception cref="FormatException">From any member: the bytes are not.</exception>
internal ref struct CanonicalMembers
{
    private static readonly SearchValues<byte> Structure = SearchValues.Create("\"{}[]"u8);
    private static readonly SearchValues<byte> AfterScalar = SearchValues.Create(",}]"u8);

    private readonly ReadOnlySpan<byte> _json;
    private int _next;

    public CanonicalMembers(ReadOnlySpan<byte> canonicalObject)
    {
        if (canonicalObject.Length < 2 || canonicalObject[0] != (byte)'{' || canonicalObject[^1] != (byte)'}')
        {
            throw Broken();
        }

        _json = canonicalObject[..^1];
    }

    /// <summary>The key as it is written, without its quotation marks.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Where the value stands in the bytes of the object.</summary>
    public Range Place { get; private set; }

    /// <summary>Key, colon and value.</summary>
    public ReadOnlySpan<byte> Whole { get; private set; }

    /// <summary>The key, its escapes undone.</summary>
    public readonly string UnescapedName =>
        Encoding.UTF8.GetString(Name.Contains((byte)'\\') ? JsonText.Unescape(Name) ?? throw Broken() : Name);

    /// <summary>The value of that key, which needs no escape; empty if there is none.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> canonicalObject, ReadOnlySpan<byte> name)
    {
        var members = new CanonicalMembers(canonicalObject);
        while (members.MoveNext())
        {
            if (members.Name.SequenceEqual(name))
            {
                return members.Value;
            }
        }

        return default;
    }

    /// <summary>Copies what the filter leaves of an object; returns how many bytes that are, never more than the object has.</summary>
    public static int Copy(ReadOnlySpan<byte> canonicalObject, KeyFilter filter, Span<byte> output)
    {
        var members = new CanonicalMembers(canonicalObject);
        var written = 0;
        output[written++] = (byte)'{';
        while (members.MoveNext())
        {
            if (!filter.Keeps(members.Name, out var inner) || (inner != KeyFilter.Everything && members.Value[0] != (byte)'{'))
            {
                continue;
            }

            if (written > 1)
            {
                output[written++] = (byte)',';
            }

            if (inner == KeyFilter.Everything)
            {
                members.Whole.CopyTo(output[written..]);
                written += members.Whole.Length;
            }
            else
            {
                var key = members.Whole[..^members.Value.Length];
                key.CopyTo(output[written..]);
                written += key.Length;
                written += Copy(members.Value, inner, output[written..]);
            }
        }

        output[written++] = (byte)'}';
        return written;
    }

    /// <summary>What the filter leaves of an object, in an array of its own.</summary>
    public static byte[] CopyOf(ReadOnlySpan<byte> canonicalObject, KeyFilter filter)
    {
        var rented = ArrayPool<byte>.Shared.Rent(canonicalObject.Length);
        try
        {
            return rented[..Copy(canonicalObject, filter, rented)];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Whether the key is this one, its escapes undone.</summary>
    public readonly bool IsNamed(string name) => Ascii.Equals(Name, name) || UnescapedName == name;

    public bool MoveNext()
    {
        // Either the brace or the comma before a key.
        var start = _next + 1;
        if (start >= _json.Length)
        {
            return false;
        }

        var colon = AfterString(start);
        var valueStart = colon + 1;
        if (valueStart >= _json.Length)
        {
            throw Broken();
        }

        _next = AfterValue(valueStart);
        Name = _json[(start + 1)..(colon - 1)];
        Place = valueStart.._next;
        Value = _json[Place];
        Whole = _json[start.._next];
        return true;
    }

    private static FormatException Broken() => new("the stored JSON is not canonical");

    private readonly int AfterValue(int start)
    {
        switch (_json[start])
        {
            case (byte)'"':
                return AfterString(start);
            case (byte)'{' or (byte)'[':
                return AfterNested(start);
            default:
                var length = _json[start..].IndexOfAny(AfterScalar);
                return length < 0 ? _json.Length : length > 0 ? start + length : throw Broken();
        }
    }

    private readonly int AfterNested(int start)
    {
        var depth = 0;
        var next = start;
        do
        {
            var step = _json[next..].IndexOfAny(Structure);
            if (step < 0)
            {
                throw Broken();
            }

            next += step;
            switch (_json[next])
            {
                case (byte)'"':
                    next = AfterString(next);
                    break;
                case (byte)'{' or (byte)'[':
                    depth++;
                    next++;
                    break;
                default:
                    depth--;
                    next++;
                    break;
            }
        }
        while (depth > 0);

        return next;
    }

    private readonly int AfterString(int start)
    {
        var next = start + 1;
        if (_json[start] != (byte)'"')
        {
            throw Broken();
        }

        while (true)
        {
            var step = next > _json.Length ? -1 : _json[next..].IndexOfAny((byte)'"', (byte)'\\');
            if (step < 0)
            {
                throw Broken();
            }

            next += step;
            if (_json[next] == (byte)'"')
            {
                return next + 1;
            }

            next += 2;
        }
    }
}
