using SQLitePCL;

namespace EdgeMatrix.Storage.Media;

/// <summary>
/// The files that media ids stand for, each once, at <c>media/HH/HASH</c>: the first two hex digits of its SHA-256, and the others.
/// </summary>
/// <remarks>
/// A file is placed before the row that refers to it is committed, and removed after the last one is gone. Between the two a
/// marker in <c>media/tmp</c>, named for the hash, tells the next start to look whether the file is wanted: so a crash leaves none
/// that nobody refers to, and no folder is searched. A power cut keeps no order but that of syncs: so each of these is on the disk before the next
/// begins, the commit too, whatever the durability of the database. A row that came through without its file would never heal.
/// </remarks>
public sealed class MediaFolder
{
    private const string MarkerExtension = ".check";

    private readonly string _root;
    private readonly string _temporary;
    private readonly SemaphoreSlim[] _locks = [.. Enumerable.Range(0, 16).Select(_ => new SemaphoreSlim(1))];

    /// <param name="data">The data folder; <c>media</c> is made in it.</param>
    public MediaFolder(string data)
    {
        _root = Path.GetFullPath(Path.Combine(data, "media"));
        _temporary = Path.Combine(_root, "tmp");
        DataFolder.Create(_temporary);
    }

    public string PathOf(MediaHash hash) => Path.Combine(FolderOf(hash), hash.Hex[2..]);

    /// <summary>Removes what a crash left: uploads that were not finished, and files that nothing refers to.</summary>
    /// <remarks>Call it before anything is uploaded.</remarks>
    public void CleanUp(Session db)
    {
        // A server that was killed may have made a folder without waiting for the disk, and who finds it there does not.
        DataFolder.Flush(_root);
        foreach (var file in Directory.EnumerateFiles(_temporary))
        {
            if (file.EndsWith(MarkerExtension, StringComparison.Ordinal)
                && MediaHash.TryParse(Path.GetFileNameWithoutExtension(file.AsSpan()), out var hash)
                && !MediaTable.IsReferredTo(db, hash.Value))
            {
                Delete(hash.Value);
            }

            File.Delete(file);
        }
    }

    /// <summary>An empty file to upload into; gone when disposed of, unless it was placed.</summary>
    /// <exception cref="DatabaseException">The disk does not take it.</exception>
    public FileStream CreateTemporary()
    {
        var options = DatabaseLock.OwnerOnly(FileMode.CreateNew);
        options.Share = FileShare.Read | FileShare.Delete;
        options.BufferSize = 0;
        return Guarded(() => new FileStream(Path.Combine(_temporary, Path.GetRandomFileName()), options));
    }

    /// <summary>
    /// Puts a finished file in its place and runs <paramref name="refer"/>, which says whether it now is referred to. If it is
    /// not, and by nobody else, the file is removed again.
    /// </summary>
    /// <param name="isReferredTo">Looks at what is committed.</param>
    /// <returns>What <paramref name="refer"/> returned.</returns>
    /// <exception cref="DatabaseException">The disk does not take it.</exception>
    public async Task<bool> PlaceAsync(FileStream temporary, MediaHash hash, Func<Task<bool>> refer, Func<bool> isReferredTo)
    {
        // The bytes reach the disk before the lock is taken: others of these hashes need not wait for that.
        Guarded(() => temporary.Flush(flushToDisk: true));
        using var held = await HoldAsync(hash);
        var marker = Mark(hash);
        var referred = false;
        try
        {
            Guarded(() => Move(temporary.Name, hash));
            return referred = await refer();
        }
        finally
        {
            if (!referred && !isReferredTo())
            {
                Delete(hash);
            }

            File.Delete(marker);
        }
    }

    /// <summary>Runs <paramref name="forget"/>, then removes the file if nothing refers to it any more.</summary>
    /// <returns>Whether it was removed.</returns>
    public async Task<bool> RemoveAsync(MediaHash hash, Func<Task> forget, Func<bool> isReferredTo)
    {
        using var held = await HoldAsync(hash);
        var marker = Mark(hash);
        await forget();
        var removed = !isReferredTo();
        if (removed)
        {
            Delete(hash);
        }

        File.Delete(marker);
        return removed;
    }

    /// <summary>Does something with files, and tells of a disk that is full or broken as the database does.</summary>
    /// <exception cref="DatabaseException">The disk does not do it.</exception>
    public static T Guarded<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Failure(exception);
        }
    }

    /// <inheritdoc cref="Guarded{T}"/>
    public static async Task GuardedAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Failure(exception);
        }
    }

    private static void Guarded(Action work) => Guarded(() =>
    {
        work();
        return true;
    });

    private static DatabaseException Failure(Exception exception) => new(
        $"A file in the media folder cannot be written: {exception.Message}",
        DatabaseException.IsNoSpace(exception) ? raw.SQLITE_FULL : raw.SQLITE_IOERR);

    private void Move(string from, MediaHash hash)
    {
        var folder = FolderOf(hash);
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
            DataFolder.Flush(_root);
        }

        // The same bytes again: those that are there were on the disk before.
        if (!File.Exists(PathOf(hash)))
        {
            File.Move(from, PathOf(hash));
            DataFolder.Flush(folder);
        }
    }

    private void Delete(MediaHash hash)
    {
        // A power cut can leave the marker of a file whose folder was not made yet.
        if (File.Exists(PathOf(hash)))
        {
            File.Delete(PathOf(hash));
            DataFolder.Flush(FolderOf(hash));
        }
    }

    private string Mark(MediaHash hash)
    {
        var marker = Path.Combine(_temporary, hash.Hex + MarkerExtension);
        Guarded(() => File.Create(marker).Dispose());
        DataFolder.Flush(_temporary);
        return marker;
    }

    private async Task<Held> HoldAsync(MediaHash hash)
    {
        var one = _locks[Convert.ToInt32(hash.Hex[..1], 16)];
        await one.WaitAsync();
        return new Held(one);
    }

    private string FolderOf(MediaHash hash) => Path.Combine(_root, hash.Hex[..2]);

    private sealed class Held(SemaphoreSlim held) : IDisposable
    {
        public void Dispose() => held.Release();
    }
}
