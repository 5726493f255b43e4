namespace EdgeMatrix.Storage;

/// <summary>Holds a database for this process, by a locked file beside it.</summary>
/// <remarks>The kernel lets go of the lock when the process ends, however it ends; the file stays, for removing it would be a race.</remarks>
internal static class DatabaseLock
{
    /// <exception cref="DatabaseException">Another process, or another <see cref="Database"/> of this one, has the lock.</exception>
    public static FileStream Acquire(string databasePath)
    {
        var path = databasePath + ".lock";
        try
        {
            return new FileStream(path, OwnerOnly(FileMode.OpenOrCreate));
        }
        catch (IOException exception) when (exception is not (DirectoryNotFoundException or FileNotFoundException or PathTooLongException))
        {
            throw new DatabaseException(
                $"{databasePath} is in use: another EdgeMatrix runs on it. Stop that one first, or choose another data folder.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DatabaseException(
                $"{path} cannot be made: {exception.Message} The data folder must exist and be writable by this user.", exception);
        }
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
}
