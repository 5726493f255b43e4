using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Sync;

/// <summary>So much is on its way to clients already that this answer has no place: try again when they have taken it.</summary>
public sealed class AnswersFullException() : Exception("too much is on its way to clients already");

/// <summary>Where answers stand from when they are written until they are sent: in memory as far as there is room, the rest in files.</summary>
/// <remarks>
/// The list of the members of a large room has tens of megabytes. It is written at once, for no reader of the database may wait for a slow
/// client, and read back from the file as the client takes it. The file has no name by then: it goes with the answer, whatever happens.
/// </remarks>
public sealed class AnswerSpool
{
    /// <summary>About ten full syncs at once of a room of 85,000 members.</summary>
    private const long MaxFileBytes = 512L << 20;

    private readonly string _folder;
    private readonly long _maxFileBytes;
    private long _fileBytes;
    private long _files;

    /// <inheritdoc cref="AnswerSpool(string, MemoryBudget, long)"/>
    public AnswerSpool(string folder, MemoryBudget budget)
        : this(folder, budget, MaxFileBytes)
    {
    }

    /// <param name="folder">Of the database: what is temporary elsewhere is often memory.</param>
    /// <param name="maxFileBytes">How much all files may take of the disk.</param>
    public AnswerSpool(string folder, MemoryBudget budget, long maxFileBytes)
    {
        _folder = folder;
        _maxFileBytes = maxFileBytes;
        budget.Add(InMemory);
    }

    /// <summary>The pieces of answers that are full.</summary>
    internal ByteAllowance InMemory { get; } = new("answers", wanted: 4 << 20, least: 256 << 10);

    /// <summary>Answers that were too long for the memory, since the start.</summary>
    public long Files => Interlocked.Read(ref _files);

    /// <summary>What answers take of the disk now.</summary>
    public long FileBytes => Interlocked.Read(ref _fileBytes);

    /// <summary>Before so many bytes are written to a file.</summary>
    /// <exception cref="AnswersFullException">The files would take too much of the disk.</exception>
    internal void HoldFileBytes(int bytes)
    {
        if (Interlocked.Add(ref _fileBytes, bytes) > _maxFileBytes)
        {
            Interlocked.Add(ref _fileBytes, -bytes);
            throw new AnswersFullException();
        }
    }

    internal void ReleaseFileBytes(long bytes) => Interlocked.Add(ref _fileBytes, -bytes);

    internal FileStream CreateFile() =>
        NamelessFile.Create(Path.Combine(_folder, $"answer-{Interlocked.Increment(ref _files)}.tmp"), bufferSize: 0);
}
