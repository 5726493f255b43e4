namespace EdgeMatrix.Crash.Tests.Disks;

/// <summary>A file of a recorded disk, apart from the names it has or had.</summary>
internal sealed class RecordedFile(int number)
{
    public int Number => number;

    /// <summary>Its length as programs see it.</summary>
    public long Length { get; set; }
}

internal enum DiskStep
{
    /// <summary>A name came into the folder.</summary>
    Create,

    /// <summary>A name went.</summary>
    Delete,

    Write,
    Truncate,

    /// <summary>All before it of the file is on the disk.</summary>
    Sync,

    /// <summary>A sync that failed: the system counts as written what is not, and will not try again.</summary>
    SyncFailed,

    /// <summary>All names before it are on the disk.</summary>
    SyncFolder,

    /// <summary>Nothing of the disk's: the test was told that its step is done.</summary>
    Acknowledged,
}

/// <param name="Position">Where a write begins; the new length of a truncation; which step was acknowledged.</param>
internal sealed record DiskOperation(DiskStep Step, RecordedFile? File, long Position, byte[] Data, string Name = "");
