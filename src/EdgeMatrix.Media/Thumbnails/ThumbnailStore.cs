using EdgeMatrix.Storage.Media;

namespace EdgeMatrix.Media.Thumbnails;

/// <summary>Gives thumbnails: those that were made before, and others by having them made, one after the other.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#thumbnails</remarks>
public sealed class ThumbnailStore(ThumbnailCache cache, ThumbnailWorker worker) : IDisposable
{
    private const int MaxWaiting = 32;

    private readonly SemaphoreSlim _one = new(1);
    private int _waiting;

    public void Dispose() => _one.Dispose();

    /// <summary>The thumbnail of a file.</summary>
    /// <returns>Where it is; of <see cref="ThumbnailVerdict.Original"/> that is the file itself.</returns>
    /// <exception cref="Storage.DatabaseException">The disk does not take it.</exception>
    public async Task<(ThumbnailVerdict Verdict, string? Path)> GetAsync(
        MediaHash hash, string picture, ThumbnailSize size, CancellationToken cancellationToken)
    {
        if (cache.Find(hash, size) is { } known)
        {
            return (known.Verdict, known.Verdict == ThumbnailVerdict.Original ? picture : known.Path);
        }

        if (Interlocked.Increment(ref _waiting) > MaxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            return (ThumbnailVerdict.Busy, null);
        }

        try
        {
            await _one.WaitAsync(cancellationToken);
            try
            {
                // Whoever waited before may have wanted the same.
                var (verdict, path) = cache.Find(hash, size)
                    ?? await cache.MakeAsync(hash, size, output => worker.RunAsync(picture, size, output));
                return (verdict, verdict == ThumbnailVerdict.Original ? picture : path);
            }
            finally
            {
                _one.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
