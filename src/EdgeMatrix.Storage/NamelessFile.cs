namespace EdgeMatrix.Storage;

/// <summary>Files for what is too large for the memory, and of no use after the run.</summary>
public static class NamelessFile
{
    /// <summary>Makes a file that only this user may read. It loses its name at once, so that it goes when it is closed, whatever happens.</summary>
    /// <param name="path">A name for the moment; a file that is there, as one that an earlier run left when it was killed, is written over.</param>
    public static FileStream Create(string path, int bufferSize)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.ReadWrite,
            Share = FileShare.Read | FileShare.Delete,
            BufferSize = bufferSize,
        };
        if (OperatingSystem.IsWindows())
        {
            options.Options = FileOptions.DeleteOnClose;
        }
        else
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        var file = new FileStream(path, options);
        if (!OperatingSystem.IsWindows())
        {
            File.Delete(path);
        }

        return file;
    }
}
