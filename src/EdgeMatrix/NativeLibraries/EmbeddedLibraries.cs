using System.ComponentModel;
using System.IO.Compression;
using System.Reflection;
using System.Runtime.InteropServices;
using EdgeMatrix.Protocol;
using EdgeMatrix.Storage;
using Microsoft.Win32.SafeHandles;
using NSec.Cryptography;
using SQLitePCL;

namespace EdgeMatrix.NativeLibraries;

/// <summary>SQLite and libsodium, carried inside the published executable and loaded from memory, so that one file is all there is.</summary>
/// <remarks>A build that does not carry them (<c>dotnet run</c>) leaves the search to the runtime, which finds the packages' files.</remarks>
internal static partial class EmbeddedLibraries
{
    // Of memfd_create(2): MFD_CLOEXEC, and MFD_NOEXEC_SEAL, which says that no one will run the file as a program. Hardened
    // kernels insist on it (vm.memfd_noexec=2), newer ones ask for it, those before 6.3 do not know it.
    private const uint CloseOnExec = 1;
    private const uint NoExecSeal = 8;

    /// <summary>Call once in a process, before anything touches the database or a key.</summary>
    public static void Register()
    {
        // Two assemblies call each of them. It must be one library to both, as each has a state of its own.
        var sqlite = new Lazy<nint>(() => Load("libe_sqlite3.so"));
        var sodium = new Lazy<nint>(() => Load("libsodium.so"));
        nint Resolve(string name, Assembly caller, DllImportSearchPath? path) => name switch
        {
            "e_sqlite3" => sqlite.Value,
            "libsodium" => sodium.Value,
            _ => 0,
        };

        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        NativeLibrary.SetDllImportResolver(typeof(Database).Assembly, Resolve);
        NativeLibrary.SetDllImportResolver(typeof(Key).Assembly, Resolve);
        NativeLibrary.SetDllImportResolver(typeof(SodiumRandom).Assembly, Resolve);
    }

    /// <summary>A handle, or 0 where this executable does not carry the library.</summary>
    private static nint Load(string name)
    {
        using var carried = typeof(EmbeddedLibraries).Assembly.GetManifestResourceStream($"native/{name}.br");
        if (carried is null)
        {
            return 0;
        }

        using var file = OpenMemoryFile(name);
        using var library = new BrotliStream(carried, CompressionMode.Decompress);
        using var written = new FileStream(file, FileAccess.Write, bufferSize: 0);
        library.CopyTo(written);
        return NativeLibrary.Load($"/proc/self/fd/{file.DangerousGetHandle()}");
    }

    private static SafeFileHandle OpenMemoryFile(string name)
    {
        var descriptor = CreateMemoryFile(name, CloseOnExec | NoExecSeal);
        descriptor = descriptor >= 0 ? descriptor : CreateMemoryFile(name, CloseOnExec);
        return descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw new Win32Exception(Marshal.GetLastPInvokeError(), $"no memory file for {name}");
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int CreateMemoryFile(string name, uint flags);
}
