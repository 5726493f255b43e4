namespace EdgeMatrix.Storage.Memory;

/// <summary>What objects take on the managed heap of a 64-bit process.</summary>
public static class ManagedSize
{
    /// <summary>Header, type and length, rounded up.</summary>
    public const int Array = 24;

    public static long Of(string? text) => text is null ? 0 : Array + (2L * text.Length);

    public static long Of(byte[]? bytes) => bytes is null ? 0 : Array + bytes.Length;
}
