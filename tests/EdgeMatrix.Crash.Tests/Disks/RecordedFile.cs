namespace EdgeMatrix.Crash.Tests.Disks;

/// <summary>A file of a recorded disk, apart from the names it has or had.</summary>
internal sealed class RecordedFile(int number)
{
    public int Number => number;

    public bool IsFolder { get; init; }

    /// <summary>Its length as programs see it.</summary>
    public long Length { get; set; }
}

internal enum DiskStep
{
    /// <summary>A name came into its folder: of a new file or folder, or one more of a file that has another.</summary>
    Create,

    /// <summary>A name took the place of another; with a journal both happen, or neither.</summary>
    Rename,

    /// <summary>A name went.</summary>
    Delete,

    Write,
    Truncate,

    /// <summary>All before it of the file is on the disk.</summary>
    Sync,

    /// <summary>A sync that failed: the system counts as written what is not, and will not try again.</summary>
    SyncFailed,

    /// <summary>All names before it in the folder of that name are on the disk.</summary>
    SyncFolder,

    /// <summary>Nothing of the disk's: the test was told that its step is done.</summary>
    Acknowledged,
}

/// <param name="Name">Relative to the folder that is recorded; that itself is "".</param>
/// <param name="From">What the name was before it was renamed.</param>
/// <param name="Position">Where a write begins; the new length of a truncation; which step was acknowledged.</param>
internal sealed record DiskOperation(DiskStep Step, RecordedFile? File, long Position, byte[] Data, string Name = "", string From = "")
{
    public static string FolderOf(string name) => Path.GetDirectoryName(name) ?? "";
}
