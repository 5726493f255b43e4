using System.Buffers;
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
    public byte[]? Pack(ReadOnlySpan<byte> body) =>
        FoldedBody.TryFold(body, _text, _raw, out var textLength, out var rawLength)
            ? Pack(EventBodyCodec.Folded, _text.AsSpan(0, textLength), _raw.AsSpan(0, rawLength), body.Length)
            : null;

    /// <summary>The frame of the body, and what is its own, packed; null if it is not worth parting.</summary>
    public (EventFrame Frame, byte[] Own)? PackFramed(ReadOnlySpan<byte> body)
    {
        if (!FoldedBody.TryFold(body, _text, _raw, out var textLength, out var rawLength))
        {
            return null;
        }

        var ownText = ArrayPool<byte>.Shared.Rent(textLength + 2);
        var ownRaw = ArrayPool<byte>.Shared.Rent(rawLength);
        var frame = FramedBody.TrySplit(
            _text.AsSpan(0, textLength), _raw.AsSpan(0, rawLength), ownText, ownRaw, out var ownTextLength, out var ownRawLength);
        var own = frame is null
            ? null
            : Pack(EventBodyCodec.Framed, ownText.AsSpan(0, ownTextLength), ownRaw.AsSpan(0, ownRawLength), body.Length);
        ArrayPool<byte>.Shared.Return(ownText);
        ArrayPool<byte>.Shared.Return(ownRaw);
        return own is null ? null : (frame!, own);
    }

    /// <summary>The packed frame, or null if it is not worth packing.</summary>
    public byte[]? Pack(EventFrame frame) => Pack(EventBodyCodec.Folded, frame.Text, frame.Raw, frame.Text.Length + frame.Raw.Length);

    /// <exception cref="DatabaseException">The bytes are damaged.</exception>
    public byte[] Unpack(ReadOnlySpan<byte> packed)
    {
        var raw = Unpack(packed, out var textLength);
        return FoldedBody.Unfold(_text.AsSpan(0, textLength), raw) ?? throw EventBodyCodec.Damaged(null);
    }

    /// <exception cref="DatabaseException">The bytes are damaged, or those of another frame.</exception>
    public byte[] Unpack(ReadOnlySpan<byte> packed, EventFrame frame)
    {
        var ownRaw = Unpack(packed, out var ownLength);
        var text = ArrayPool<byte>.Shared.Rent(frame.Text.Length + ownLength);
        var raw = ArrayPool<byte>.Shared.Rent(frame.Raw.Length + ownRaw.Length);
        var body = FramedBody.TryJoin(frame, _text.AsSpan(0, ownLength), ownRaw, text, raw, out var length)
            ? FoldedBody.Unfold(text.AsSpan(0, length), raw.AsSpan(0, frame.Raw.Length + ownRaw.Length))
            : null;
        ArrayPool<byte>.Shared.Return(text);
        ArrayPool<byte>.Shared.Return(raw);
        return body ?? throw EventBodyCodec.Damaged(null);
    }

    /// <exception cref="DatabaseException">The bytes are damaged.</exception>
    public EventFrame UnpackFrame(ReadOnlySpan<byte> packed)
    {
        var raw = Unpack(packed, out var textLength).ToArray();
        return new EventFrame(_text[..textLength], raw);
    }

    public void Dispose()
    {
        _compressor?.Dispose();
        _decompressor?.Dispose();
    }

    /// <param name="worth">Nothing longer than this is of use.</param>
    private byte[]? Pack(byte format, ReadOnlySpan<byte> text, ReadOnlySpan<byte> raw, int worth)
    {
        Span<byte> packed = worth <= 2048 ? stackalloc byte[worth] : new byte[worth];
        if (raw.Length + 2 >= packed.Length)
        {
            return null;
        }

        packed[0] = format;
        packed[1] = (byte)(raw.Length / FoldedBody.UnitBytes);
        raw.CopyTo(packed[2..]);
        return Compressor().TryWrap(text, packed[(2 + raw.Length)..], out var length)
            ? packed[..(2 + raw.Length + length)].ToArray()
            : null;
    }

    /// <summary>Unpacks the text into the working memory; the raw bytes lie as they are.</summary>
    private ReadOnlySpan<byte> Unpack(ReadOnlySpan<byte> packed, out int textLength)
    {
        var rawLength = packed.Length > 1 ? packed[1] * FoldedBody.UnitBytes : 0;
        if (packed.Length < 2 + rawLength)
        {
            throw EventBodyCodec.Damaged(null);
        }

        try
        {
            textLength = Decompressor().Unwrap(packed[(2 + rawLength)..], _text);
            return packed.Slice(2, rawLength);
        }
        catch (ZstdException exception)
        {
            throw EventBodyCodec.Damaged(exception);
        }
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
