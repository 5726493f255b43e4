using System.Runtime.InteropServices;

namespace EdgeMatrix.Protocol;

/// <summary>The operating system's randomness, by way of libsodium.</summary>
/// <remarks>
/// NSec offers no random bytes of its own since version 25, and the base class library takes them from OpenSSL, whose loading costs
/// 4 MB of resident memory; so this is the one native function that the protocol calls by itself.
/// </remarks>
public sealed partial class SodiumRandom : RandomSource
{
    /// <exception cref="InvalidOperationException">libsodium did not start: the system gives no randomness.</exception>
    public SodiumRandom()
    {
        // sodium_init is idempotent and thread safe: 0 when it started, 1 when it had been started before.
        if (Native.SodiumInit() < 0)
        {
            throw new InvalidOperationException("libsodium could not be initialised");
        }
    }

    public override void Fill(Span<byte> bytes)
    {
        if (!bytes.IsEmpty)
        {
            Native.RandomBytes(ref MemoryMarshal.GetReference(bytes), (nuint)bytes.Length);
        }
    }

    private static partial class Native
    {
        [LibraryImport("libsodium", EntryPoint = "sodium_init")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
        internal static partial int SodiumInit();

        [LibraryImport("libsodium", EntryPoint = "randombytes_buf")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
        internal static partial void RandomBytes(ref byte buffer, nuint size);
    }
}
