using EdgeMatrix.Storage;

namespace EdgeMatrix.Testing;

/// <summary>Data folders for servers that need not outlive the machine: in memory where it has a place for files with room enough, so that no test waits for its disk.</summary>
public static class TestFolder
{
    private const string InMemory = "/dev/shm";
    private const long RoomEnough = 1L << 30;

    // What every first start makes of an empty file, made once; the name and the keys of a server are not in it.
    private static readonly Lazy<byte[]> _schema = new(MakeSchema);

    /// <summary>An empty folder; who asks for it deletes it.</summary>
    public static string Create() => Directory.CreateDirectory(Path.Combine(Parent(), "edgematrix-test-" + Guid.NewGuid().ToString("N"))).FullName;

    /// <summary>A folder with the database of a server that is yet to be started for the first time.</summary>
    public static string WithDatabase()
    {
        var folder = Create();
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var file = new FileStream(Path.Combine(folder, "edgematrix.db"), options);
        file.Write(_schema.Value);
        return folder;
    }

    private static string Parent() =>
        Directory.Exists(InMemory) && new DriveInfo(InMemory).AvailableFreeSpace > RoomEnough ? InMemory : Path.GetTempPath();

    private static byte[] MakeSchema()
    {
        var folder = Create();
        try
        {
            var path = Path.Combine(folder, "edgematrix.db");
            Database.Open(new DatabaseOptions(path)).DisposeAsync().AsTask().GetAwaiter().GetResult();
            return File.ReadAllBytes(path);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
