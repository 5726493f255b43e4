using EdgeMatrix.Media.Thumbnails;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Media;

namespace EdgeMatrix.Media;

/// <summary>Media of other servers: their files lie with those of this one, each once; what nobody asked for the longest goes first.</summary>
public sealed class RemoteMediaStore(
    Database database, MediaFolder folder, ThumbnailCache thumbnails, MediaLimits limits, TimeProvider time)
{
    private static readonly TimeSpan _accessGrain = TimeSpan.FromDays(1);

    /// <summary>The most that one file may have.</summary>
    public long MaxBytes => Math.Min(limits.MaxUploadBytes, limits.RemoteBytes);

    /// <returns>Null if it is not here.</returns>
    public MediaLookup? Find(string serverName, string mediaId)
    {
        RemoteMediaRow? media;
        using (var snapshot = database.OpenSnapshot())
        {
            media = RemoteMediaTable.Find(snapshot, serverName, mediaId);
        }

        if (media is not { Quarantined: false })
        {
            return media is null ? null : new MediaLookup(MediaVerdict.NotFound);
        }

        var now = Now();
        if (now - media.AccessedTs >= _accessGrain.TotalMilliseconds)
        {
            // Nobody waits for it, and nobody misses it.
            _ = database.WriteAsync(db => RemoteMediaTable.Accessed(db, media.Nid, now));
        }

        var path = folder.PathOf(media.File.Hash);
        return File.Exists(path) ? new MediaLookup(MediaVerdict.Found, media.File, path) : null;
    }

    /// <summary>Keeps a file as it comes. When this ends, it is on the disk.</summary>
    /// <param name="type">A Content-Type, or null.</param>
    /// <param name="name">A file name, or null.</param>
    /// <returns>False if it is too large, or there is no room that can be made.</returns>
    public async Task<bool> StoreAsync(
        string serverName, string mediaId, Stream body, string? type, string? name, CancellationToken cancellationToken)
    {
        var temporary = folder.CreateTemporary();
        try
        {
            if (await UploadReader.CopyAsync(body, temporary, MaxBytes, cancellationToken) is not { } read)
            {
                return false;
            }

            while (OldestThatMustGo(read.Bytes) is { } oldest)
            {
                await DeleteAsync(oldest);
            }

            var file = new MediaFile(read.Hash, read.Bytes, type, name);
            return await folder.PlaceAsync(
                temporary,
                read.Hash,
                () => database.WriteToDiskAsync(db => Refer(db, serverName, mediaId, file)),
                () => IsReferredTo(read.Hash));
        }
        finally
        {
            await temporary.DisposeAsync();
            File.Delete(temporary.Name);
        }
    }

    /// <summary>Keeps media from everybody: the bytes, under whatever id.</summary>
    /// <param name="by">Nid of the administrator.</param>
    public Task<QuarantineVerdict> QuarantineAsync(string serverName, string mediaId, long by) => database.WriteToDiskAsync(db =>
    {
        if (RemoteMediaTable.Find(db, serverName, mediaId) is not { } media)
        {
            return QuarantineVerdict.NotFound;
        }

        if (MediaTable.IsProtected(db, media.File.Hash))
        {
            return QuarantineVerdict.Protected;
        }

        MediaTable.Quarantine(db, media.File.Hash, by);
        return QuarantineVerdict.Done;
    });

    /// <summary>Gives media back that were kept from everybody.</summary>
    /// <returns>False if there is no such media.</returns>
    public Task<bool> UnquarantineAsync(string serverName, string mediaId) => database.WriteToDiskAsync(db =>
    {
        if (RemoteMediaTable.Find(db, serverName, mediaId) is not { } media)
        {
            return false;
        }

        MediaTable.Unquarantine(db, media.File.Hash);
        return true;
    });

    /// <summary>Deletes what nobody has asked for since a time, ms since the Unix epoch, told to the day.</summary>
    /// <returns>How many.</returns>
    public async Task<int> PurgeAsync(long beforeTs, CancellationToken cancellationToken)
    {
        var count = 0;
        while (!cancellationToken.IsCancellationRequested && Oldest(beforeTs) is { } oldest)
        {
            await DeleteAsync(oldest);
            count++;
        }

        return count;
    }

    /// <summary>Upkeep: deletes one that nobody has asked for in its lifetime.</summary>
    /// <returns>Whether there may be more.</returns>
    public async Task<bool> SliceAsync()
    {
        if (limits.RemoteLifetime is not { } lifetime || Oldest((time.GetUtcNow() - lifetime).ToUnixTimeMilliseconds()) is not { } oldest)
        {
            return false;
        }

        await DeleteAsync(oldest);
        return true;
    }

    private bool Refer(WriteTransaction db, string serverName, string mediaId, MediaFile file)
    {
        // Two at once may each find room for itself alone.
        if (limits.RemoteBytes - MediaTable.Usage(db, MediaTable.OtherServers) < file.Bytes)
        {
            return false;
        }

        if (RemoteMediaTable.Find(db, serverName, mediaId) is { Quarantined: false } lost)
        {
            RemoteMediaTable.Delete(db, lost);
        }

        RemoteMediaTable.Insert(db, serverName, mediaId, file, Now());
        return true;
    }

    private async Task DeleteAsync(RemoteMediaRow media)
    {
        var forgotten = await folder.RemoveAsync(
            media.File.Hash,
            () => database.WriteToDiskAsync(db =>
            {
                RemoteMediaTable.Delete(db, media);
                return true;
            }),
            () => IsReferredTo(media.File.Hash));
        if (forgotten)
        {
            thumbnails.Remove(media.File.Hash);
        }
    }

    private RemoteMediaRow? OldestThatMustGo(long bytes)
    {
        using var db = database.OpenSnapshot();
        var left = limits.RemoteBytes - MediaTable.Usage(db, MediaTable.OtherServers);
        return left < bytes ? RemoteMediaTable.Oldest(db, long.MaxValue) : null;
    }

    private RemoteMediaRow? Oldest(long beforeTs)
    {
        using var db = database.OpenSnapshot();
        return RemoteMediaTable.Oldest(db, beforeTs);
    }

    private bool IsReferredTo(MediaHash hash)
    {
        using var db = database.OpenSnapshot();
        return MediaTable.IsReferredTo(db, hash);
    }

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
