using ZstdSharp;
using ZstdSharp.Unsafe;

namespace EdgeMatrix.Storage;

/// <summary>The working memory of one packing or unpacking at a time.</summary>
internal sealed class EventBodyCoder : IDisposable
{
    // On events with this dictionary the higher levels gain nothing; the tables are what a coder weighs.
    private const int Level = 6;
    private const int WindowLog = 16;
    private const int TableLog = 14;

    // zstd's experimental parameters by their names in zstd.h.
    private const ZSTD_cParameter CompressFormat = ZSTD_cParameter.ZSTD_c_experimentalParam2;
    private const ZSTD_dParameter DecompressFormat = ZSTD_dParameter.ZSTD_d_experimentalParam1;

    private readonly byte[] _dictionary;
    private readonly byte[] _text = new byte[EventBodyCodec.MaxPackedBytes];
    private readonly byte[] _raw = new byte[FoldedBody.MaxRawBytes];
    private Compressor? _compressor;
    private Decompressor? _decompressor;

    public EventBodyCoder(byte[] dictionary) => _dictionary = dictionary;

    /// <summary>The packed body, or null if it is not worth packing.</summary>
    public byte[]? Pack(ReadOnlySpan<byte> body)
    {
        if (!FoldedBody.TryFold(body, _text, _raw, out var textLength, out var rawLength))
        {
            return null;
        }

        // Nothing longer than the body itself is of use.
        Span<byte> packed = body.Length <= 2048 ? stackalloc byte[body.Length] : new byte[body.Length];
        if (rawLength + 2 >= packed.Length)
        {
            return null;
        }

        packed[0] = EventBodyCodec.Folded;
        packed[1] = (byte)(rawLength / FoldedBody.UnitBytes);
        _raw.AsSpan(0, rawLength).CopyTo(packed[2..]);
        return Compressor().TryWrap(_text.AsSpan(0, textLength), packed[(2 + rawLength)..], out var length)
            ? packed[..(2 + rawLength + length)].ToArray()
            : null;
    }

    /// <exception cref="DatabaseException">The bytes are damaged.</exception>
    public byte[] Unpack(ReadOnlySpan<byte> packed)
    {
        var rawLength = packed.Length > 1 ? packed[1] * FoldedBody.UnitBytes : 0;
        if (packed.Length < 2 + rawLength)
        {
            throw EventBodyCodec.Damaged(null);
        }

        try
        {
            var length = Decompressor().Unwrap(packed[(2 + rawLength)..], _text);
            return FoldedBody.Unfold(_text.AsSpan(0, length), packed.Slice(2, rawLength)) ?? throw EventBodyCodec.Damaged(null);
        }
        catch (ZstdException exception)
        {
            throw EventBodyCodec.Damaged(exception);
        }
    }

    public void Dispose()
    {
        _compressor?.Dispose();
        _decompressor?.Dispose();
    }

    private Compressor Compressor()
    {
        if (_compressor is null)
        {
            _compressor = new Compressor(Level);

            // What a frame says about itself is known here: 11 bytes an event.
            _compressor.SetParameter(CompressFormat, (int)ZSTD_format_e.ZSTD_f_zstd1_magicless);
            _compressor.SetParameter(ZSTD_cParameter.ZSTD_c_contentSizeFlag, 0);
            _compressor.SetParameter(ZSTD_cParameter.ZSTD_c_dictIDFlag, 0);
            _compressor.SetParameter(ZSTD_cParameter.ZSTD_c_windowLog, WindowLog);
            _compressor.SetParameter(ZSTD_cParameter.ZSTD_c_hashLog, TableLog);
            _compressor.SetParameter(ZSTD_cParameter.ZSTD_c_chainLog, TableLog);
            _compressor.LoadDictionary(_dictionary);
        }

        return _compressor;
    }

    private Decompressor Decompressor()
    {
        if (_decompressor is null)
        {
            _decompressor = new Decompressor();
            _decompressor.SetParameter(DecompressFormat, (int)ZSTD_format_e.ZSTD_f_zstd1_magicless);
            _decompressor.LoadDictionary(_dictionary);
        }

        return _decompressor;
    }
}
