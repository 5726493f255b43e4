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
        catch (IOException exception) when (IsHeld(exception))
        {
            throw new DatabaseException(
                $"{databasePath} is in use: another EdgeMatrix runs on it. Stop that one first, or choose another data folder.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DatabaseException(
                $"{path} cannot be made: {exception.Message.TrimEnd('.')}. The data folder must exist, with space on its disk, and be writable by this user.",
                exception);
        }
    }

    // ERROR_SHARING_VIOLATION, or what flock says of a lock that another holds: EAGAIN of Linux, EWOULDBLOCK of others.
    private static bool IsHeld(IOException exception) => exception.HResult is unchecked((int)0x80070020) or 11 or 35;

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
