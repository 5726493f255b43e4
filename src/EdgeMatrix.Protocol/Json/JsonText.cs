using System.Buffers;
using System.Text;

namespace EdgeMatrix.Protocol.Json;

/// <summary>The insides of JSON strings, as bytes: escapes read, undone, and written in their shortest form.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#grammar</remarks>
internal static class JsonText
{
    private const int Malformed = -1;

    /// <summary>Whether any <c>\u</c> escape of the text is half of a surrogate pair. Text that is no JSON may answer either.</summary>
    public static bool HasLoneSurrogate(ReadOnlySpan<byte> json)
    {
        // Outside of strings JSON has no backslash, so the escapes can be found without reading it.
        int next;
        while ((next = json.IndexOf((byte)'\\')) >= 0)
        {
            json = json[next..];
            if (json.Length > 1 && json[1] != (byte)'u')
            {
                json = json[2..];
                continue;
            }

            if (ReadEscape(json, out var length) == Malformed)
            {
                return length != 0;
            }

            json = json[length..];
        }

        return false;
    }

    /// <summary>The bytes that an escaped string stands for; null if it holds half of a surrogate pair.</summary>
    public static byte[]? Unescape(ReadOnlySpan<byte> raw)
    {
        // An escape is never shorter than what it stands for.
        var bytes = new byte[raw.Length];
        var written = 0;
        while (!raw.IsEmpty)
        {
            var run = raw.IndexOf((byte)'\\') is var found and >= 0 ? found : raw.Length;
            raw[..run].CopyTo(bytes.AsSpan(written));
            written += run;
            raw = raw[run..];
            if (raw.IsEmpty)
            {
                break;
            }

            var scalar = ReadEscape(raw, out var length);
            if (scalar == Malformed)
            {
                return null;
            }

            written += new Rune(scalar).EncodeToUtf8(bytes.AsSpan(written));
            raw = raw[length..];
        }

        return bytes.AsSpan(0, written).ToArray();
    }

    /// <summary>What a JSON value says if it is a string; null if it is none, or is missing.</summary>
    public static string? StringOrNull(ReadOnlySpan<byte> value)
    {
        if (value is not [(byte)'"', .. var raw, (byte)'"'])
        {
            return null;
        }

        return raw.Contains((byte)'\\')
            ? Unescape(raw) is { } unescaped ? Encoding.UTF8.GetString(unescaped) : null
            : Encoding.UTF8.GetString(raw);
    }

    /// <summary>Writes bytes between quotation marks, escaping only what JSON demands.</summary>
    public static void WriteString(ReadOnlySpan<byte> unescaped, IBufferWriter<byte> output)
    {
        output.Write("\""u8);
        while (!unescaped.IsEmpty)
        {
            var run = IndexOfEscaped(unescaped);
            output.Write(unescaped[..run]);
            unescaped = unescaped[run..];
            if (unescaped.IsEmpty)
            {
                break;
            }

            WriteEscape(unescaped[0], output);
            unescaped = unescaped[1..];
        }

        output.Write("\""u8);
    }

    private static int IndexOfEscaped(ReadOnlySpan<byte> bytes)
    {
        for (var index = 0; index < bytes.Length; index++)
        {
            if (bytes[index] is < 0x20 or (byte)'"' or (byte)'\\')
            {
                return index;
            }
        }

        return bytes.Length;
    }

    private static void WriteEscape(byte value, IBufferWriter<byte> output)
    {
        switch (value)
        {
            case (byte)'"': output.Write("\\\""u8); break;
            case (byte)'\\': output.Write("\\\\"u8); break;
            case (byte)'\b': output.Write("\\b"u8); break;
            case (byte)'\t': output.Write("\\t"u8); break;
            case (byte)'\n': output.Write("\\n"u8); break;
            case (byte)'\f': output.Write("\\f"u8); break;
            case (byte)'\r': output.Write("\\r"u8); break;
            default:
                // u000X or u001X: "All ASCII control characters which do not have dedicated escape sequences"
                output.Write(value < 0x10 ? "\\u000"u8 : "\\u001"u8);
                output.Write("0123456789abcdef"u8.Slice(value & 0xF, 1));
                break;
        }
    }

    // The escape at the start of the text: its scalar value and its length. A surrogate without its other half is Malformed with a
    // length; an escape that is none, which a JSON reader refuses anyway, is Malformed without one.
    private static int ReadEscape(ReadOnlySpan<byte> text, out int length)
    {
        length = 0;
        if (text.Length < 2)
        {
            return Malformed;
        }

        if (text[1] != (byte)'u')
        {
            length = 2;
            return text[1] switch
            {
                (byte)'b' => '\b',
                (byte)'t' => '\t',
                (byte)'n' => '\n',
                (byte)'f' => '\f',
                (byte)'r' => '\r',
                var itself => itself,
            };
        }

        var unit = ReadHex(text);
        if (unit == Malformed)
        {
            return Malformed;
        }

        length = 6;
        if (!char.IsSurrogate((char)unit))
        {
            return unit;
        }

        var low = text.Length >= 12 && text[6] == (byte)'\\' && text[7] == (byte)'u' ? ReadHex(text[6..]) : Malformed;
        if (low == Malformed || !char.IsSurrogatePair((char)unit, (char)low))
        {
            return Malformed;
        }

        length = 12;
        return char.ConvertToUtf32((char)unit, (char)low);
    }

    private static int ReadHex(ReadOnlySpan<byte> escape)
    {
        return escape.Length >= 6
            && System.Buffers.Text.Utf8Parser.TryParse(escape.Slice(2, 4), out ushort value, out var read, 'x')
            && read == 4
                ? value
                : Malformed;
    }
}
