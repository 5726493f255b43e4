using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Media;

namespace EdgeMatrix.Media.Thumbnails;

/// <summary>
/// Thumbnails that were made, at <c>thumbnails/HH/HASH-SIZE</c> of the data folder. All can be made again: they need no backup, and those
/// that were not asked for the longest go when they are too many.
/// </summary>
/// <remarks>Of a picture that has none it keeps that, as a file of one byte: the verdict.</remarks>
public sealed class ThumbnailCache
{
    /// <summary>Of their folder in the data folder.</summary>
    public const string FolderName = "thumbnails";

    private static readonly TimeSpan UseGrain = TimeSpan.FromDays(1);

    private readonly string _root;
    private readonly string _temporary;
    private readonly TimeProvider _time;
    private readonly long _maxBytes;
    private readonly Lock _lock = new();
    private long? _bytes;

    /// <param name="data">The data folder.</param>
    /// <param name="maxBytes">Of all thumbnails together.</param>
    public ThumbnailCache(string data, TimeProvider time, long maxBytes)
    {
        _root = Path.GetFullPath(Path.Combine(data, FolderName));
        _temporary = Path.Combine(_root, "tmp");
        _time = time;
        _maxBytes = maxBytes;
    }

    /// <summary>What is known of a thumbnail; null: nothing.</summary>
    /// <returns>The verdict, and where the thumbnail is if it was made.</returns>
    public (ThumbnailVerdict Verdict, string Path)? Find(MediaHash hash, ThumbnailSize size)
    {
        var file = new FileInfo(PathOf(hash, size));
        if (!file.Exists)
        {
            return null;
        }

        var now = _time.GetUtcNow().UtcDateTime;
        if (now - file.LastWriteTimeUtc > UseGrain)
        {
            File.SetLastWriteTimeUtc(file.FullName, now);
        }

        return (file.Length == 1 ? (ThumbnailVerdict)File.ReadAllBytes(file.FullName)[0] : ThumbnailVerdict.Made, file.FullName);
    }

    /// <summary>Has a thumbnail made, and keeps it.</summary>
    /// <param name="make">Writes it, and says what became of it; <see cref="ThumbnailVerdict.Failed"/> is not kept.</param>
    /// <exception cref="DatabaseException">The disk does not take it.</exception>
    public async Task<(ThumbnailVerdict Verdict, string Path)> MakeAsync(
        MediaHash hash, ThumbnailSize size, Func<Stream, Task<ThumbnailVerdict>> make)
    {
        var verdict = ThumbnailVerdict.Failed;
        var path = PathOf(hash, size);
        Directory.CreateDirectory(_temporary);
        var temporary = Path.Combine(_temporary, Path.GetRandomFileName());
        try
        {
            await MediaFolder.GuardedAsync(async () =>
            {
                await using var file = new FileStream(temporary, FileMode.CreateNew);
                verdict = await make(file);
                if (verdict != ThumbnailVerdict.Made)
                {
                    file.SetLength(0);
                    file.WriteByte((byte)verdict);
                }

                // Else a power cut could leave a name without its bytes, and that would be believed.
                file.Flush(flushToDisk: true);
            });
            if (verdict != ThumbnailVerdict.Failed)
            {
                Keep(temporary, path);
            }
        }
        finally
        {
            File.Delete(temporary);
        }

        return (verdict, path);
    }

    /// <summary>Removes every thumbnail of a picture.</summary>
    public void Remove(MediaHash hash)
    {
        var folder = Path.Combine(_root, hash.Hex[..2]);
        if (Directory.Exists(folder))
        {
            foreach (var file in Directory.EnumerateFiles(folder, hash.Hex[2..] + "-*"))
            {
                File.Delete(file);
            }
        }
    }

    private void Keep(string temporary, string path)
    {
        lock (_lock)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.SetLastWriteTimeUtc(temporary, _time.GetUtcNow().UtcDateTime);
            File.Move(temporary, path, overwrite: true);
            _bytes = _bytes is { } known ? known + new FileInfo(path).Length : All().Sum(file => file.Length);
            if (_bytes > _maxBytes)
            {
                Trim(path);
            }
        }
    }

    // To three quarters, so that it is seldom done.
    private void Trim(string newest)
    {
        var files = All().OrderBy(file => file.LastWriteTimeUtc).ToList();
        _bytes = files.Sum(file => file.Length);
        foreach (var file in files.Where(file => file.FullName != newest))
        {
            if (_bytes <= _maxBytes * 3 / 4)
            {
                return;
            }

            _bytes -= file.Length;
            file.Delete();
        }
    }

    private IEnumerable<FileInfo> All() => new DirectoryInfo(_root).EnumerateFiles("*", SearchOption.AllDirectories);

    private string PathOf(MediaHash hash, ThumbnailSize size) => Path.Combine(_root, hash.Hex[..2], $"{hash.Hex[2..]}-{size.Name}");
}
