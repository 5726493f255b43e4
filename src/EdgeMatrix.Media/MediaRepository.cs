using EdgeMatrix.Media.Thumbnails;
using EdgeMatrix.Protocol;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Media;

namespace EdgeMatrix.Media;

/// <summary>
/// The media of this server: ids, and the files that they stand for. Those of other servers are in <see cref="RemoteMediaStore"/>.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#content-repository</remarks>
public sealed class MediaRepository(
    Database database,
    MediaFolder folder,
    ThumbnailCache thumbnails,
    LocalServer server,
    MediaLimits limits,
    RandomSource random,
    TimeProvider time)
{
    private const int IdLength = 24;
    private const int ExpiredAtOnce = 200;
    private static readonly TimeSpan AccessGrain = TimeSpan.FromDays(1);

    private readonly Lock _lock = new();
    private TaskCompletionSource _arrival = NewArrival();

    public MediaLimits Limits => limits;

    /// <summary>Stores a file under a new id. When this ends, it is on the disk.</summary>
    /// <param name="user">Nid of the user who uploads.</param>
    /// <param name="length">How many bytes will come, if it is known.</param>
    /// <param name="type">A Content-Type, or null.</param>
    /// <param name="name">A file name, or null.</param>
    /// <returns>The id if it is done.</returns>
    public async Task<(string? MediaId, UploadVerdict Verdict)> UploadAsync(
        long user, Stream body, long? length, string? type, string? name, CancellationToken cancellationToken)
    {
        var mediaId = random.Base62(IdLength);
        var verdict = await StoreAsync(user, body, length, type, name, AddRow, cancellationToken);
        return (verdict == UploadVerdict.Done ? mediaId : null, verdict);

        UploadVerdict AddRow(WriteTransaction db, MediaFile file)
        {
            MediaTable.TrySetFile(db, MediaTable.Insert(db, mediaId, user, Now(), expiresTs: null), user, file);
            return UploadVerdict.Done;
        }
    }

    /// <summary>Stores a file for the server itself, within <see cref="MediaLimits.PreviewBytes"/>: those that nobody asked for the longest go.</summary>
    /// <param name="head">What was read of the body already.</param>
    /// <param name="type">A Content-Type.</param>
    /// <returns>The id, an older one if the same bytes have one, and their number; null if there is no room for the file, or it is in quarantine.</returns>
    public async Task<(string MediaId, long Bytes)?> StoreOfServerAsync(
        ReadOnlyMemory<byte> head, Stream body, string type, CancellationToken cancellationToken)
    {
        var temporary = folder.CreateTemporary();
        try
        {
            if (await UploadReader.CopyAsync(body, temporary, limits.PreviewBytes, cancellationToken, head) is not { } read)
            {
                return null;
            }

            while (OldestThatMustGo(read.Bytes) is { } oldest)
            {
                await DeleteAsync(oldest.MediaId);
            }

            var file = new MediaFile(read.Hash, read.Bytes, type, null);
            string? mediaId = null;
            await folder.PlaceAsync(
                temporary,
                read.Hash,
                async () => (mediaId = await database.WriteToDiskAsync(db => ReferOfServer(db, file))) is not null,
                () => IsReferredTo(read.Hash));
            return mediaId is null ? null : (mediaId, read.Bytes);
        }
        finally
        {
            await temporary.DisposeAsync();
            File.Delete(temporary.Name);
        }
    }

    /// <summary>Makes an id whose file the user will upload.</summary>
    /// <returns>The id, and when it is forgotten, ms since the Unix epoch; or null: too many are waiting.</returns>
    public Task<(string MediaId, long ExpiresTs)?> CreateAsync(long user)
    {
        var mediaId = random.Base62(IdLength);
        return database.WriteAsync<(string, long)?>(db =>
        {
            var now = Now();
            if (MediaTable.UploadsWaiting(db, user, now) >= limits.MaxUploadsWaiting)
            {
                return null;
            }

            var expiresTs = now + (long)limits.UploadWait.TotalMilliseconds;
            MediaTable.Insert(db, mediaId, user, now, expiresTs);
            return (mediaId, expiresTs);
        });
    }

    /// <summary>Stores the file of an id made by <see cref="CreateAsync"/>; who waits for it is woken.</summary>
    /// <param name="serverName">Of the <c>mxc://</c> URI.</param>
    /// <inheritdoc cref="UploadAsync"/>
    public async Task<UploadVerdict> UploadToAsync(
        string serverName, string mediaId, long user, Stream body, long? length, string? type, string? name, CancellationToken cancellationToken)
    {
        var media = serverName == server.Name ? Find(mediaId) : null;
        if (media is null || media.ExpiresTs <= Now())
        {
            return UploadVerdict.NoSuchId;
        }

        if (media.Uploader != user)
        {
            return UploadVerdict.NotYours;
        }

        if (media.File is not null)
        {
            return UploadVerdict.AlreadyUploaded;
        }

        var verdict = await StoreAsync(
            user, body, length, type, name, (db, file) => GiveFile(db, media, file), cancellationToken);
        if (verdict == UploadVerdict.Done)
        {
            Arrived();
        }

        return verdict;
    }

    /// <summary>The file that an <c>mxc://</c> URI stands for.</summary>
    /// <param name="wait">How long to wait for it where its id was made and it is not there yet.</param>
    public async Task<MediaLookup> FindAsync(string serverName, string mediaId, TimeSpan wait, CancellationToken cancellationToken)
    {
        if (serverName != server.Name)
        {
            return new MediaLookup(MediaVerdict.NotFound);
        }

        var until = time.GetUtcNow() + wait;
        while (true)
        {
            var arrival = NextArrival();
            var media = Find(mediaId);
            if (media is null || media.Quarantined || media.ExpiresTs <= Now())
            {
                return new MediaLookup(MediaVerdict.NotFound);
            }

            if (media.File is { } file)
            {
                NoteAccess(media);
                var path = folder.PathOf(file.Hash);
                return File.Exists(path) ? new MediaLookup(MediaVerdict.Found, file, path) : new MediaLookup(MediaVerdict.NotFound);
            }

            var left = until - time.GetUtcNow();
            if (left <= TimeSpan.Zero || !await ArrivesAsync(arrival, left, cancellationToken))
            {
                return new MediaLookup(MediaVerdict.NotYetUploaded);
            }
        }
    }

    /// <summary>Keeps media from everybody: the bytes, under whatever id, and if they are uploaded again.</summary>
    /// <param name="by">Nid of the administrator.</param>
    public Task<QuarantineVerdict> QuarantineAsync(string mediaId, long by) => database.WriteToDiskAsync(db =>
    {
        if (MediaTable.Find(db, mediaId)?.File is not { } file)
        {
            return QuarantineVerdict.NotFound;
        }

        if (MediaTable.IsProtected(db, file.Hash))
        {
            return QuarantineVerdict.Protected;
        }

        MediaTable.Quarantine(db, file.Hash, by);
        return QuarantineVerdict.Done;
    });

    /// <summary>Gives media back that were kept from everybody.</summary>
    /// <returns>False if there is no such media.</returns>
    public Task<bool> UnquarantineAsync(string mediaId) => database.WriteToDiskAsync(db =>
    {
        if (MediaTable.Find(db, mediaId)?.File is not { } file)
        {
            return false;
        }

        MediaTable.Unquarantine(db, file.Hash);
        return true;
    });

    /// <summary>Says whether media may be quarantined; what is in quarantine already stays there.</summary>
    /// <returns>False if there is no such media.</returns>
    public Task<bool> ProtectAsync(string mediaId, bool isProtected) => database.WriteAsync(db =>
    {
        if (MediaTable.Find(db, mediaId) is not { File: not null } media)
        {
            return false;
        }

        MediaTable.Protect(db, media.Nid, isProtected);
        return true;
    });

    /// <summary>Deletes an id, and its file and thumbnails if they are of no other.</summary>
    /// <returns>False if there is no such media.</returns>
    public async Task<bool> DeleteAsync(string mediaId)
    {
        if (Find(mediaId) is not { } media)
        {
            return false;
        }

        Task Forget() => database.WriteToDiskAsync(db =>
        {
            MediaTable.Delete(db, media);
            return true;
        });
        if (media.File is { } file)
        {
            if (await folder.RemoveAsync(file.Hash, Forget, () => IsReferredTo(file.Hash)))
            {
                thumbnails.Remove(file.Hash);
            }
        }
        else
        {
            await Forget();
        }

        return true;
    }

    /// <summary>Forgets some of the ids that waited for their file too long.</summary>
    /// <returns>Whether there are more.</returns>
    public async Task<bool> ForgetExpiredAsync()
    {
        using (var snapshot = database.OpenSnapshot())
        {
            if (!MediaTable.AnyExpired(snapshot, Now()))
            {
                return false;
            }
        }

        return await database.WriteAsync(db => MediaTable.DeleteExpired(db, Now(), ExpiredAtOnce)) == ExpiredAtOnce;
    }

    private async Task<UploadVerdict> StoreAsync(
        long user,
        Stream body,
        long? length,
        string? type,
        string? name,
        Func<WriteTransaction, MediaFile, UploadVerdict> refer,
        CancellationToken cancellationToken)
    {
        long left;
        using (var snapshot = database.OpenSnapshot())
        {
            left = QuotaLeft(snapshot, user);
        }

        if (length > limits.MaxUploadBytes)
        {
            return UploadVerdict.TooLarge;
        }

        if (left <= 0 || length > left)
        {
            return UploadVerdict.OverQuota;
        }

        var temporary = folder.CreateTemporary();
        try
        {
            var most = Math.Min(left, limits.MaxUploadBytes);
            if (await UploadReader.CopyAsync(body, temporary, most, cancellationToken) is not { } read)
            {
                return most < limits.MaxUploadBytes ? UploadVerdict.OverQuota : UploadVerdict.TooLarge;
            }

            var file = new MediaFile(read.Hash, read.Bytes, type, name);
            var verdict = UploadVerdict.Done;
            await folder.PlaceAsync(
                temporary,
                read.Hash,
                async () => (verdict = await database.WriteToDiskAsync(db => Refer(db, user, file, refer))) == UploadVerdict.Done,
                () => IsReferredTo(read.Hash));
            return verdict;
        }
        finally
        {
            await temporary.DisposeAsync();
            File.Delete(temporary.Name);
        }
    }

    private static UploadVerdict GiveFile(WriteTransaction db, MediaRow media, MediaFile file) =>
        MediaTable.TrySetFile(db, media.Nid, media.Uploader, file) ? UploadVerdict.Done
        : MediaTable.Find(db, media.MediaId) is null ? UploadVerdict.NoSuchId
        : UploadVerdict.AlreadyUploaded;

    // Of two uploads at the same time each may find room for itself alone: the second is refused where it is counted.
    private UploadVerdict Refer(WriteTransaction db, long user, MediaFile file, Func<WriteTransaction, MediaFile, UploadVerdict> refer) =>
        QuotaLeft(db, user) < file.Bytes ? UploadVerdict.OverQuota : refer(db, file);

    private long QuotaLeft(Session db, long user) =>
        (user == MediaTable.Server ? limits.PreviewBytes : limits.UserQuotaBytes) is { } quota ? quota - MediaTable.Usage(db, user) : long.MaxValue;

    private string? ReferOfServer(WriteTransaction db, MediaFile file)
    {
        if (MediaTable.FindOfServer(db, file.Hash) is { } known)
        {
            return known.Quarantined ? null : known.MediaId;
        }

        // Two at once may each find room for itself alone.
        if (QuotaLeft(db, MediaTable.Server) < file.Bytes)
        {
            return null;
        }

        var mediaId = random.Base62(IdLength);
        MediaTable.TrySetFile(db, MediaTable.Insert(db, mediaId, MediaTable.Server, Now(), expiresTs: null), MediaTable.Server, file);
        return MediaTable.Find(db, mediaId) is { Quarantined: false } ? mediaId : null;
    }

    private MediaRow? OldestThatMustGo(long bytes)
    {
        using var db = database.OpenSnapshot();
        return QuotaLeft(db, MediaTable.Server) < bytes ? MediaTable.OldestOfServer(db) : null;
    }

    private MediaRow? Find(string mediaId)
    {
        using var db = database.OpenSnapshot();
        return MediaTable.Find(db, mediaId);
    }

    private bool IsReferredTo(MediaHash hash)
    {
        using var db = database.OpenSnapshot();
        return MediaTable.IsReferredTo(db, hash);
    }

    private void NoteAccess(MediaRow media)
    {
        var now = Now();
        if (now - media.AccessedTs >= AccessGrain.TotalMilliseconds)
        {
            // Nobody waits for it, and nobody misses it.
            _ = database.WriteAsync(db => MediaTable.Accessed(db, media.Nid, now));
        }
    }

    private async Task<bool> ArrivesAsync(Task arrival, TimeSpan wait, CancellationToken cancellationToken)
    {
        try
        {
            await arrival.WaitAsync(wait, time, cancellationToken);
            return true;
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            return false;
        }
    }

    private Task NextArrival()
    {
        lock (_lock)
        {
            return _arrival.Task;
        }
    }

    // All who wait look again, whichever file they wait for: they are few, and so are uploads.
    private void Arrived()
    {
        TaskCompletionSource arrival;
        lock (_lock)
        {
            (arrival, _arrival) = (_arrival, NewArrival());
        }

        arrival.SetResult();
    }

    private static TaskCompletionSource NewArrival() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
