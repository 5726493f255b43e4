using System.Buffers;
using System.Text.Unicode;

namespace EdgeMatrix.Protocol.Json;

/// <summary>
/// Tells bytes that are canonical JSON already, in one pass that allocates nothing. That is what other servers send, so that most
/// events need no sorting, no unescaping and no second copy.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#grammar</remarks>
internal ref struct CanonicalScanner
{
    // Enough for 2^53 - 1, and too few to overflow.
    private const int MaxDigits = 16;

    // "All UTF-8 codepoints except ASCII control characters, " and \"
    private static readonly SearchValues<byte> EndsRun = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(static value => (byte)value), (byte)'"', (byte)'\\']);

    private readonly ReadOnlySpan<byte> _json;
    private int _next;

    private CanonicalScanner(ReadOnlySpan<byte> json)
    {
        _json = json;
    }

    /// <summary>
    /// True only for bytes that <see cref="CanonicalWriter"/> would write again as they are. False says little: an object with an
    /// escaped key is left to the writer, for such keys have to be unescaped to be compared.
    /// </summary>
    public static bool IsCanonical(ReadOnlySpan<byte> utf8, int maxDepth)
    {
        if (!Utf8.IsValid(utf8))
        {
            return false;
        }

        var scanner = new CanonicalScanner(utf8);
        return scanner.Value(maxDepth) && scanner._next == utf8.Length;
    }

    private bool Value(int depthLeft)
    {
        if (_next >= _json.Length)
        {
            return false;
        }

        return _json[_next] switch
        {
            (byte)'{' => depthLeft > 0 && Object(depthLeft - 1),
            (byte)'[' => depthLeft > 0 && Array(depthLeft - 1),
            (byte)'"' => String(),
            (byte)'t' => Literal("true"u8),
            (byte)'f' => Literal("false"u8),
            (byte)'n' => Literal("null"u8),
            _ => Number(),
        };
    }

    private bool Object(int depthLeft)
    {
        _next++;
        if (Take((byte)'}'))
        {
            return true;
        }

        ReadOnlySpan<byte> previous = default;
        var first = true;
        do
        {
            var start = _next;
            if (!String())
            {
                return false;
            }

            // Ascending, and so each once.
            var name = _json[(start + 1)..(_next - 1)];
            if (name.Contains((byte)'\\') || (!first && previous.SequenceCompareTo(name) >= 0) || !Take((byte)':') || !Value(depthLeft))
            {
                return false;
            }

            previous = name;
            first = false;
        }
        while (Take((byte)','));

        return Take((byte)'}');
    }

    private bool Array(int depthLeft)
    {
        _next++;
        if (Take((byte)']'))
        {
            return true;
        }

        do
        {
            if (!Value(depthLeft))
            {
                return false;
            }
        }
        while (Take((byte)','));

        return Take((byte)']');
    }

    private bool String()
    {
        if (!Take((byte)'"'))
        {
            return false;
        }

        while (true)
        {
            var run = _json[_next..].IndexOfAny(EndsRun);
            if (run < 0)
            {
                return false;
            }

            _next += run;
            if (Take((byte)'"'))
            {
                return true;
            }

            if (!Escape())
            {
                return false;
            }
        }
    }

    private bool Escape()
    {
        var rest = _json[_next..];
        if (rest.Length < 2 || rest[0] != (byte)'\\')
        {
            return false;
        }

        if (rest[1] is (byte)'b' or (byte)'t' or (byte)'n' or (byte)'f' or (byte)'r' or (byte)'"' or (byte)'\\')
        {
            _next += 2;
            return true;
        }

        // u000X, where X is [0-7, b, e, f]; u001X, where X is [0-9, a-f]
        _next += 6;
        return rest.Length >= 6
            && rest[1..].StartsWith("u00"u8)
            && rest[4] switch
            {
                (byte)'0' => rest[5] is (>= (byte)'0' and <= (byte)'7') or (byte)'b' or (byte)'e' or (byte)'f',
                (byte)'1' => rest[5] is (>= (byte)'0' and <= (byte)'9') or (>= (byte)'a' and <= (byte)'f'),
                _ => false,
            };
    }

    // A fraction or an exponent stops here, and no comma or bracket follows.
    private bool Number()
    {
        var negative = Take((byte)'-');
        var start = _next;
        var value = 0L;
        while (_next < _json.Length && _json[_next] is >= (byte)'0' and <= (byte)'9' && _next - start <= MaxDigits)
        {
            value = (value * 10) + (_json[_next] - '0');
            _next++;
        }

        return (_next - start) switch
        {
            0 or > MaxDigits => false,
            1 => value != 0 || !negative,
            _ => _json[start] != (byte)'0' && value <= CanonicalJson.MaxInteger,
        };
    }

    private bool Literal(ReadOnlySpan<byte> literal)
    {
        if (!_json[_next..].StartsWith(literal))
        {
            return false;
        }

        _next += literal.Length;
        return true;
    }

    private bool Take(byte expected)
    {
        if (_next >= _json.Length || _json[_next] != expected)
        {
            return false;
        }

        _next++;
        return true;
    }
}
