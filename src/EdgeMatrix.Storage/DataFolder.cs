using System.Runtime.InteropServices;

namespace EdgeMatrix.Storage;

/// <summary>Makes the folder that a database lives in, so that it outlives a power cut like what is written in it.</summary>
public static partial class DataFolder
{
    private const int ReadOnly = 0;

    /// <exception cref="DatabaseException">It cannot be made.</exception>
    public static void Create(string path)
    {
        try
        {
            var missing = new Stack<string>();
            for (var folder = Path.GetFullPath(path); folder is not null && !Directory.Exists(folder); folder = Path.GetDirectoryName(folder))
            {
                missing.Push(folder);
            }

            Directory.CreateDirectory(path);
            while (missing.TryPop(out var made))
            {
                Flush(Path.GetDirectoryName(made));
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DatabaseException(
                $"The data folder {path} cannot be made: {exception.Message.TrimEnd('.')}. Give --data a folder that this user may make or write to.", exception);
        }
    }

    /// <summary>Brings the names in a folder to the disk, where the system has a call for it.</summary>
    public static void Flush(string? folder)
    {
        if (folder is null || OperatingSystem.IsWindows())
        {
            return;
        }

        var descriptor = Open(folder, ReadOnly);
        if (descriptor >= 0)
        {
            // Some file systems refuse it for folders; those have no more to give.
            _ = Sync(descriptor);
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
