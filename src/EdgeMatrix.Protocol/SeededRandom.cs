using System.Buffers.Binary;

namespace EdgeMatrix.Protocol;

/// <summary>The same bytes for the same seed, for tests and simulations: never for a key or a token that anything rests on.</summary>
/// <remarks>SplitMix64 (Steele, Lea and Flood, 2014): every 64-bit seed gives its own full-length sequence.</remarks>
public sealed class SeededRandom(ulong seed) : RandomSource
{
    private readonly Lock _lock = new();
    private ulong _state = seed;

    public override void Fill(Span<byte> bytes)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        lock (_lock)
        {
            while (!bytes.IsEmpty)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(word, Next());
                var taken = Math.Min(bytes.Length, word.Length);
                word[..taken].CopyTo(bytes);
                bytes = bytes[taken..];
            }
        }
    }

    private ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var mixed = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}
