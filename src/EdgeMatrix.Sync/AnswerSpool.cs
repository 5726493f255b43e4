using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Sync;

/// <summary>Where answers stand from when they are written until they are sent: in memory as far as there is room, the rest in files.</summary>
/// <remarks>
/// The list of the members of a large room has tens of megabytes. It is written at once, for no reader of the database may wait for a slow
/// client, and read back from the file as the client takes it. The file has no name by then: it goes with the answer, whatever happens.
/// </remarks>
public sealed class AnswerSpool
{
    private readonly string _folder;
    private long _files;

    /// <param name="folder">Of the database: what is temporary elsewhere is often memory.</param>
    public AnswerSpool(string folder, MemoryBudget budget)
    {
        _folder = folder;
        budget.Add(InMemory);
    }

    /// <summary>The pieces of answers that are full.</summary>
    internal ByteAllowance InMemory { get; } = new("answers", wanted: 4 << 20, least: 256 << 10);

    /// <summary>Answers that were too long for the memory, since the start.</summary>
    public long Files => Interlocked.Read(ref _files);

    internal FileStream CreateFile()
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.ReadWrite,
            Share = FileShare.Read | FileShare.Delete,
            BufferSize = 0,
        };
        if (OperatingSystem.IsWindows())
        {
            options.Options = FileOptions.DeleteOnClose;
        }
        else
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        // A number that an earlier run has used up names what that run left behind when it was killed.
        var path = Path.Combine(_folder, $"answer-{Interlocked.Increment(ref _files)}.tmp");
        var file = new FileStream(path, options);
        if (!OperatingSystem.IsWindows())
        {
            File.Delete(path);
        }

        return file;
    }
}
