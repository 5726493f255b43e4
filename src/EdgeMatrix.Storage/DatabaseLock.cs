using System.Globalization;

namespace EdgeMatrix.Storage;

/// <summary>Holds a database for this process: a locked file beside it, which names the process in its text.</summary>
/// <remarks>The kernel lets go of the lock when the process ends, however it ends; the file stays, for removing it would be a race.</remarks>
internal static class DatabaseLock
{
    /// <exception cref="DatabaseException">Another process, or another <see cref="Database"/> of this one, has the lock.</exception>
    public static FileStream Acquire(string databasePath)
    {
        var path = databasePath + ".lock";
        FileStream file;
        try
        {
            file = new FileStream(path, OwnerOnly(FileMode.OpenOrCreate));
        }
        catch (IOException exception) when (exception is not (DirectoryNotFoundException or FileNotFoundException or PathTooLongException))
        {
            throw new DatabaseException(
                $"{databasePath} is in use by {Holder(path)}. Stop it first, or choose another data folder with --data.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DatabaseException(
                $"{path} cannot be made: {exception.Message} The data folder must exist and be writable by this user.", exception);
        }

        file.SetLength(0);
        file.Write(System.Text.Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
        file.Flush();
        return file;
    }

    /// <summary>How to open a file that only its owner may read, alone.</summary>
    public static FileStreamOptions OwnerOnly(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }

    private static string Holder(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(file);
            return int.TryParse(reader.ReadToEnd(), CultureInfo.InvariantCulture, out var id) ? $"process {id}" : "another process";
        }
        catch (IOException)
        {
            return "another process";
        }
    }
}
