using System.Buffers;
using EdgeMatrix.Storage.Media;
using NSec.Cryptography;

namespace EdgeMatrix.Media;

/// <summary>Copies an upload into a file, as it comes, and hashes it on the way: in memory is one piece of it at a time.</summary>
internal static class UploadReader
{
    private const int PieceBytes = 64 * 1024;

    /// <param name="head">What was read of the body already.</param>
    /// <returns>How many bytes there were and their hash; null if more than <paramref name="maxBytes"/>.</returns>
    /// <exception cref="Storage.DatabaseException">The disk does not take them.</exception>
    public static async Task<(long Bytes, MediaHash Hash)?> CopyAsync(
        Stream body, FileStream file, long maxBytes, CancellationToken cancellationToken, ReadOnlyMemory<byte> head = default)
    {
        if (head.Length > maxBytes)
        {
            return null;
        }

        var piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            IncrementalHash.Initialize(HashAlgorithm.Sha256, out var state);
            var bytes = (long)head.Length;
            if (bytes > 0)
            {
                IncrementalHash.Update(ref state, head.Span);
                await MediaFolder.GuardedAsync(() => file.WriteAsync(head, cancellationToken).AsTask());
            }

            while (await body.ReadAsync(piece, cancellationToken) is var read and > 0)
            {
                bytes += read;
                if (bytes > maxBytes)
                {
                    return null;
                }

                IncrementalHash.Update(ref state, piece.AsSpan(0, read));
                await MediaFolder.GuardedAsync(() => file.WriteAsync(piece.AsMemory(0, read), cancellationToken).AsTask());
            }

            return (bytes, MediaHash.From(IncrementalHash.Finalize(ref state)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }
}
