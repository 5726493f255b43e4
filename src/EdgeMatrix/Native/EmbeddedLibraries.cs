using System.Reflection;
using System.Runtime.InteropServices;

namespace EdgeMatrix.Native;

/// <summary>Loads SQLite and libsodium from inside the executable, where it was published with them in it.</summary>
/// <remarks>
/// The published file is alone: each library is copied to a file in memory (memfd) and loaded from there, so nothing is
/// written to a disk that may be read-only. Built without them (<c>dotnet run</c>), the runtime finds them as usual.
/// </remarks>
internal static partial class EmbeddedLibraries
{
    private static readonly string[] Names = ["libe_sqlite3.so", "libsodium.so"];

    /// <summary>Call before anything touches SQLite or libsodium.</summary>
    public static void Register()
    {
        var here = typeof(EmbeddedLibraries).Assembly;
        if (!here.GetManifestResourceNames().Contains(Names[0]))
        {
            return;
        }

        var handles = new Dictionary<string, Lazy<nint>>();
        foreach (var name in Names)
        {
            handles[name] = new Lazy<nint>(() => Load(here, name));
        }

        Assembly[] callers =
        [
            typeof(SQLitePCL.SQLite3Provider_e_sqlite3).Assembly,
            typeof(NSec.Cryptography.Algorithm).Assembly,
            typeof(Protocol.SodiumRandom).Assembly,
        ];
        foreach (var caller in callers)
        {
            NativeLibrary.SetDllImportResolver(caller, (wanted, _, _) =>
                handles.TryGetValue(FileNameOf(wanted), out var handle) ? handle.Value : 0);
        }
    }

    private static string FileNameOf(string wanted) =>
        (wanted.StartsWith("lib", StringComparison.Ordinal) ? wanted : "lib" + wanted)
        + (wanted.EndsWith(".so", StringComparison.Ordinal) ? "" : ".so");

    private static nint Load(Assembly here, string name)
    {
        var file = memfd_create(name, 0);
        if (file < 0)
        {
            throw new DllNotFoundException($"{name} cannot be unpacked into memory: error {Marshal.GetLastPInvokeError()} of memfd_create");
        }

        var path = $"/proc/self/fd/{file}";
        using (var library = here.GetManifestResourceStream(name)!)
        using (var copy = new FileStream(path, FileMode.Open, FileAccess.Write))
        {
            library.CopyTo(copy);
        }

        // The mapping keeps the file alive; its descriptor stays open, as closing it would let another file take its name.
        return NativeLibrary.Load(path);
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int memfd_create(string name, uint flags);
}
