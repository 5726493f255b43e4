using System.Collections.Concurrent;
using ZstdSharp;

namespace EdgeMatrix.Storage;

/// <summary>Packs event bodies for the disk and gives them back byte for byte.</summary>
/// <remarks>The first byte says how: 0 as it is, 1 zstd with the first dictionary. Thread safe.</remarks>
public sealed class EventBodyCodec : IDisposable
{
    private const byte Raw = 0;
    private const byte ZstdDictionary1 = 1;

    // An event has at most 65,536 bytes; what claims to unpack to more is damaged.
    private const int MaxBytes = 65_536 * 2;
    private const int Level = 3;

    private readonly ConcurrentBag<Decompressor> _decompressors = [];
    private readonly Lock _compressorLock = new();
    private readonly Compressor _compressor;

    public EventBodyCodec()
    {
        _compressor = new Compressor(Level);
        _compressor.LoadDictionary(EventDictionary.First);
    }

    public byte[] Pack(ReadOnlySpan<byte> canonical)
    {
        lock (_compressorLock)
        {
            var packed = _compressor.Wrap(canonical);
            return packed.Length < canonical.Length ? [ZstdDictionary1, .. packed] : [Raw, .. canonical];
        }
    }

    /// <exception cref="DatabaseException">The bytes are not what was packed.</exception>
    public byte[] Unpack(ReadOnlySpan<byte> stored)
    {
        switch (stored)
        {
            case [Raw, .. var body]:
                return body.ToArray();
            case [ZstdDictionary1, .. var packed]:
                if (!_decompressors.TryTake(out var decompressor))
                {
                    decompressor = new Decompressor();
                    decompressor.LoadDictionary(EventDictionary.First);
                }

                try
                {
                    return decompressor.Unwrap(packed, MaxBytes).ToArray();
                }
                catch (ZstdException exception)
                {
                    throw new DatabaseException("An event body is damaged: " + exception.Message, exception);
                }
                finally
                {
                    _decompressors.Add(decompressor);
                }

            default:
                throw new DatabaseException("An event body is damaged: it begins with no known format");
        }
    }

    public void Dispose()
    {
        _compressor.Dispose();
        while (_decompressors.TryTake(out var decompressor))
        {
            decompressor.Dispose();
        }
    }
}
