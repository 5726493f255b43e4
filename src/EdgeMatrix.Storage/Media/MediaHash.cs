using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace EdgeMatrix.Storage.Media;

/// <summary>The SHA-256 of a file, as 64 small hex digits.</summary>
public readonly record struct MediaHash
{
    private const int Bytes = 32;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    private MediaHash(string hex) => Hex = hex;

    public string Hex { get; }

    /// <param name="sha256">32 bytes.</param>
    public static MediaHash From(ReadOnlySpan<byte> sha256)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(sha256.Length, Bytes);
        return new MediaHash(Convert.ToHexStringLower(sha256));
    }

    public static bool TryParse(ReadOnlySpan<char> hex, [NotNullWhen(true)] out MediaHash? hash)
    {
        hash = hex.Length == 2 * Bytes && !hex.ContainsAnyExcept(HexDigits) ? new MediaHash(hex.ToString()) : null;
        return hash is not null;
    }

    public byte[] ToBytes() => Convert.FromHexString(Hex);
}
