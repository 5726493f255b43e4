using System.Diagnostics.CodeAnalysis;

namespace EdgeMatrix.Protocol;

/// <summary>Base64 without the <c>=</c> at its end: how keys, hashes and signatures stand in JSON.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#unpadded-base64</remarks>
public static class UnpaddedBase64
{
    public static string Encode(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    /// <summary>Decodes either alphabet, standard or URL-safe, with or without padding.</summary>
    public static bool TryDecode(string? text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (text is null)
        {
            return false;
        }

        var standard = text.TrimEnd('=').Replace('-', '+').Replace('_', '/');
        var padded = standard.PadRight((standard.Length + 3) / 4 * 4, '=');
        var buffer = new byte[padded.Length / 4 * 3];
        if (!Convert.TryFromBase64String(padded, buffer, out var written))
        {
            return false;
        }

        bytes = buffer.AsSpan(0, written).ToArray();
        return true;
    }
}
