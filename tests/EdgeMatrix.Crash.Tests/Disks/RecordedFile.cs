namespace EdgeMatrix.Crash.Tests.Disks;

/// <summary>A file of a recorded disk, apart from the names it has or had.</summary>
internal sealed class RecordedFile(int number)
{
    public int Number => number;

    public bool IsFolder { get; init; }

    /// <summary>Whether it is memory that processes share, in the shape of a file: the index of a log, which SQLite makes anew after a power cut.</summary>
    public bool IsShared { get; init; }

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

    /// <summary>A folder has got another name: so has what is in it.</summary>
    public static void MoveContents(Dictionary<string, RecordedFile> names, string from, string to)
    {
        foreach (var name in names.Keys.Where(name => IsIn(from, name)).ToList())
        {
            names.Remove(name, out var file);
            names[to + name[from.Length..]] = file!;
        }
    }

    /// <summary>The same once the folder that it happens in has got another name.</summary>
    public DiskOperation Moved(string from, string to) => this with
    {
        Name = IsIn(from, Name) ? to + Name[from.Length..] : Name, From = IsIn(from, From) ? to + From[from.Length..] : From,
    };

    private static bool IsIn(string folder, string name) => name.StartsWith(folder + "/", StringComparison.Ordinal);
}
