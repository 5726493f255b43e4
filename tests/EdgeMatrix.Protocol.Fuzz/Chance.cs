using System.Buffers.Binary;

namespace EdgeMatrix.Protocol.Fuzz;

/// <summary>Choices that are the same for the same seed.</summary>
internal sealed class Chance(ulong seed)
{
    private readonly SeededRandom _random = new(seed);

    /// <summary>From 0 to below the bound.</summary>
    public int Next(int bound)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        _random.Fill(bytes);
        return (int)(BinaryPrimitives.ReadUInt32LittleEndian(bytes) * (ulong)bound >> 32);
    }

    /// <summary>True once in that many times.</summary>
    public bool OneIn(int times) => Next(times) == 0;

    public T Pick<T>(IReadOnlyList<T> choices) => choices[Next(choices.Count)];
}
