using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace EdgeMatrix.Protocol;

/// <summary>Base64 without the <c>=</c> at its end: how keys, hashes and signatures stand in JSON.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#unpadded-base64</remarks>
public static class UnpaddedBase64
{
    private const byte NotBase64 = 0xFF;

    private static readonly byte[] Sextets = MakeSextets();

    public static string Encode(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    /// <summary>Decodes either alphabet, standard or URL-safe, with or without padding.</summary>
    public static bool TryDecode(string? text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (text is null)
        {
            return false;
        }

        var utf8 = Encoding.UTF8.GetBytes(text);
        var buffer = new byte[(int)(utf8.Length * 3L / 4)];
        if (!TryDecode(utf8, buffer, out var written))
        {
            return false;
        }

        bytes = buffer.AsSpan(0, written).ToArray();
        return true;
    }

    /// <summary>Decodes what a JSON string of exactly that many bytes holds; its quotation marks are there, an escape is no Base64.</summary>
    internal static bool TryDecodeString(ReadOnlySpan<byte> jsonString, Span<byte> bytes) =>
        jsonString.Length >= 2
        && jsonString[0] == (byte)'"'
        && TryDecode(jsonString[1..^1], bytes, out var written)
        && written == bytes.Length;

    // By hand, for the platform's decoder refuses text whose last bits stand for nothing and are not zero. The specification's own
    // signing key is such a text.
    private static bool TryDecode(ReadOnlySpan<byte> text, Span<byte> bytes, out int written)
    {
        written = 0;
        text = text.TrimEnd((byte)'=');
        if (text.Length % 4 == 1 || text.Length * 3L / 4 > bytes.Length)
        {
            return false;
        }

        uint pending = 0;
        var bits = 0;
        foreach (var character in text)
        {
            var sextet = Sextets[character];
            if (sextet == NotBase64)
            {
                return false;
            }

            pending = (pending << 6) | sextet;
            bits += 6;
            if (bits >= 8)
            {
                bits -= 8;
                bytes[written++] = (byte)(pending >> bits);
            }
        }

        return true;
    }

    private static byte[] MakeSextets()
    {
        var sextets = new byte[256];
        Array.Fill(sextets, NotBase64);
        var alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"u8;
        for (var value = 0; value < alphabet.Length; value++)
        {
            sextets[alphabet[value]] = (byte)value;
        }

        sextets['-'] = sextets['+'];
        sextets['_'] = sextets['/'];
        return sextets;
    }
}
