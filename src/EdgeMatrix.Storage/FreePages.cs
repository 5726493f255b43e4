namespace EdgeMatrix.Storage;

/// <summary>Pages of the file that hold nothing any more, and how they go back to the file system.</summary>
/// <remarks>
/// Each of the last pages of the file moves into a free one, and the file ends earlier: no second copy is made. It needs a map of which
/// page points to which, one page of it for 800, which a file has from its making or never: https://sqlite.org/pragma.html#pragma_auto_vacuum
/// </remarks>
/// <param name="Pages">All pages of the file.</param>
/// <param name="Free">Those that hold nothing.</param>
/// <param name="CanShrink">The file has the map; one made by an EdgeMatrix from before it has not, until <see cref="DatabaseRewrite"/>.</param>
public readonly record struct FreePages(long Pages, long Free, bool CanShrink)
{
    public const int PageBytes = 4096;

    /// <summary>https://sqlite.org/pragma.html#pragma_auto_vacuum: 2, incremental.</summary>
    private const long Incremental = 2;

    // A few pages are used again soon, and would only be moved about: 1 MiB, or of a large file a twentieth.
    private const long LeastFree = 256;
    private const long LeastShare = 20;

    private const int PagesPerSlice = 64;

    /// <summary>So much is free that it is worth giving back.</summary>
    public bool IsMuch => CanShrink && Free > Math.Max(LeastFree, Pages / LeastShare);

    public static FreePages Read(Session db) =>
        new(Number(db, "PRAGMA page_count"), Number(db, "PRAGMA freelist_count"), Number(db, "PRAGMA auto_vacuum") == Incremental);

    /// <summary>Gives some free pages back. The file itself is shorter once the log has been moved into it.</summary>
    /// <returns>Whether there are more.</returns>
    public static bool GiveSomeBack(WriteTransaction db)
    {
        using (var vacuum = db.Prepare($"PRAGMA incremental_vacuum({PagesPerSlice})"))
        {
            vacuum.Run();
        }

        return Read(db).Free > 0;
    }

    private static long Number(Session db, string sql)
    {
        using var query = db.Prepare(sql);
        return query.Step() ? query.Int64(0) : 0;
    }
}
